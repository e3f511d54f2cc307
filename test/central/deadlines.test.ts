import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import type { Limits } from '../../src/wire/limits.ts';
import { bet, conn, END, GWIN, nbet, NEND, NOK, OK, row, sbet } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { sendAndBeRead, TestCentral } from '../support/test-central.ts';
import { ManualClock, until } from '../support/until.ts';

/** In milliseconds of a fake clock. Deadlines are checked every 10 ms of the real one. */
const LIMITS: Partial<Limits> = {
  firstMessageTimeoutMs: 50,
  messageTimeoutMs: 200,
  idleTimeoutMs: 400,
  unreadTimeoutMs: 300,
  lingerTimeoutMs: 100,
};

async function open(
  options: { store?: GatedStore; limits?: Partial<Limits>; agencies?: number[] } = {},
) {
  const clock = new ManualClock();
  const { store = new GatedStore(), agencies = [1, 2] } = options;
  const limits = { ...LIMITS, ...options.limits };
  const central = await TestCentral.open({ agencies, store, limits, now: clock.now });
  return { central, clock, store };
}

describe('the first message', () => {
  test('has the same time limit when it arrives byte by byte', async () => {
    const { central, clock } = await open();
    const peer = await central.connect();
    await central.seen('connection-accepted');
    const message = conn(1);
    for (let at = 0; at < 7; at += 1) {
      await sendAndBeRead(central.sockets[0]!, peer, message.subarray(at, at + 1));
      await clock.advance(7);
    }
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    expect(await peer.rest()).toBe(NOK);
    expect(central.cutReasons).toEqual(['first-message-timeout']);
    expect(central.of('agency-identified')).toEqual([]);
  });
});

describe('a partial message', () => {
  test('has a time limit from its first byte, however slowly its bytes arrive', async () => {
    const { central, clock, store } = await open();
    const peer = await central.agency(1);
    const batch = nbet(bet(1), bet(2));
    for (let at = 0; at < 4; at += 1) {
      await sendAndBeRead(central.sockets[0]!, peer, batch.subarray(at, at + 1));
      await clock.advance(at === 3 ? 49 : 50);
    }
    expect(central.of('connection-cut')).toEqual([]);
    expect(peer.ended).toBe(false);
    clock.time += 1;
    expect(await peer.rest()).toBe(NOK);
    expect(central.of('connection-cut')).toEqual([
      { event: 'connection-cut', ip: '127.0.0.1', agency: 1, reason: 'message-timeout' },
    ]);
    expect(store.appended).toEqual([]);
  });

  test('after a complete one has its own time limit', async () => {
    const { central, clock, store } = await open();
    const peer = await central.agency(1);
    const batch = nbet(bet(1));
    await sendAndBeRead(central.sockets[0]!, peer, batch.subarray(0, 20));
    await clock.advance(150);
    // The end of the first message and the beginning of the second.
    await sendAndBeRead(
      central.sockets[0]!,
      peer,
      Buffer.concat([batch.subarray(20), nbet(bet(2)).subarray(0, 5)]),
    );
    expect(await peer.receive(4)).toBe(OK);
    await clock.advance(199);
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    expect(await peer.rest()).toBe(NOK);
    expect(central.cutReasons).toEqual(['message-timeout']);
    expect(store.rows).toBe(row(1, 1));
  });

  test.each([
    ['first', nbet(...Array.from({ length: 20 }, (_, index) => bet(index)))],
    ['numbered', sbet(1, ...Array.from({ length: 20 }, (_, index) => bet(index)))],
  ])('at the minimum rate may take many windows (%s batch)', async (kind, batch) => {
    const { central, clock, store } = await open({ limits: { progressBytesMin: 50 } });
    const peer = kind === 'first' ? await central.agency(1) : await central.uploader(1);
    for (let at = 0; at < batch.length; at += 50) {
      await sendAndBeRead(central.sockets[0]!, peer, batch.subarray(at, at + 50));
      await clock.advance(200);
    }
    expect(await peer.receive(4)).toBe(OK);
    expect(store.appended.map(({ count }) => count)).toEqual([20]);
    expect(central.of('connection-cut')).toEqual([]);
  });

  test('is cut when its rate drops, however many windows it has taken', async () => {
    const { central, clock } = await open({ limits: { progressBytesMin: 50 } });
    const peer = await central.agency(1);
    const batch = nbet(...Array.from({ length: 20 }, (_, index) => bet(index)));
    for (const at of [0, 50, 100]) {
      await sendAndBeRead(central.sockets[0]!, peer, batch.subarray(at, at + 50));
      await clock.advance(200);
    }
    await sendAndBeRead(central.sockets[0]!, peer, batch.subarray(150, 199));
    clock.time += 200;
    expect(await peer.rest()).toBe(NOK);
    expect(central.cutReasons).toEqual(['message-timeout']);
  });
});

