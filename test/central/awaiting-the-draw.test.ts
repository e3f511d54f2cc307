import { describe, expect, test, vi } from 'vitest';
import type { Limits } from '../../src/wire/limits.ts';
import {
  bet,
  conn,
  END,
  frame,
  GWIN,
  helo,
  nbet,
  OK,
  range,
  sbet,
  WAIT,
} from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { takeTurns, TestCentral } from '../support/test-central.ts';
import { ManualClock, until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';

/** In milliseconds of a fake clock. Deadlines are checked every 10 ms of the real one. */
const LIMITS: Partial<Limits> = {
  pingIntervalMs: 100,
  idleTimeoutMs: 300,
  messageTimeoutMs: 300,
  firstMessageTimeoutMs: 300,
  lingerTimeoutMs: 50,
};

async function open() {
  const clock = new ManualClock();
  const store = new GatedStore();
  const central = await TestCentral.open({ store, limits: LIMITS, now: clock.now });
  return { clock, store, central };
}

/** A peer whose WAIT the central has read. */
async function waiting(central: TestCentral, agency: number, hello = helo(agency)): Promise<Peer> {
  const told = vi.spyOn(central.central, 'onDraw');
  const peer = await central.connect();
  peer.send(Buffer.concat([hello, WAIT]));
  if (hello[0] === 0x48) expect(await peer.frame()).toMatch(/^WELC /);
  await until(() => told.mock.calls.length === 1, 'WAIT being taken');
  told.mockRestore();
  return peer;
}

/** Finishes an agency. */
async function finish(
  central: TestCentral,
  agency: number,
  ...bets: readonly string[][]
): Promise<void> {
  const peer = await central.agency(agency);
  for (const one of bets) peer.send(nbet(one));
  peer.send(END);
  expect(await peer.receive(4 * (bets.length + 1))).toBe(OK.repeat(bets.length + 1));
  peer.end();
  await peer.rest();
}

describe('WAIT', () => {
  test('is answered by the draw with the own winners, on every connection', async () => {
    const { central } = await open();
    const peers = await Promise.all(range(12).map(() => central.connect()));
    for (const [index, peer] of peers.entries()) {
      peer.send(
        Buffer.concat([index % 3 === 0 ? conn(1 + (index % 2)) : helo(1 + (index % 2)), WAIT]),
      );
    }
    await central.seen('agency-identified', 12);
    await finish(central, 1, bet(11, 7574), bet(12), bet(13, 7574));
    const bystander = await central.agency(2);
    await takeTurns(bystander);
    for (const [index, peer] of peers.entries())
      expect(peer.socket.bytesRead).toBe(index % 3 === 0 ? 0 : 17);
    await finish(central, 2, bet(21, 7574));
    for (const [index, peer] of peers.entries()) {
      if (index % 3 !== 0) expect(await peer.frame()).toBe('WELC 1|64|8184');
      expect(await peer.frame()).toBe(index % 2 === 0 ? 'RWIN 2|11|13' : 'RWIN 1|21');
    }
    expect(peers.map(({ ended }) => ended)).toEqual(peers.map(() => false));
  });

  test('is answered in order, after the pending replies', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1, 7574)), END, WAIT, GWIN]));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.open();
    expect(await peer.frames(4)).toEqual(['OK', 'OK', 'RWIN 1|1', 'RWIN 1|1']);
  });

  test('is answered after a half-close, before the connection ends', async () => {
    const { central } = await open();
    const peer = await waiting(central, 1);
    peer.end();
    // After a half-close the peer may be dead: the central sends a ping at once, and again.
    expect(await peer.frames(2)).toEqual(['PING', 'PING']);
    await finish(central, 1, bet(11, 7574));
    await finish(central, 2);
    const said = await peer.lastFrames();
    expect(said.filter(frameText => frameText !== 'PING')).toEqual(['RWIN 1|11']);
    expect(said.at(-1)).toBe('RWIN 1|11');
    expect(central.of('connection-error')).toEqual([]);
    expect(central.of('connection-cut')).toEqual([]);
  });
});

