import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/lottery/fact.ts';
import type { Store } from '../../src/store/store.ts';
import { batchOf, betWith, validBet } from '../lottery/bets.ts';
import { sealDraw } from '../support/seal-draw.ts';
import {
  batchNamed,
  betsNamed,
  DRAW,
  finishOf,
  refusalOf,
  sealOf,
  storedBets,
} from './named-bets.ts';

import { describeReopening, expectNothingTaken, type Opening } from './store-reopening.ts';

export type { Opening } from './store-reopening.ts';
export { batchNamed, betsNamed, refusalOf, storedBets } from './named-bets.ts';

/**
 * The contract of every store (src/store/store.ts).
 *
 * @param openNew opens an empty store; called within a test, which closes it or has it closed when
 *   the test ends
 * @param newPlace makes an empty place where a store remembers; none for a store that keeps nothing
 */
export function describeStore(openNew: Opening, newPlace?: () => Promise<Opening>): void {
  const openStore = (): Promise<Store> => openNew(() => {});
  describeBets(openStore);
  describeNotes(openStore);
  describeTold(openNew);
  if (newPlace !== undefined) describeReopening(newPlace);
}

function describeBets(openStore: () => Promise<Store>): void {
  describe('a store', () => {
    test('is empty at first', async () => {
      const store = await openStore();
      expect(await storedBets(store)).toEqual([]);
      expect(store.unsyncedBytes).toBe(0);
      await expect(store.settled()).resolves.toBeUndefined();
      await store.close();
    });

    test('returns the bets of a durable batch, field by field', async () => {
      const store = await openStore();
      const bets = [
        betWith({ firstName: 'Íñigo "el Ñandú"', lastName: 'a, "b"', document: '0007', number: 0 }),
        betWith({ lastName: '"', birthdate: '0001-01-01', number: 9999 }),
        betWith({ firstName: '😀', lastName: "|;'\\", birthdate: '2000-02-29' }),
      ];
      await store.append(batchOf(bets));
      expect(await storedBets(store)).toEqual(bets);
      await store.close();
    });

    test('returns batches in append order, across agencies and when concurrent', async () => {
      const store = await openStore();
      const names = Array.from({ length: 200 }, (_, index) => index);
      await Promise.all(
        names.map(name => store.append(batchNamed(name, 1 + (name % 3), 1 + (name % 5)))),
      );
      expect(await storedBets(store)).toEqual(
        names.flatMap(name => betsNamed(name, 1 + (name % 3), 1 + (name % 5))),
      );
      await store.close();
    });

    test('returns the same bets on each read, and later ones after them', async () => {
      const store = await openStore();
      await store.append(batchNamed(1, 2));
      expect(await storedBets(store)).toEqual(betsNamed(1, 2));
      expect(await storedBets(store)).toEqual(betsNamed(1, 2));
      await store.append(batchNamed(2, 2));
      expect(await storedBets(store)).toEqual([...betsNamed(1, 2), ...betsNamed(2, 2)]);
      await store.close();
    });

    test('stores a repeated bet twice: repeats are detected elsewhere', async () => {
      const store = await openStore();
      await Promise.all([store.append(batchNamed(1)), store.append(batchNamed(1))]);
      expect(await storedBets(store)).toEqual([...betsNamed(1), ...betsNamed(1)]);
      await store.close();
    });

    test('accepts a batch without bets and stores nothing of it', async () => {
      const store = await openStore();
      await store.append(batchOf([], 3));
      await Promise.all([
        store.append(batchOf([], 3)),
        store.append(batchNamed(1)),
        store.append(batchOf([], 3)),
      ]);
      expect(await storedBets(store)).toEqual(betsNamed(1));
      await store.close();
    });

    test('copies the rows before append returns', async () => {
      const store = await openStore();
      const appends = [0, 1].map(name => {
        const batch = batchNamed(name);
        const durable = store.append(batch);
        batch.rows.fill(0);
        return durable;
      });
      await Promise.all(appends);
      expect(await storedBets(store)).toEqual([...betsNamed(0), ...betsNamed(1)]);
      await store.close();
    });

    test('accepts a batch of many bets', async () => {
      const store = await openStore();
      await store.append(batchNamed(1, 20_000));
      expect(await storedBets(store)).toEqual(betsNamed(1, 20_000));
      await store.close();
    });

    test('settles while other appends continue without a pause', async () => {
      const store = await openStore();
      const settled = new AbortController();
      let appended = 0;
      const neverIdle = async (): Promise<void> => {
        while (!settled.signal.aborted && appended < 10_000) {
          // The next one is appended before the previous one is durable.
          const [first] = [
            store.append(batchNamed(appended)),
            store.append(batchNamed(appended + 1)),
          ];
          appended += 2;
          await first;
        }
      };
      const others = [neverIdle(), neverIdle()];
      await store.append(batchNamed(1));
      await store.settled();
      settled.abort();
      await Promise.all(others);
      expect(appended).toBeLessThan(10_000);
      await store.close();
    });

    test('settles when every earlier append is durable', async () => {
      const store = await openStore();
      let answered = 0;
      const count = (): void => {
        answered += 1;
      };
      const appends = Array.from({ length: 50 }, (_, name) =>
        store.append(batchNamed(name)).then(count),
      );
      await store.settled();
      await Promise.resolve();
      expect(answered).toBe(50);
      expect(store.unsyncedBytes).toBe(0);
      expect(await storedBets(store)).toHaveLength(50);
      await Promise.all(appends);
      await store.close();
    });

    test('reports no failure while nothing fails', async () => {
      const store = await openStore();
      await store.append(batchNamed(1));
      await store.close();
      expect(await Promise.race([store.failure, Promise.resolve('none')])).toBe('none');
    });

    test('answers every append before it closes', async () => {
      const store = await openStore();
      const outcomes: string[] = [];
      for (let name = 0; name < 20; name += 1) {
        void store.append(batchNamed(name)).then(
          () => outcomes.push('stored'),
          () => outcomes.push('refused'),
        );
      }
      await store.close();
      expect(outcomes).toEqual(Array.from({ length: 20 }, () => 'stored'));
    });

    test('returns any batches, appended in sequence or concurrently', async () => {
      const step = fc.record({ bets: fc.array(validBet, { maxLength: 6 }), wait: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
          const store = await openStore();
          const appends: Promise<void>[] = [];
          for (const { bets, wait } of steps) {
            const append = store.append(batchOf(bets));
            appends.push(append);
            if (wait) await append;
          }
          await Promise.all(appends);
          expect(await storedBets(store)).toEqual(steps.flatMap(({ bets }) => bets));
          await store.close();
        }),
        { numRuns: 50 },
      );
    });
  });
}