describe('an idle connection', () => {
  test('is closed with NOK after the limit, which every message restarts', async () => {
    const { central, clock } = await open();
    const peer = await central.agency(1);
    for (const request of [GWIN, END, GWIN]) {
      await clock.advance(399);
      peer.send(request);
      expect(await peer.receive(4)).toBe(request === END ? OK : NEND);
    }
    await clock.advance(399);
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    expect(await peer.rest()).toBe(NOK);
    expect(central.of('connection-cut')).toEqual([
      { event: 'connection-cut', ip: '127.0.0.1', agency: 1, reason: 'idle' },
    ]);
  });

  test('is counted from the last acknowledgement, not while a batch is pending', async () => {
    const { central, clock, store } = await open({ store: new GatedStore({ held: true }) });
    const peer = await central.agency(1);
    peer.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    await clock.advance(10_000);
    expect(central.of('connection-cut')).toEqual([]);
    store.letIn();
    expect(await peer.receive(4)).toBe(OK);
    await clock.advance(399);
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    expect(await peer.rest()).toBe(NOK);
  });
});

/** Makes agency 1 have this many winners: an answer that no socket takes at once. */
class ManyWinners extends GatedStore {
  readonly #count: number;
  constructor(count: number) {
    super();
    this.#count = count;
  }

  override async *bets(): AsyncGenerator<Iterable<Bet>> {
    const names = { firstName: 'A', lastName: 'B', birthdate: '1999-03-17' };
    const winner = (): Bet => ({ agency: 1, ...names, document: '1000000000', number: 7574 });
    for (let left = this.#count; left > 0; left -= 10_000) {
      yield Array.from({ length: Math.min(left, 10_000) }, winner);
    }
  }
}

/**
 * A central whose answer to GWIN has `count` winners, and a peer of agency 1 that reads on request.
 */
async function openWithWinners(count: number, limits: Partial<Limits> = {}) {
  const opened = await open({ store: new ManyWinners(count), agencies: [1], limits });
  const { central } = opened;
  central.lottery.apply({ kind: 'adopted', bets: new Map([[1, count]]) });
  const peer = await connectRaw(central.port);
  peer.write(Buffer.concat([conn(1), END]));
  await central.seen('draw-held');
  await until(() => central.sockets[0]!.bytesWritten === 4, 'END being answered');
  return {
    ...opened,
    peer,
    socket: central.sockets[0]!,
    bytes: 4 + 8 + `${count}|`.length + count * 11 - 1,
  };
}

/** Reads until the total reaches this many bytes, and pauses. */
async function readUntil(peer: Socket, bytes: number): Promise<void> {
  const onData = (): void => {
    if (peer.bytesRead >= bytes) peer.pause();
  };
  peer.on('data', onData);
  peer.resume();
  await until(
    () => peer.bytesRead >= bytes || peer.destroyed || peer.readableEnded,
    `${bytes} bytes`,
  );
  peer.off('data', onData);
}

describe('a peer that does not read its replies', () => {
  test('is cut after the limit', async () => {
    const { central, clock, peer, socket } = await openWithWinners(1_500_000);
    peer.write(GWIN);
    await until(() => socket.writableNeedDrain, 'the answer waiting for the peer');
    await clock.advance(299);
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    await central.seen('connection-closed');
    expect(central.of('connection-cut')).toEqual([
      { event: 'connection-cut', ip: '127.0.0.1', agency: 1, reason: 'unread-answers' },
    ]);
  });

  test('causes back-pressure: one pending reply, not one per request', async () => {
    const { central, peer, socket, bytes } = await openWithWinners(1_000_000);
    peer.write(Buffer.concat(Array<Buffer>(10).fill(GWIN)));
    await until(() => socket.writableNeedDrain, 'the answer waiting for the peer');
    const other = await central.agency(1);
    other.send(END);
    expect(await other.receive(4)).toBe(OK);
    expect(socket.writableLength).toBeLessThan(bytes);
    // A peer that resumes reading receives everything.
    peer.resume();
    await until(() => peer.bytesRead === 4 + 10 * (bytes - 4), 'ten answers');
  });

  test('is not cut while it reads slowly', async () => {
    const limits = { idleTimeoutMs: 1_000_000 };
    const { central, clock, peer, socket, bytes } = await openWithWinners(3_000_000, limits);
    // Keeps the deadlines being checked without the other connection.
    await central.agency(1);
    peer.write(GWIN);
    await until(() => socket.writableNeedDrain, 'the answer waiting for the peer');
    // The network's buffers have room only after megabytes were read.
    for (let step = 1; step <= 5; step += 1) {
      await readUntil(peer, step * 5_000_000);
      await clock.advance(140);
      expect(central.of('connection-cut')).toEqual([]);
    }
    peer.resume();
    await until(() => peer.bytesRead === bytes, 'the whole answer');
  });

  test('has the same time limit after a half-close', async () => {
    const { central, clock, peer, socket, bytes } = await openWithWinners(1_500_000);
    peer.end(GWIN);
    await until(
      () => socket.writableNeedDrain && socket.readableEnded,
      'the answer waiting for the peer',
    );
    // Longer than the lingering close, shorter than the deadline for unread answers.
    await clock.advance(250);
    expect(central.of('connection-cut')).toEqual([]);
    peer.resume();
    await until(() => peer.bytesRead === bytes || peer.readableEnded || peer.destroyed, 'the end');
    expect(peer.bytesRead).toBe(bytes);
  });
});
