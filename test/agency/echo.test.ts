import { createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EchoParts, runEcho } from '../../src/agency/echo.ts';
import { AgencyError, Stopped } from '../../src/agency/errors.ts';
import { listen } from '../support/listen.ts';
import { freePort } from '../support/free-port.ts';
import { Events, failureOf, loopback } from './start-agency.ts';

/** A server that calls `answer` with each line. @returns its port and the lines */
async function echoServer(
  answer: (socket: Socket, line: string) => void,
): Promise<{ port: number; lines: string[] }> {
  const lines: string[] = [];
  const server = createServer(socket => {
    socket.on('error', () => {});
    let received = '';
    socket.on('data', chunk => {
      received += chunk.toString('utf8');
      if (!received.endsWith('\n')) return;
      lines.push(received);
      answer(socket, received);
      received = '';
    });
  });
  return { port: await listen(server), lines };
}

function start(port: number | readonly number[], overrides: Partial<EchoParts> = {}) {
  const events = new Events();
  const stop = new AbortController();
  const running = runEcho({
    id: 1,
    addresses: loopback(port),
    amount: 3,
    periodMs: 1,
    answerTimeoutMs: 5_000,
    lineBytesMax: 1_000,
    limits: { connectTimeoutMs: 5_000, handshakeTimeoutMs: 5_000 },
    maxElapsedMs: 0,
    stop: stop.signal,
    emit: events.emit,
    now: () => performance.now(),
    random: () => 0.5,
    ...overrides,
  });
  onTestFinished(() => stop.abort());
  return { running, events, stop };
}

describe('the echo client', () => {
  test('fails over to the next server and stays with it', async () => {
    const { port, lines } = await echoServer((socket, line) => socket.end(line));
    const { running, events } = start([await freePort(), port]);
    await running;
    expect(lines).toHaveLength(3);
    expect(events.of('connecting')).toHaveLength(1);
    expect(events.of('socket-closed').map(({ address }) => address)).toEqual(
      Array.from({ length: 3 }, () => `127.0.0.1:${port}`),
    );
  });

  test('decodes an echo in any chunking', async () => {
    const { port } = await echoServer((socket, line) => {
      for (const byte of Buffer.from(line)) socket.write(Buffer.of(byte));
    });
    const { running, events } = start(port, { amount: 1 });
    await running;
    expect(events.of('echo')).toHaveLength(1);
  });

  test('finishes at once when there is nothing to send', async () => {
    const { running, events } = start(1, { amount: 0 });
    await running;
    expect(events.names).toEqual(['echo-finished']);
  });

  test.each<[string, (socket: Socket) => void, string]>([
    [
      'closes without a reply',
      socket => void socket.end(),
      'the server closed the connection before the echo came back',
    ],
    [
      'replies with half a line',
      socket => void socket.end('[CLIENT 1] Mess'),
      'the server closed the connection before the echo came back',
    ],
    [
      'resets the connection',
      socket => void socket.resetAndDestroy(),
      'the connection was lost before the echo came back, ECONNRESET',
    ],
    [
      'stays silent',
      () => {},
      'the connection was lost before the echo came back, no answer within 50 ms',
    ],
  ])('fails when the server %s', async (_, answer, message) => {
    const { port } = await echoServer(answer);
    const { running, events } = start(port, { answerTimeoutMs: 50 });
    const error = await failureOf(running);
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(message);
    expect(events.of('socket-closed')).toHaveLength(1);
  });

  test('fails on a line without an end', async () => {
    const { port } = await echoServer(socket => socket.write('x'.repeat(100_000)));
    const error = await failureOf(start(port).running);
    expect(error).toBeInstanceOf(AgencyError);
  });

  test('stops while it waits for an echo', async () => {
    const asked = Promise.withResolvers<void>();
    const { port } = await echoServer(() => asked.resolve());
    const { running, events, stop } = start(port);
    const stopped = failureOf(running);
    await asked.promise;
    stop.abort();
    expect(await stopped).toBeInstanceOf(Stopped);
    expect(events.of('socket-closed')).toHaveLength(1);
  });
});
