import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EchoConnection } from '../../src/central/echo.ts';
import { Listener } from '../../src/central/listener.ts';
import { OpenConnections } from '../../src/central/open-connections.ts';
import type { CentralEvent } from '../../src/observe/events.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/wire/limits.ts';
import { until } from '../support/until.ts';
import { Peer } from '../support/peer.ts';

async function open(options: { limits?: Partial<Limits>; now?: () => number } = {}) {
  const { now = () => performance.now() } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const events: CentralEvent[] = [];
  const sockets: Socket[] = [];
  const emit = (event: CentralEvent): void => void events.push(event);
  const listener = await Listener.open({
    open: new OpenConnections(DEFAULT_LIMITS),
    name: 'echo',
    host: '127.0.0.1',
    port: 0,
    backlog: 128,
    limits,
    emit,
    serve(socket, ip) {
      sockets.push(socket);
      return new EchoConnection(socket, ip, { limits, emit, now });
    },
    turnAway: () => [Buffer.from('busy\n')],
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= listener.stop());
  onTestFinished(stop);
  const of = (kind: CentralEvent['event']): CentralEvent[] =>
    events.filter(({ event }) => event === kind);
  return { connect: () => Peer.connect(listener.port), of, stop, sockets };
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

describe('the echo server', () => {
  test.each([
    ['the message of the assignment', '[CLIENT 1] Message N°1'],
    ['UTF-8 sequences of every length', 'ñandú € 𐍈 \u0301'],
    ['spaces, quotes and shell metacharacters', '  "a" \'b\' $(id) ; \\ %s | c  '],
    ['an empty line', ''],
    ['a carriage return', 'dos\r'],
    ['control characters', '\0\x01\x1b[31m\x7f\t'],
    ['a line of the maximum length', 'x'.repeat(8192)],
  ])('returns %s unchanged and closes the connection', async (_, text) => {
    const { connect, of } = await open();
    const peer = await connect();
    peer.send(Buffer.from(`${text}\n`));
    expect(await peer.rest()).toBe(hex(`${text}\n`));
    expect(of('echo')).toEqual([{ event: 'echo', ip: '127.0.0.1', text }]);
    peer.end();
    await until(() => of('connection-closed').length === 1, 'the connection being closed');
    expect(of('connection-error')).toEqual([]);
    expect(of('connection-cut')).toEqual([]);
  });

  test('returns bytes that are not UTF-8 unchanged', async () => {
    const { connect } = await open();
    const peer = await connect();
    peer.send('ff fe 80 c3 0a');
    expect(await peer.rest()).toBe('fffe80c30a');
  });
});

test('a line may arrive byte by byte', async () => {
  const { connect, of } = await open();
  const peer = await connect();
  for (const byte of Buffer.from('Message N°1')) {
    peer.send(Buffer.of(byte));
    await new Promise(resolve => setImmediate(resolve));
  }
  expect(peer.socket.bytesRead).toBe(0);
  peer.send(Buffer.from('\n'));
  expect(await peer.rest()).toBe(hex('Message N°1\n'));
  expect(of('echo')).toHaveLength(1);
});

test('a line without line end is complete at the half-close', async () => {
  const { connect, of } = await open();
  const peer = await connect();
  peer.send(Buffer.from('no line end °'));
  peer.end();
  expect(await peer.rest()).toBe(hex('no line end °\n'));
  expect(of('echo')).toEqual([{ event: 'echo', ip: '127.0.0.1', text: 'no line end °' }]);
});

test('only the first line of a connection is answered', async () => {
  const { connect, of } = await open();
  const peer = await connect();
  peer.send(Buffer.from('first\nsecond\nthird'));
  peer.end();
  expect(await peer.rest()).toBe(hex('first\n'));
  expect(of('echo')).toHaveLength(1);
});

test('a peer that sends nothing receives nothing', async () => {
  const { connect, of } = await open();
  const peer = await connect();
  peer.end();
  expect(await peer.rest()).toBe('');
  await until(() => of('connection-closed').length === 1, 'the connection being closed');
  expect(of('echo')).toEqual([]);
  expect(of('connection-error')).toEqual([]);
});

describe('a line that is too long', () => {
  test.each([
    ['one byte too long', Buffer.from(`${'x'.repeat(8193)}\n`)],
    ['without end', Buffer.from('x'.repeat(100_000))],
  ])('(%s) is refused without a reply, and logged', async (_, bytes) => {
    const { connect, of } = await open();
    const other = await connect();
    const peer = await connect();
    peer.send(bytes);
    expect(await peer.rest()).toBe('');
    expect(of('message-refused')).toEqual([
      {
        event: 'message-refused',
        ip: '127.0.0.1',
        refusal: { code: 'payload-too-large', detail: 'a line of more than 8192 bytes' },
      },
    ]);
    expect(of('echo')).toEqual([]);
    other.send(Buffer.from('short\n'));
    expect(await other.rest()).toBe(hex('short\n'));
  });
});

test('concurrent connections each receive their own line', async () => {
  const { connect, of } = await open();
  const peers = await Promise.all(Array.from({ length: 100 }, () => connect()));
  for (const [index, peer] of peers.entries()) peer.send(Buffer.from(`[CLIENT ${index}] Mess`));
  for (const [index, peer] of peers.entries()) peer.send(Buffer.from(`age N°${index}\n`));
  for (const [index, peer] of peers.entries()) {
    expect(await peer.rest()).toBe(hex(`[CLIENT ${index}] Message N°${index}\n`));
  }
  expect(of('echo')).toHaveLength(100);
});

describe('deadlines', () => {
  test('cut and log a peer without a whole line in time', async () => {
    let time = 0;
    const { connect, of } = await open({ limits: { firstMessageTimeoutMs: 50 }, now: () => time });
    const peer = await connect();
    peer.send(Buffer.from('half'));
    await until(() => of('connection-accepted').length === 1, 'the connection being accepted');
    time = 50;
    expect(await peer.rest()).toBe('');
    await until(() => of('connection-closed').length === 1, 'the connection being closed');
    expect(of('connection-cut')).toEqual([
      { event: 'connection-cut', ip: '127.0.0.1', reason: 'first-message-timeout' },
    ]);
  });

  test('allow a line many windows at the minimum rate', async () => {
    let time = 0;
    const limits = { firstMessageTimeoutMs: 50, progressBytesMin: 100 };
    const { connect, of, sockets } = await open({ limits, now: () => time });
    const peer = await connect();
    for (let window = 1; window <= 5; window += 1) {
      peer.send(Buffer.from('x'.repeat(100)));
      await until(() => sockets[0]?.bytesRead === window * 100, 'the bytes being read');
      time = window * 50;
      await delay(50);
    }
    peer.send(Buffer.from('\n'));
    expect(await peer.rest()).toBe(hex(`${'x'.repeat(500)}\n`));
    expect(of('connection-cut')).toEqual([]);
  });

  test('close a peer that stays open after its echo, without logging a cut', async () => {
    let time = 0;
    const limits = { firstMessageTimeoutMs: 50, lingerTimeoutMs: 50 };
    const { connect, of } = await open({ limits, now: () => time });
    const peer = await connect();
    peer.send(Buffer.from('line\n'));
    expect(await peer.rest()).toBe(hex('line\n'));
    expect(of('connection-closed')).toEqual([]);
    time = 100;
    await until(() => of('connection-closed').length === 1, 'the connection being closed');
    expect(of('connection-cut')).toEqual([]);
  });
});

describe('a connection reset', () => {
  test('within a line is logged as a network error', async () => {
    const { connect, of } = await open();
    const peer = await connect();
    peer.send(Buffer.from('half'));
    // After a round trip on another connection, the bytes were read.
    const other = await connect();
    other.send(Buffer.from('x\n'));
    await other.rest();
    peer.socket.resetAndDestroy();
    await until(() => of('connection-closed').length === 1, 'the connection being closed');
    expect(of('connection-error')).toHaveLength(1);
    expect(of('connection-error')[0]).toMatchObject({
      error: expect.stringContaining('ECONNRESET'),
    });
  });

  test.each([
    ['after the echo', 'line\n'],
    ['before any byte', ''],
  ])('%s is a normal close', async (_, text) => {
    const { connect, of } = await open();
    const peer = await connect();
    await until(() => of('connection-accepted').length === 1, 'the connection being accepted');
    if (text !== '') {
      peer.send(Buffer.from(text));
      expect(await peer.rest()).toBe(hex(text));
    }
    peer.socket.resetAndDestroy();
    await until(() => of('connection-closed').length === 1, 'the connection being closed');
    expect(of('connection-error')).toEqual([]);
  });
});

describe('a stop', () => {
  test('closes connections that have sent nothing or a partial line', async () => {
    const { connect, of, stop } = await open();
    const [silent, half] = [await connect(), await connect()];
    half.send(Buffer.from('half'));
    await until(() => of('connection-accepted').length === 2, 'both being accepted');
    const stopped = stop();
    for (const peer of [silent, half]) {
      expect(await peer.rest()).toBe('');
      peer.socket.destroy();
    }
    await stopped;
    expect(of('connection-closed')).toHaveLength(2);
    expect(of('listener-closed')).toHaveLength(1);
  });

  test.each([
    ['the rest of its line', 'line\n'],
    ['a half-close', ''],
  ])('sends no reply to a peer that then sends %s', async (_, rest) => {
    const { connect, of, stop } = await open();
    const peer = await connect();
    peer.send(Buffer.from('half a '));
    await until(() => of('connection-accepted').length === 1, 'the connection being accepted');
    // After a round trip on another connection, the bytes were read.
    const other = await connect();
    other.send(Buffer.from('x\n'));
    await other.rest();
    other.end();
    const stopped = stop();
    expect(await peer.rest()).toBe('');
    peer.send(Buffer.from(rest));
    peer.end();
    await stopped;
    expect(of('connection-error')).toEqual([]);
    expect(of('echo')).toHaveLength(1);
  });

  test('takes bounded time with peers that never close', async () => {
    const { connect, of, stop } = await open({ limits: { stopTimeoutMs: 50 } });
    const peers = [await connect(), await connect()];
    peers[1]!.send(Buffer.from('line\n'));
    expect(await peers[1]!.rest()).toBe(hex('line\n'));
    await until(() => of('connection-accepted').length === 2, 'both being accepted');
    const startedAt = performance.now();
    await stop();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(of('connection-closed')).toHaveLength(2);
    expect(of('connection-error')).toEqual([]);
  });
});
