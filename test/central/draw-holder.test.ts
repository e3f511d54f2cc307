import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Central } from '../../src/central/central.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import type { CentralEvent } from '../../src/observe/events.ts';
import { StoreError } from '../../src/store/store.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { drawnBy, finishedBy, GatedStore, storeError } from '../support/gated-store.ts';

vi.mock('node:timers/promises', () => import('../support/pause.ts'));

/** Wait before a rejected draw is retried. */
const RETRY_MS = 1000;

/** Wait for another server's draw. */
const TAKE_OVER_MS = 2000;

/** A store whose reads of bets fail a number of times. */
class UnreadableStore extends GatedStore {
  readonly readErrors: Error[] = [];

  override async *bets(): AsyncGenerator<Iterable<Bet>> {
    const slices = super.bets();
    const error = this.readErrors.shift();
    if (error !== undefined) throw error;
    yield* slices;
  }
}

/** A central of agencies 1 and 2 without connections, on vitest's fake clock. */
function open(lottery = new Lottery([1, 2])) {
  const store = new UnreadableStore();
  const events: CentralEvent[] = [];
  store.onFact = fact => lottery.apply(fact);
  const central = new Central({
    lottery,
    store,
    hasWon,
    limits: DEFAULT_LIMITS,
    emit: event => events.push(event),
    now: () => performance.now(),
  });
  const told = (): string[] =>
    events.map(({ event }) => event).filter(event => event.startsWith('draw'));
  return { store, lottery, central, events, told };
}