function describeNotes(openStore: () => Promise<Store>): void {
  describe('a store of facts and bets', () => {
    test('returns the same bets as without facts', async () => {
      const store = await openStore();
      await Promise.all([
        store.note(refusalOf(1)),
        store.append(batchNamed(1, 2), { upload: 'a-Z_0.9', seq: 2 }),
        store.note(refusalOf(3)),
        store.append(batchNamed(2, 1, 2)),
        store.note(finishOf(1, 'a-Z_0.9')),
        store.append(batchNamed(3, 1, 2)),
        store.note(finishOf(2)),
      ]);
      expect(await storedBets(store)).toEqual([
        ...betsNamed(1, 2),
        ...betsNamed(2, 1, 2),
        ...betsNamed(3, 1, 2),
      ]);
      await store.close();
    });

    test('answers calls of any kind in order, and before it settles', async () => {
      const store = await openStore();
      const answers: number[] = [];
      for (let call = 0; call < 60; call += 1) {
        const handed =
          call % 5 === 3
            ? store.note(refusalOf(call))
            : call % 7 === 6
              ? store.note(finishOf(call))
              : store.append(batchNamed(call, call % 3));
        void handed.then(() => answers.push(call));
      }
      await store.settled();
      await Promise.resolve();
      expect(answers).toEqual(Array.from({ length: 60 }, (_, call) => call));
      await store.close();
    });

    test('seals the bets with length and SHA-256 of their rows in stored order', async () => {
      const store = await openStore();
      const names = Array.from({ length: 40 }, (_, name) => name);
      const handed = names.map(name => store.append(batchNamed(name, name % 4, 1 + (name % 5))));
      handed.push(store.note(refusalOf(1)), store.note(finishOf(1)));
      // Earlier appends take part, even without waiting for them.
      const seal = await sealDraw(store, DRAW);
      expect(seal).toEqual(
        sealOf(names.flatMap(name => betsNamed(name, name % 4, 1 + (name % 5)))),
      );
      expect(await storedBets(store)).toHaveLength(60);
      await Promise.all(handed);
      await store.close();
    });

    test('seals an empty store with the SHA-256 of no bytes', async () => {
      const store = await openStore();
      expect(await sealDraw(store, { bets: 0, winners: new Map() })).toEqual({
        ...sealOf([]),
        sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      });
      await store.close();
    });

    test('refuses everything after the draw', async () => {
      const store = await openStore();
      await store.append(batchNamed(1));
      await sealDraw(store, DRAW);
      await expectNothingTaken(store);
      expect(await storedBets(store)).toEqual(betsNamed(1));
      // A late call is no failure of the store.
      expect(await Promise.race([store.failure, Promise.resolve('none')])).toBe('none');
      await store.close();
    });
  });
}

