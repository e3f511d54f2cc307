import { createServer } from 'node:net';

/**
 * A free loopback port, for a server that restarts on the same one. Below the ephemeral ports: a
 * client that retries a port without a listener could be assigned that port itself, and connect to
 * itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const probe = createServer();
    const free = await new Promise<boolean>(resolve => {
      probe.once('error', () => resolve(false));
      probe.listen({ port, host: '127.0.0.1' }, () => resolve(true));
    });
    if (!free) continue;
    await new Promise(resolve => probe.close(resolve));
    return port;
  }
}
