import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/lottery/fact.ts';
import {
  bet,
  conn,
  done,
  END,
  frame,
  helo,
  heloBets,
  nbet,
  OK,
  row,
  sbet,
  WAIT,
  welcBets,
  failFinished,
} from '../support/base-frames.ts';
import { finishedBy, GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

/**
 * An agency has one upload at a time. Messages that would begin another one, or end it early, are
 * refused.
 */

const openText = (name: string, bets: number): string =>
  `FAIL upload-open|1|upload ${name} of the agency is unfinished, ${bets} bets of it are stored; send the same file again, or 'loteria agency void 1 --upload ${name} --reason "…"'`;

async function open(options: { held?: boolean; agencies?: readonly number[] } = {}) {
  const { held = false, agencies = [1, 2] } = options;
  const store = new GatedStore({ held });
  return { store, central: await TestCentral.open({ store, agencies }) };
}

/** A central with the upload `u` of agency 1, of which two bets are durable or pending. */
async function openWith(state: 'durable' | 'in flight') {
  const opened = await open({ held: state === 'in flight' });
  const { store, central } = opened;
  const uploader = await central.betUploader(1);
  uploader.send(sbet(1, bet(1), bet(2)));
  if (state === 'durable') expect(await uploader.frame()).toBe('OK');
  else await until(() => store.appended.length === 1, 'a batch at the store');
  return { ...opened, uploader, stored: state === 'durable' ? 2 : 0 };
}

describe.each(['durable', 'in flight'] as const)('an unfinished upload (%s)', state => {
  test.each<[string, readonly Uint8Array[]]>([
    ['HELO of another upload', [heloBets(1, 'v')]],
    ['HELO of another upload without bet numbers', [helo(1, 'v')]],
  ])('refuses %s with its own name and bets', async (_, says) => {
    const { store, central, stored } = await openWith(state);
    expect(await central.last(...says, sbet(1, bet(9)))).toEqual([openText('u', stored)]);
    expect(central.refusalCodes).toEqual(['upload-open']);
    expect(store.appended).toHaveLength(1);
    store.open();
  });

  test.each<[string, readonly Uint8Array[]]>([
    ['NBET', [conn(1), nbet(bet(9))]],
    ['BET', [conn(1), frame('BET', bet(9).join('|'))]],
    ['END', [conn(1), END]],
  ])('refuses %s of the base protocol', async (_, says) => {
    const { store, central, uploader } = await openWith(state);
    expect(await central.last(...says)).toEqual(['NOK']);
    expect(central.refusalCodes).toEqual(['upload-open']);
    expect([store.appended.length, store.noted.length]).toEqual([1, 0]);
    store.open();
    if (state === 'in flight') expect(await uploader.frame()).toBe('OK');
    // The upload continues to its end.
    expect(await uploader.ask(sbet(3, bet(3)), done(2, 3), END)).toEqual(['OK', 'OK', 'OK']);
    expect(store.rows).toBe(row(1, 1) + row(1, 2) + row(1, 3));
  });

  test.each<[string, Uint8Array]>([
    ['NBET', nbet(bet(9))],
    ['BET', frame('BET', bet(9).join('|'))],
  ])('refuses %s on its own connection', async (_, says) => {
    const { store, uploader, central } = await openWith(state);
    uploader.send(says);
    if (state === 'in flight') {
      await central.seen('message-refused');
      store.open();
    }
    const before = state === 'in flight' ? ['OK'] : [];
    expect(await uploader.lastFrames()).toEqual([
      ...before,
      openText('u', state === 'durable' ? 2 : 0),
    ]);
    expect(store.appended).toHaveLength(1);
  });

  test('refuses a batch and END of another upload that was welcomed before it', async () => {
    const { store, central } = await open({ held: state === 'in flight' });
    const others = [await central.betUploader(1, 'v'), await central.betUploader(1, 'v')];
    const uploader = await central.betUploader(1);
    uploader.send(sbet(1, bet(1)));
    if (state === 'durable') expect(await uploader.frame()).toBe('OK');
    else await until(() => store.appended.length === 1, 'a batch at the store');
    others[0]!.send(sbet(1, bet(9)));
    others[1]!.send(END);
    const text = openText('u', state === 'durable' ? 1 : 0);
    for (const other of others) expect(await other.lastFrames()).toEqual([text]);
    expect([store.appended.length, store.noted.length]).toEqual([1, 0]);
    store.open();
  });

  test('accepts the same upload, another agency and WAIT', async () => {
    const { store, central } = await openWith(state);
    const [other, same] = [await central.connect(), await central.connect()];
    other.send(Buffer.concat([heloBets(2, 'v'), sbet(1, bet(21))]));
    same.send(heloBets(1));
    const waiting = await central.agency(1);
    waiting.send(WAIT);
    store.open();
    expect(await other.frames(2)).toEqual([welcBets(1), 'OK']);
    expect(await same.frame()).toBe(welcBets(3));
    expect(central.refusalCodes).toEqual([]);
  });
});

describe('a complete upload', () => {
  test('is not open, and its END may be repeated with or without its name', async () => {
    const { central, uploader } = await openWith('durable');
    expect(await uploader.ask(done(1, 2), END)).toEqual(['OK', 'OK']);
    const named = await central.betUploader(1, 'u', 3);
    expect(await named.ask(END)).toEqual(['OK']);
    const base = await central.agency(1);
    base.send(END);
    expect(await base.receive(4)).toBe(OK);
  });

  test('is open again when its END is refused by a full disk', async () => {
    const { store, central, uploader } = await openWith('durable');
    store.held = true;
    uploader.send(END);
    await until(() => store.noted.length === 1, 'the end at the store');
    store.refuse();
    expect((await uploader.lastFrames())[0]).toMatch(/^FAIL storage\|1\|/);
    store.open();
    expect(await central.last(heloBets(1, 'v'))).toEqual([openText('u', 2)]);
    expect(await (await central.betUploader(1, 'u', 3)).ask(END)).toEqual(['OK']);
  });
});

describe('unfinished bets of the base protocol', () => {
  const outside = (bets: number): string =>
    `FAIL upload-open|1|${bets} bets of the agency are stored without an upload and it has not finished; void them before a file is sent, 'loteria agency void 1 --reason "…"'`;

  test.each<[string, Uint8Array]>([
    ['an upload', heloBets(1)],
    ['an upload without bet numbers', helo(1, 'u')],
  ])('refuse HELO of %s, which may be the same file', async (_, hello) => {
    const { store, central } = await open();
    const bases = [await central.agency(1), await central.agency(1)];
    for (const base of bases) {
      base.send(nbet(bet(1)));
      expect(await base.receive(4)).toBe(OK);
    }
    expect(await central.last(hello, sbet(1, bet(1)))).toEqual([outside(2)]);
    expect(central.refusalCodes).toEqual(['upload-open']);
    await central.betUploader(2);
    // The base protocol continues.
    bases[0]!.send(Buffer.concat([nbet(bet(3)), END]));
    expect(await bases[0]!.receive(8)).toBe(OK + OK);
    expect(store.rows).toBe(row(1, 1) + row(1, 1) + row(1, 3));
  });

  test('refuse HELO also while they are pending', async () => {
    const { store, central } = await open({ held: true });
    const base = await central.agency(1);
    base.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    const settling = Promise.withResolvers<void>();
    store.settling = settling.promise;
    const answers = central.last(heloBets(1));
    await until(() => store.asked === 1, 'the store being asked');
    store.open();
    expect(await base.receive(4)).toBe(OK);
    settling.resolve();
    expect(await answers).toEqual([outside(1)]);
  });

  test('do not refuse an upload that began before them, nor one after adopted rows', async () => {
    const { store, central } = await open();
    store.tellOfAnother({ kind: 'adopted', bets: new Map([[1, 7]]) });
    const uploader = await central.betUploader(1);
    expect(await uploader.ask(nbet(bet(1)), sbet(1, bet(2)))).toEqual(['OK', 'OK']);
    const again = await central.betUploader(1, 'u', 2);
    expect(await again.ask(done(1, 1), END)).toEqual(['OK', 'OK']);
  });
});

describe('a voided upload', () => {
  const TEXT =
    'FAIL upload-voided|1|upload u was voided by an operator; send another file; \'loteria agency reopen 1 --reason "…"\' allows this one again';
  const intervention = {
    reason: 'wrong file',
    by: 'ana@central',
    time: '2026-11-30T10:00:00.000Z',
  };
  const voided = { kind: 'voided', agency: 1, upload: undefined, bets: 2, intervention } as const;

  test.each<[string, readonly Uint8Array[]]>([
    ['SBET', [sbet(1, bet(1))]],
    ['DONE', [done(1, 2)]],
    ['END', [END]],
  ])('is refused on an open connection (%s)', async (_, says) => {
    const { store, uploader } = await openWith('durable');
    store.tellOfAnother(voided);
    uploader.send(Buffer.concat(says));
    expect(await uploader.lastFrames()).toEqual([TEXT]);
    expect([store.appended.length, store.noted.length]).toEqual([1, 0]);
  });

  test.each<[string, Uint8Array]>([
    ['HELO', heloBets(1)],
    ['HELO without bet numbers', helo(1, 'u')],
  ])('is refused on a new connection, also after another upload (%s)', async (_, hello) => {
    const { store, central, uploader } = await openWith('durable');
    expect(await uploader.ask(done(1, 2), END)).toEqual(['OK', 'OK']);
    store.tellOfAnother(voided);
    expect(await central.last(hello)).toEqual([TEXT]);
    const right = await central.betUploader(1, 'right');
    expect(await right.ask(sbet(1, bet(5)), done(1, 1), END)).toEqual(['OK', 'OK', 'OK']);
    expect(await central.last(hello)).toEqual([TEXT]);
    expect(central.refusalCodes).toEqual(['upload-voided', 'upload-voided']);
    await central.betUploader(2, 'u');
  });

  test('is accepted again after a reopen', async () => {
    const { store, central } = await openWith('durable');
    store.tellOfAnother({ ...voided, upload: 'u' });
    store.tellOfAnother({ kind: 'reopened', agency: 1, intervention });
    const again = await central.betUploader(1);
    expect(await again.ask(sbet(1, bet(1)), done(1, 1), END)).toEqual(['OK', 'OK', 'OK']);
  });
});

test('an upload of which a full disk stored nothing does not block another one', async () => {
  const { store, central, uploader } = await openWith('in flight');
  store.refuse();
  expect((await uploader.lastFrames())[0]).toMatch(/^FAIL storage\|1\|/);
  store.open();
  expect(await (await central.betUploader(1, 'v')).ask(sbet(1, bet(9)), END)).toEqual(['OK', 'OK']);
  expect(store.rows).toBe(row(1, 9));
});

describe('facts that another server stored first', () => {
  const elsewhere = (upload: string): Fact => ({
    kind: 'stored',
    agency: 1,
    count: 3,
    place: { upload, seq: 1 },
  });

  test('refuse HELO of another upload', async () => {
    const { store, central } = await open();
    store.tellOfAnother(elsewhere('v'));
    expect(await central.last(heloBets(1, 'u'))).toEqual([openText('v', 3)]);
    await central.betUploader(1, 'v', 4);
  });

  test('refuse a pending batch of another upload, with the name of theirs', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.betUploader(1);
    peer.send(Buffer.concat([sbet(1, bet(1)), sbet(2, bet(2))]));
    await until(() => store.appended.length === 2, 'two batches at the store');
    store.tellOfAnother(elsewhere('v'));
    store.refuse('overtaken');
    expect(await peer.lastFrames()).toEqual([openText('v', 3)]);
    expect(store.rows).toBe('');
  });

  test('refuse a pending batch of the same upload, which resumes after theirs', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.betUploader(1);
    peer.send(sbet(1, bet(1), bet(2)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.tellOfAnother(elsewhere('u'));
    store.overtake();
    expect(await peer.lastFrames()).toEqual(['FAIL storage|1|another server was first']);
    store.open();
    const again = await central.betUploader(1, 'u', 4);
    expect(await again.ask(sbet(4, bet(4)), done(2, 4), END)).toEqual(['OK', 'OK', 'OK']);
  });

  test('refuse a pending NBET or END of the base protocol', async () => {
    for (const says of [nbet(bet(1)), END]) {
      const { store, central } = await open({ held: true });
      const peer = await central.agency(1);
      peer.send(says);
      await until(() => store.appended.length + store.noted.length === 1, 'it being at the store');
      store.tellOfAnother(elsewhere('v'));
      store.overtake();
      expect(await peer.lastFrames()).toEqual(['NOK']);
      expect(central.refusalCodes).toEqual(['upload-open']);
      expect(central.of('agency-finished')).toEqual([]);
    }
  });

  test('refuse a pending END of another upload', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.betUploader(1, 'empty');
    peer.send(END);
    await until(() => store.noted.length === 1, 'the end at the store');
    store.tellOfAnother(elsewhere('v'));
    store.overtake();
    expect(await peer.lastFrames()).toEqual([openText('v', 3)]);
    expect(central.of('agency-finished')).toEqual([]);
  });

  test('refuse a pending batch as agency-finished, despite an open upload', async () => {
    const { store, central } = await open({ held: true });
    const peer = await central.betUploader(1);
    peer.send(sbet(1, bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.tellOfAnother(elsewhere('v'));
    store.tellOfAnother(finishedBy(1));
    store.overtake();
    expect(await peer.lastFrames()).toEqual([failFinished(1)]);
  });

  test('refuse the first batch when they settle during HELO', async () => {
    const { store, central } = await open();
    const settling = Promise.withResolvers<void>();
    store.settling = settling.promise;
    const peer = await central.connect();
    peer.send(Buffer.concat([heloBets(1, 'u'), sbet(1, bet(1))]));
    await until(() => store.asked === 1, 'the store being asked');
    store.tellOfAnother(elsewhere('v'));
    settling.resolve();
    expect(await peer.lastFrames()).toEqual([welcBets(1), openText('v', 3)]);
    expect(store.appended).toEqual([]);
  });
});
