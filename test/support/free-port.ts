import { createServer } from 'node:net';

/**
 * A port of the loopback interface that is free now, for a server that is to be started again on
 * the same one. Below those that the system gives to outgoing connections: a client that tries
 * again and again to reach a port where nobody listens could be given that very port for its own
 * side, and reach itself.
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