/** Advances the clock and runs what is due. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a draw due on another server', () => {
  test('is held here after a timeout', async () => {
    const { store, lottery, told } = open();
    store.tellOfAnother(finishedBy(1));
    store.tellOfAnother(finishedBy(2));
    await pass(TAKE_OVER_MS - 1);
    expect(store.reads).toBe(0);
    await pass(1);
    expect(told()).toEqual(['draw-held']);
    expect([store.reads, store.seals, lottery.state]).toEqual([1, 1, 'drawn']);
  });

  test.each([1, 2, 130])('is not held while %i acknowledged bets are missing', async count => {
    const { store, central, told } = open();
    store.tellOfAnother({ kind: 'stored', agency: 1, count, place: undefined });
    for (const fact of [finishedBy(1), finishedBy(2)]) store.tellOfAnother(fact);
    await pass(TAKE_OVER_MS);
    expect([told(), store.seals]).toEqual([[], 0]);
    expect((await central.failure).message).toContain(
      `0 bets were read, ${count} were acknowledged`,
    );
  });

  test('is not held here when the other server holds it in time', async () => {
    const { store, events, told } = open();
    for (const fact of [finishedBy(1), finishedBy(2)]) store.tellOfAnother(fact);
    await pass(TAKE_OVER_MS - 1);
    store.tellOfAnother(drawnBy('theirs'));
    await pass(10 * TAKE_OVER_MS);
    expect(told()).toEqual(['draw-followed']);
    expect(events.at(-1)).toEqual({ event: 'draw-followed', bets: 0, winners: 0, seal: 'theirs' });
    expect([store.reads, store.seals]).toEqual([0, 0]);
  });

  test('times out from the last END, not from the first', async () => {
    const { store } = open();
    store.tellOfAnother(finishedBy(1));
    await pass(TAKE_OVER_MS - 1);
    store.tellOfAnother(finishedBy(2));
    await pass(TAKE_OVER_MS - 1);
    expect(store.reads).toBe(0);
    await pass(1);
    expect(store.reads).toBe(1);
  });

  test('is not held while an agency is missing, however long that takes', async () => {
    const { store } = open();
    store.tellOfAnother(finishedBy(1));
    await pass(10 * TAKE_OVER_MS);
    expect(store.reads).toBe(0);
  });

  test('is not held by a stopped server', async () => {
    const { store, central } = open();
    for (const fact of [finishedBy(1), finishedBy(2)]) store.tellOfAnother(fact);
    await central.close();
    await pass(10 * TAKE_OVER_MS);
    expect(store.reads).toBe(0);
  });
});

describe('an immediate draw', () => {
  test('is held by the server that received the last END', async () => {
    const { store, central, told } = open();
    store.tellOfAnother(finishedBy(2));
    expect(await central.finish(1)).toBeUndefined();
    await pass(0);
    expect(told()).toEqual(['draw-held']);
    await pass(10 * TAKE_OVER_MS);
    expect([store.reads, store.seals]).toEqual([1, 1]);
  });

  test('is held by a server that starts after every END', async () => {
    const lottery = new Lottery([1]);
    lottery.apply(finishedBy(1));
    const { central, told } = open(lottery);
    central.resume();
    await pass(0);
    expect(told()).toEqual(['draw-held']);
  });
});

describe('a draw that the store refuses', () => {
  const finishAll = async ({ central }: ReturnType<typeof open>): Promise<void> => {
    for (const agency of [1, 2]) expect(await central.finish(agency)).toBeUndefined();
    await pass(0);
  };

  test.each([
    ['full', 1, 'cannot write bets.csv, the disk is full (ENOSPC)'],
    ['unavailable', 3, 'no node leads the stream'],
  ] as const)('(%s) is retried after a delay', async (reason, reads, error) => {
    const opened = open();
    const { store, events, told } = opened;
    await store.append(batchNamed(1, 3));
    store.sealRefusals.push(reason, reason);
    await finishAll(opened);
    expect(told()).toEqual(['draw-delayed']);
    expect(events.at(-1)).toEqual({ event: 'draw-delayed', error });
    await pass(RETRY_MS - 1);
    expect(store.seals).toBe(1);
    await pass(1);
    expect(store.seals).toBe(2);
    await pass(RETRY_MS);
    expect(told()).toEqual(['draw-delayed', 'draw-delayed', 'draw-held']);
    expect(events.at(-1)).toMatchObject({ bets: 3 });
    // Another server's log may have changed, so bets are read again. A full disk does not change
    // them.
    expect(store.reads).toBe(reads);
  });

  test('is retried when the bets cannot be read', async () => {
    const opened = open();
    const { store, told } = opened;
    store.readErrors.push(storeError('unavailable'));
    await finishAll(opened);
    expect([told(), store.seals]).toEqual([['draw-delayed'], 0]);
    await pass(RETRY_MS);
    expect(told()).toEqual(['draw-delayed', 'draw-held']);
    expect([store.reads, store.seals]).toEqual([2, 1]);
  });

  test.each(['EMFILE', 'ENFILE', 'ENOMEM'])('is retried after %s', async code => {
    const opened = open();
    const { store, events, told } = opened;
    const error = Object.assign(new Error(`${code} on open`), { code, syscall: 'open' });
    store.readErrors.push(error, error);
    await finishAll(opened);
    expect(events.at(-1)).toEqual({ event: 'draw-delayed', error: `${code} on open` });
    await pass(2 * RETRY_MS);
    expect(told()).toEqual(['draw-delayed', 'draw-delayed', 'draw-held']);
    expect([store.reads, store.seals]).toEqual([3, 1]);
  });

  test('as overtaken is not retried, and the draw of the other server is reported', async () => {
    const opened = open();
    const { store, told } = opened;
    store.sealRefusals.push('overtaken');
    await finishAll(opened);
    expect(told()).toEqual([]);
    store.tellOfAnother(drawnBy('theirs'));
    await pass(10 * RETRY_MS);
    expect(told()).toEqual(['draw-followed']);
    expect([store.reads, store.seals]).toEqual([1, 1]);
  });

  test('is not retried once another server has held it', async () => {
    const opened = open();
    const { store, told } = opened;
    store.sealRefusals.push('unavailable');
    await finishAll(opened);
    store.tellOfAnother(drawnBy('theirs'));
    await pass(10 * RETRY_MS);
    expect(told()).toEqual(['draw-delayed', 'draw-followed']);
    expect([store.reads, store.seals]).toEqual([1, 1]);
  });

  test('is not retried by a stopped server', async () => {
    const opened = open();
    const { store, central, told } = opened;
    store.sealRefusals.push('unavailable');
    await finishAll(opened);
    await central.close();
    expect(told()).toEqual(['draw-delayed']);
    expect(store.seals).toBe(1);
  });

  test.each([
    ['a failed store', new StoreError('failed', 'message 3 is no record')],
    ['an unknown error', new Error('message 3 is no record')],
  ])('stops the central on %s', async (_, error) => {
    const opened = open();
    const { store, told } = opened;
    store.readErrors.push(error);
    await finishAll(opened);
    const failure = await opened.central.failure;
    expect(failure.message).toBe('the bets cannot be read for the draw, message 3 is no record');
    expect(failure.cause).toBe(error);
    await pass(10 * RETRY_MS);
    expect([told(), store.seals]).toEqual([[], 0]);
  });
});
