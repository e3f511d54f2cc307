import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/lottery/fact.ts';
import {
  bet,
  conn,
  END,
  GWIN,
  helo,
  nbet,
  NOK,
  OK,
  row,
  rwin,
  sbet,
  WAIT,
  welc,
  failFinished,
} from '../support/base-frames.ts';
import { drawnBy, finishedBy, GatedStore, storeError } from '../support/gated-store.ts';
import { takeTurns, TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

/** Servers with a shared log. */

const OVERTAKEN = 'FAIL storage|1|another server was first';
const AWAY = 'FAIL storage|1|no node leads the stream';

async function open(options: { held?: boolean; agencies?: readonly number[] } = {}) {
  const { held = false, agencies = [1, 2] } = options;
  const store = new GatedStore({ held });
  const central = await TestCentral.open({ store, agencies });
  return { store, central, bystander: await central.agency(2) };
}

/** A batch of the upload `u` of agency 1, stored by another server. */
const storedElsewhere = (seq: number): Fact => ({
  kind: 'stored',
  agency: 1,
  count: 1,
  place: { upload: 'u', seq },
});

describe('an overtaken batch without a number', () => {
  test('is refused when the agency has finished on another server', async () => {
    const { store, central, bystander } = await open({ held: true });
    const peer = await central.agency(1);
    peer.send(nbet(bet(1), bet(2)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.tellOfAnother(finishedBy(1));
    store.overtake();
    expect(await peer.rest()).toBe(NOK);
    expect(central.refusalCodes).toEqual(['agency-finished']);
    expect(central.of('bets-refused')).toMatchObject([{ agency: 1, count: 2 }]);
    expect(central.of('batch-stored')).toEqual([]);
    await takeTurns(bystander);
  });

  test('is refused when another server has held the draw', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.agency(1);
    peer.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    for (const fact of [finishedBy(1), finishedBy(2), drawnBy('theirs')]) store.tellOfAnother(fact);
    store.overtake();
    expect(await peer.rest()).toBe(NOK);
    expect(central.refusalCodes).toEqual(['draw-closed']);
  });

  test('is refused when the cause is unknown, and accepted when sent again', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.agency(1);
    peer.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.overtake();
    expect(await peer.rest()).toBe(NOK);
    expect(central.refusalCodes).toEqual(['storage']);
    store.open();
    const again = await central.agency(1);
    again.send(nbet(bet(1)));
    expect(await again.receive(4)).toBe(OK);
    expect(store.rows).toBe(row(1, 1));
  });

  test('is refused while the engine is unavailable', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.agency(1);
    peer.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    // The reason is not that the agency has finished meanwhile.
    store.tellOfAnother(finishedBy(2));
    store.refuse('unavailable');
    expect(await peer.rest()).toBe(NOK);
    expect(central.of('message-refused')[0]?.refusal).toEqual({
      code: 'storage',
      detail: 'no node leads the stream',
    });
  });
});

