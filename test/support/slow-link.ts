import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from './listen.ts';

/** Period of forwarding, in milliseconds. */
const STEP_MS = 50;

/**
 * A TCP proxy for a loopback port with a bandwidth limit in each direction. It ends with the test.
 *
 * @returns its port
 */
export async function openSlowLink(port: number, bitsPerSecond: number): Promise<number> {
  const bytesPerMs = bitsPerSecond / 8 / 1000;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, near => {
    const far = keep(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    keep(near);
    trickle(near, far, bytesPerMs);
    trickle(far, near, bytesPerMs);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return listen(server);
}

function trickle(from: Socket, to: Socket, bytesPerMs: number): void {
  const queue: Buffer[] = [];
  let queued = 0;
  let credit = 0;
  let last = performance.now();
  let ended = false;
  const timer = setInterval(() => {
    const now = performance.now();
    // Unused bandwidth is not saved.
    credit = queued === 0 ? 0 : credit + (now - last) * bytesPerMs;
    last = now;
    while (credit >= 1 && queued > 0) {
      const [head] = queue as [Buffer];
      const part = head.subarray(0, Math.floor(credit));
      if (part.length === head.length) queue.shift();
      else queue[0] = head.subarray(part.length);
      queued -= part.length;
      credit -= part.length;
      to.write(part);
    }
    if (queued === 0 && ended) {
      clearInterval(timer);
      to.end();
    }
  }, STEP_MS);
  from.on('data', chunk => {
    queue.push(chunk);
    queued += chunk.length;
  });
  from.on('end', () => {
    ended = true;
  });
  const onClose = (): void => {
    clearInterval(timer);
    to.destroy();
  };
  from.on('close', hadError => hadError && onClose());
  to.on('close', onClose);
}
