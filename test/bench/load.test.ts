import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Belt } from '../../src/bench/belt.ts';
import { FrameCounter } from '../../src/bench/frame-counter.ts';
import { type LoadPlan, runLoad } from '../../src/bench/load.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { listen } from '../support/listen.ts';

const OK = Buffer.from('OK\0\0');
const NOK = Buffer.from('NOK\0');
const FRAMES = ['4e424554000000023161', '4e42455400000003316262'].map(hex =>
  Buffer.from(hex, 'hex'),
);

const never = new AbortController().signal;

/**
 * A server that calls `onBatches` with the number of received batches, and does not answer by
 * itself.
 */
async function serve(onBatches: (socket: Socket, batches: number) => void) {
  const sockets = new Set<Socket>();
  const received: Buffer[] = [];
  const server = createServer(socket => {
    sockets.add(socket);
    const frames = new FrameCounter();
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => {
      received.push(chunk);
      onBatches(socket, frames.count(chunk));
    });
  });
  return { port: await listen(server), sockets, received };
}

function plan(port: number, changes: Partial<LoadPlan> = {}): LoadPlan {
  const { window = 3 } = changes;
  return {
    addresses: [{ host: '127.0.0.1', port }],
    limits: DEFAULT_LIMITS,
    connections: 4,
    agencies: 3,
    identify: agency => Buffer.from(`CONN\0\0\0\x01${agency}`),
    window,
    batches: 100,
    belt: new Belt(FRAMES, window),
    stop: never,
    ...changes,
  };
}

const answerAll = (socket: Socket, batches: number): void => {
  for (let batch = 0; batch < batches; batch += 1) socket.write(OK);
};

describe('runLoad', () => {
  test.each([
    { connections: 4, window: 3, batches: 100 },
    { connections: 1, window: 1, batches: 10 },
    { connections: 70, window: 2, batches: 1000 },
    { connections: 5, window: 64, batches: 3 },
  ])('sends every batch once and waits for its answer (%j)', async shape => {
    let batches = 0;
    const { port } = await serve((socket, count) => {
      batches += count;
      answerAll(socket, count);
    });
    const { seconds, latencyMs } = await runLoad(plan(port, shape));
    expect(batches).toBe(shape.batches);
    expect(seconds).toBeGreaterThan(0);
    expect(latencyMs.p50).toBeGreaterThan(0);
    expect(latencyMs.max).toBeGreaterThanOrEqual(latencyMs.p999);
    expect(latencyMs.p999).toBeGreaterThanOrEqual(latencyMs.p99);
  });

  test('identifies its connections as agencies in turn and sends the frames in order', async () => {
    const { port, received } = await serve(answerAll);
    await runLoad(plan(port, { connections: 5, window: 1, batches: 5 }));
    const [, ...rest] = Buffer.concat(received).toString('latin1').split('CONN\0\0\0\x01');
    const ids = rest.map(text => Number(text[0]));
    expect(ids.toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 3]);
    received.length = 0;
    await runLoad(plan(port, { connections: 1, batches: 3 }));
    const sent = Buffer.concat(received).subarray('CONN....1'.length);
    expect(sent).toEqual(Buffer.concat([FRAMES[0]!, FRAMES[1]!, FRAMES[0]!]));
  });

  test('distributes the connections over several servers', async () => {
    const servers = await Promise.all([serve(answerAll), serve(answerAll)]);
    const addresses = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    await runLoad(plan(0, { addresses, connections: 5, window: 1, batches: 50 }));
    const connections = servers.map(
      ({ received }) => Buffer.concat(received).toString('latin1').split('CONN').length - 1,
    );
    expect(connections).toEqual([3, 2]);
  });

  test('never has more batches unanswered than its window', async () => {
    const unanswered = new Map<Socket, number>();
    const most: number[] = [];
    const { port } = await serve((socket, count) => {
      const now = (unanswered.get(socket) ?? 0) + count;
      unanswered.set(socket, now);
      most.push(now);
      // Slow, one byte at a time: room in the window is used at once.
      setImmediate(() => {
        if (unanswered.get(socket) === 0) return;
        const batches = unanswered.get(socket)!;
        unanswered.set(socket, 0);
        for (const byte of Buffer.concat(Array.from({ length: batches }, () => OK)))
          socket.write(Uint8Array.of(byte));
      });
    });
    await runLoad(plan(port, { window: 7, batches: 500 }));
    expect(Math.max(...most)).toBe(7);
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['a refusal', socket => socket.end(NOK), 'the server answered NOK'],
    ['a closed connection', socket => socket.end(), 'the server closed the connection'],
    [
      'more answers than batches',
      socket => socket.write(Buffer.concat(Array(9).fill(OK))),
      'without a request',
    ],
  ])('fails after %s', async (_, act, message) => {
    const { port } = await serve((socket, count) => {
      if (count > 0) act(socket);
    });
    await expect(runLoad(plan(port))).rejects.toThrow(message);
  });

  test('fails when no answer arrives within the answer timeout', async () => {
    const { port } = await serve(() => {});
    const limits = { ...DEFAULT_LIMITS, answerTimeoutMs: 10, lingerTimeoutMs: 10 };
    await expect(runLoad(plan(port, { limits }))).rejects.toThrow('no answer within 10 ms');
  });

  test('fails when no server listens', async () => {
    await expect(runLoad(plan(1))).rejects.toThrow(
      '127.0.0.1:1: no server listens there (ECONNREFUSED)',
    );
  });

  test('stops when aborted and closes every connection', async () => {
    const stopping = new AbortController();
    const { port, sockets } = await serve((_, count) => {
      if (count > 0) stopping.abort(new Error('enough'));
    });
    const limits = { ...DEFAULT_LIMITS, lingerTimeoutMs: 10 };
    await expect(runLoad(plan(port, { limits, stop: stopping.signal }))).rejects.toThrow('enough');
    await expect.poll(() => [...sockets].every(({ closed }) => closed)).toBe(true);
  });
});