describe('an overtaken batch of an upload', () => {
  test('is acknowledged as a repeat, on every connection that sent it', async () => {
    const { store, central } = await open({ held: true });
    const [peer, other] = [await central.uploader(1), await central.uploader(1)];
    peer.send(sbet(1, bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    const { bytesRead } = central.sockets[2]!;
    other.send(sbet(1, bet(1)));
    await until(() => central.sockets[2]!.bytesRead > bytesRead, 'the repeat being read');
    store.tellOfAnother(storedElsewhere(1));
    store.overtake();
    expect(await peer.frame()).toBe('OK');
    expect(await other.frame()).toBe('OK');
    expect(central.of('batch-repeated')).toMatchObject([{ seq: 1 }, { seq: 1 }]);
    expect(central.of('batch-stored')).toEqual([]);
    expect(central.lottery.betsInAll).toBe(1);
  });

  test('and invalid is refused as on the other server, and uses its number', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.uploader(1);
    peer.send(sbet(1, bet('x')));
    await until(() => store.noted.length === 1, 'a refusal at the store');
    const fault = { count: 1, index: 0, field: 'document', reason: 'not-digits' } as const;
    store.tellOfAnother({ kind: 'refused', agency: 1, place: { upload: 'u', seq: 1 }, fault });
    store.overtake();
    expect(await peer.frame()).toBe('FAIL invalid-bet|0|1|0|document|not-digits');
    expect(central.of('batch-repeated')).toMatchObject([{ seq: 1 }]);
    expect(central.of('bets-refused')).toEqual([]);
    store.open();
    peer.send(sbet(2, bet(2)));
    expect(await peer.frame()).toBe('OK');
  });

  test('that the other server lacks is refused, and the upload resumes there', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2)), sbet(3, bet(3))]));
    await until(() => store.appended.length === 3, 'three batches at the store');
    store.tellOfAnother(storedElsewhere(1));
    store.refuse('overtaken');
    expect(await peer.lastFrames()).toEqual(['OK', OVERTAKEN]);
    store.open();
    const again = await central.uploader(1, 'u', 2);
    again.send(Buffer.concat([sbet(2, bet(2)), sbet(3, bet(3))]));
    expect(await again.frames(2)).toEqual(['OK', 'OK']);
    expect(store.rows).toBe(row(1, 2) + row(1, 3));
  });

  test('of an agency that has finished there is refused as agency-finished', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.uploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2))]));
    await until(() => store.appended.length === 2, 'two batches at the store');
    store.tellOfAnother(storedElsewhere(1));
    store.tellOfAnother(finishedBy(1));
    store.refuse('overtaken');
    expect(await peer.lastFrames()).toEqual(['OK', failFinished(1)]);
  });

  test('that is already known is not appended, but the next one is', async () => {
    const { store, central } = await open();
    const peer = await central.uploader(1);
    for (const seq of [1, 2]) store.tellOfAnother(storedElsewhere(seq));
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2)), sbet(3, bet(3))]));
    expect(await peer.frames(3)).toEqual(['OK', 'OK', 'OK']);
    expect(store.rows).toBe(row(1, 3));
  });
});

describe('END on this server', () => {
  test('is acknowledged when END on another server was first', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.agency(1);
    peer.send(END);
    await until(() => store.noted.length === 1, 'the end of the bets at the store');
    store.tellOfAnother(finishedBy(1));
    store.overtake();
    expect(await peer.receive(4)).toBe(OK);
    expect(central.of('agency-finished')).toEqual([
      { event: 'agency-finished', agency: 1, missing: 1, waitingFor: [2] },
    ]);
    expect(central.refusalCodes).toEqual([]);
  });

  test('is refused while the engine is unavailable, and bets and END may follow', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.agency(1);
    peer.send(END);
    await until(() => store.noted.length === 1, 'the end of the bets at the store');
    store.refuse('unavailable');
    expect(await peer.rest()).toBe(NOK);
    store.open();
    const again = await central.agency(1);
    again.send(Buffer.concat([nbet(bet(1)), END]));
    expect(await again.receive(8)).toBe(OK + OK);
  });
});