describe('a pending WAIT', () => {
  test('is pinged once per interval, and not cut as idle', async () => {
    const { central, clock } = await open();
    const peer = await waiting(central, 1);
    const welcomed = peer.socket.bytesRead;
    await clock.advance(99);
    expect(peer.socket.bytesRead).toBe(welcomed);
    for (let turn = 0; turn < 10; turn += 1) {
      clock.time += turn === 0 ? 1 : 100;
      expect(await peer.frame()).toBe('PING');
      await clock.advance(0);
    }
    expect(peer.socket.bytesRead).toBe(welcomed + 40);
    expect(central.of('connection-cut')).toEqual([]);
    await finish(central, 1);
    await finish(central, 2);
    expect(await peer.frame()).toBe('RWIN 0|');
    await clock.advance(150);
    expect(peer.socket.bytesRead).toBe(welcomed + 40 + 10);
    // After the answer the usual deadlines apply.
    clock.time += 150;
    expect(await peer.lastFrames()).toEqual(['FAIL closing|1|idle']);
  });

  test('is pinged also when a batch follows it', async () => {
    const { central, clock, store } = await open();
    const peer = await waiting(central, 1);
    peer.send(sbet(1, bet(1)));
    await until(() => store.appended.length === 1, 'the batch at the store');
    for (let turn = 0; turn < 3; turn += 1) {
      clock.time += 100;
      expect(await peer.frame()).toBe('PING');
      await clock.advance(0);
    }
  });

  test.each(['NBET', 'CONN'])(
    'is required for pings: a connection with only %s is cut as idle',
    async said => {
      const { central, clock } = await open();
      const peer = await central.agency(1);
      if (said === 'NBET') {
        peer.send(nbet(bet(1)));
        expect(await peer.frame()).toBe('OK');
      }
      await clock.advance(150);
      clock.time += 150;
      expect(await peer.lastFrames()).toEqual(['NOK']);
      expect(central.cutReasons).toEqual(['idle']);
    },
  );

  test('is required for pings: a pending batch gets none', async () => {
    const { central, clock, store } = await open();
    store.held = true;
    const peer = await central.uploader(1);
    const before = peer.socket.bytesRead;
    peer.send(sbet(1, bet(1)));
    await until(() => store.appended.length === 1, 'the batch at the store');
    await clock.advance(1000);
    expect(peer.socket.bytesRead).toBe(before);
    store.open();
    expect(await peer.frame()).toBe('OK');
  });

  test('ends at once when the process of the peer is dead', async () => {
    const { central } = await open();
    const peer = await waiting(central, 1);
    // The system closes both directions for a dead process: the central receives its end, and a
    // reset for the first ping.
    peer.socket.destroy();
    await central.seen('connection-closed');
    expect(central.of('connection-cut')).toEqual([]);
  });

  test('is cut when the peer does not read its pings', async () => {
    const clock = new ManualClock();
    const limits = { ...LIMITS, pingIntervalMs: 1, unreadTimeoutMs: 200 };
    const central = await TestCentral.open({ limits, now: clock.now });
    const peer = await connectRaw(central.port);
    peer.write(Buffer.concat([helo(1), WAIT]));
    await until(() => central.sockets[0]?.bytesWritten === 17, 'the welcome');
    // Only megabytes would fill the network's buffers, so the socket is made to report
    // back-pressure.
    const socket = central.sockets[0]!;
    socket.cork();
    clock.time += 1;
    await until(() => socket.writableLength > 0, 'a ping waiting for the peer');
    await clock.advance(199);
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    await central.seen('connection-closed');
    expect(central.cutReasons).toEqual(['unread-answers']);
  });

  test('unsubscribes from the draw when its connection closes', async () => {
    const { central } = await open();
    const taken: (() => void)[] = [];
    const onDraw = central.central.onDraw.bind(central.central);
    let wishes = 0;
    vi.spyOn(central.central, 'onDraw').mockImplementation(tell => {
      wishes += 1;
      const takeBack = onDraw(tell);
      return () => {
        taken.push(takeBack);
        takeBack();
      };
    });
    for (let turn = 1; turn <= 30; turn += 1) {
      const peer = await central.connect();
      peer.send(Buffer.concat([helo(1), WAIT]));
      await until(() => wishes === turn, 'WAIT being taken');
      peer.socket.resetAndDestroy();
      await until(() => taken.length === turn, 'the wish being taken back');
    }
    // Their connection slots of the agency are free again.
    await central.uploader(1);
  });
});

describe('a stop during a WAIT', () => {
  test('answers FAIL closing at once, and closes', async () => {
    const { central } = await open();
    const peers = [
      await waiting(central, 1),
      await waiting(central, 2),
      await waiting(central, 1, conn(1)),
    ];
    const stopped = central.stop();
    for (const peer of peers) {
      expect(await peer.lastFrames()).toEqual(['FAIL closing|1|the server stops']);
      peer.end();
    }
    await stopped;
    expect(central.of('connection-closed')).toHaveLength(3);
    expect(central.of('message-refused')).toEqual([]);
  });

  test('ignores the messages after the WAIT', async () => {
    const { central, store } = await open();
    const peer = await waiting(central, 1);
    peer.send(Buffer.concat([GWIN, END, frame('XXXX', '')]));
    const stopped = central.stop();
    expect(await peer.lastFrames()).toEqual(['FAIL closing|1|the server stops']);
    peer.end();
    await stopped;
    expect(store.noted).toEqual([]);
  });
});