/** Calls of a store, in order, and their facts; the draw is separate. */
function handOver(
  store: Store,
  call: number,
): { readonly durable: Promise<void>; readonly fact: Fact } {
  const note = call % 5 === 3 ? refusalOf(call) : call % 7 === 6 ? finishOf(call) : undefined;
  if (note !== undefined) return { durable: store.note(note), fact: note };
  const place = call % 2 === 0 ? undefined : { upload: 'u', seq: call };
  const fact = { kind: 'stored', agency: 2, count: call % 3, place } as const;
  return { durable: store.append(batchNamed(call, call % 3, 2), place), fact };
}

function describeTold(openNew: Opening): void {
  describe('the fact listener of a store', () => {
    test('receives every fact once and in order, before its acknowledgement', async () => {
      const told: Fact[] = [];
      const store = await openNew(fact => void told.push(fact));
      const facts: Fact[] = [];
      const toldWhenHeard: number[] = [];
      for (let call = 0; call < 60; call += 1) {
        const { durable, fact } = handOver(store, call);
        facts.push(fact);
        void durable.then(() => toldWhenHeard.push(told.length));
        if (call % 20 === 0) await durable;
      }
      const seal = await sealDraw(store, DRAW);
      expect(told).toEqual([...facts, { kind: 'drawn', draw: DRAW, seal }]);
      expect(toldWhenHeard).toHaveLength(60);
      for (const [call, count] of toldWhenHeard.entries()) expect(count).toBeGreaterThan(call);
      await expectNothingTaken(store);
      await store.close();
      expect(told).toHaveLength(61);
    });

    test('has received every acknowledged fact when the store settles', async () => {
      const told: Fact[] = [];
      const store = await openNew(fact => void told.push(fact));
      await expect(store.settled()).resolves.toBeUndefined();
      const facts: Fact[] = [];
      const handed: Promise<void>[] = [];
      for (let call = 0; call < 30; call += 1) {
        const { durable, fact } = handOver(store, call);
        facts.push(fact);
        handed.push(durable);
        if (call % 10 !== 4) continue;
        await durable;
        await store.settled();
        expect(told.slice(0, call + 1)).toEqual(facts);
      }
      await Promise.all(handed);
      await sealDraw(store, DRAW);
      await expect(store.settled()).resolves.toBeUndefined();
      expect(told).toHaveLength(31);
      await store.close();
    });
  });
}