describe('HELO', () => {
  /** A central whose store settles on request. */
  async function openBehind() {
    const opened = await open();
    const settling = Promise.withResolvers<void>();
    opened.store.settling = settling.promise;
    const peer = await opened.central.connect();
    return { ...opened, settling, peer };
  }

  test('is answered when everything is known that any server has acknowledged', async () => {
    const { store, central, bystander, settling, peer } = await openBehind();
    peer.send(helo(1));
    await until(() => store.asked === 1, 'the store being asked');
    await takeTurns(bystander);
    expect(peer.socket.bytesRead).toBe(0);
    for (const seq of [1, 2]) store.tellOfAnother(storedElsewhere(seq));
    settling.resolve();
    expect(await peer.frame()).toBe(welc(3));
    expect(central.of('upload-resumed')).toMatchObject([{ agency: 1, upload: 'u', bets: 2 }]);
  });

  test('is refused when the store cannot settle', async () => {
    const { central, bystander, settling, peer } = await openBehind();
    peer.send(Buffer.concat([helo(1), sbet(1, bet(1))]));
    await central.seen('agency-identified', 2);
    settling.reject(storeError('unavailable'));
    expect(await peer.lastFrames()).toEqual([AWAY]);
    expect(central.refusalCodes).toEqual(['storage']);
    await takeTurns(bystander);
    expect(central.lottery.betsInAll).toBe(0);
  });

  test('delays the messages after it: a batch stored elsewhere is a repeat', async () => {
    const { store, bystander, central, settling, peer } = await openBehind();
    peer.send(Buffer.concat([helo(1), sbet(1, bet(1)), sbet(2, bet(2)), GWIN]));
    await until(() => store.asked === 1, 'the store being asked');
    await takeTurns(bystander);
    expect(store.appended).toEqual([]);
    store.tellOfAnother(storedElsewhere(1));
    settling.resolve();
    expect(await peer.frames(4)).toEqual([welc(2), 'OK', 'OK', 'NEND']);
    expect(store.rows).toBe(row(1, 2));
    expect(central.of('batch-repeated')).toMatchObject([{ seq: 1 }]);
  });

  test('of a closed connection has no effect', async () => {
    const { store, central, bystander, settling, peer } = await openBehind();
    peer.send(Buffer.concat([helo(1), sbet(1, bet(1))]));
    await until(() => store.asked === 1, 'the store being asked');
    peer.socket.resetAndDestroy();
    await central.seen('connection-closed');
    settling.resolve();
    await takeTurns(bystander);
    expect(store.appended).toEqual([]);
    store.settling = Promise.resolve();
    await central.uploader(1);
  });

  test('of an agency that finishes elsewhere is answered, its batch refused', async () => {
    const { store, settling, peer } = await openBehind();
    peer.send(Buffer.concat([helo(1), sbet(1, bet(1))]));
    await until(() => store.asked === 1, 'the store being asked');
    store.tellOfAnother(finishedBy(1));
    settling.resolve();
    expect(await peer.lastFrames()).toEqual([welc(1), failFinished(1)]);
    expect(store.appended).toEqual([]);
  });
});

describe('facts of other servers', () => {
  test('finish an agency here too: its bets are refused', async () => {
    const { store, central } = await open();
    const peer = await central.agency(1);
    store.tellOfAnother(finishedBy(1));
    expect(central.of('agency-finished')).toEqual([
      { event: 'agency-finished', agency: 1, missing: 1, waitingFor: [2] },
    ]);
    peer.send(Buffer.concat([END, nbet(bet(1))]));
    expect(await peer.rest()).toBe(OK + NOK);
    expect(central.refusalCodes).toEqual(['agency-finished']);
    expect(store.noted).toEqual([]);
  });

  test('send the winners of a draw to the agencies that wait here', async () => {
    const { store, central, bystander } = await open();
    const peers = [await central.agency(1), await central.uploader(1)];
    for (const peer of peers) peer.send(WAIT);
    bystander.send(Buffer.concat([GWIN, WAIT]));
    expect(await bystander.frame()).toBe('NEND');
    for (const fact of [finishedBy(1), finishedBy(2), drawnBy('theirs', ['007', '8'])]) {
      store.tellOfAnother(fact);
    }
    for (const peer of peers) expect(await peer.frame()).toBe('RWIN 2|007|8');
    expect(await bystander.frame()).toBe('RWIN 0|');
    expect(central.of('draw-followed')).toMatchObject([{ seal: 'theirs', winners: 2 }]);
    expect(central.of('draw-held')).toEqual([]);
    expect(store.reads).toBe(0);
    const late = await central.connect();
    late.send(Buffer.concat([conn(1), GWIN]));
    expect(await late.receive(rwin('007', 8).length / 2)).toBe(rwin('007', 8));
  });
});
