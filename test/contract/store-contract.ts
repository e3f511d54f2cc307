import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import type { Store } from '../../src/store/store.ts';
import { batchOf, betWith, validBet } from '../lottery/bets.ts';

/** All bets of a store, in the order in which it gives them. */
export async function storedBets(store: Store): Promise<Bet[]> {
  const bets: Bet[] = [];
  for await (const slice of store.bets()) bets.push(...slice);
  return bets;
}

/** A batch of some bets that are told apart by their document. */
export function batchNamed(name: number, count = 1, agency = 1): BetBatch {
  return batchOf(betsNamed(name, count, agency), agency);
}

/** The bets of `batchNamed`. */
export function betsNamed(name: number, count = 1, agency = 1): Bet[] {
  return Array.from({ length: count }, (_, index) =>
    betWith({ agency, firstName: `Ñ, "${index}"`, document: String(name), number: index }),
  );
}

/**
 * What every store promises (src/store/store.ts).
 *
 * @param openStore opens an empty store; called within a test, which closes it or has it closed when the test ends
 */
export function describeStore(openStore: () => Promise<Store>): void {
  describe('a store', () => {
    test('is empty at first', async () => {
      const store = await openStore();
      expect(await storedBets(store)).toEqual([]);
      expect(store.unsyncedBytes).toBe(0);
      await expect(store.settled()).resolves.toBeUndefined();
      await store.close();
    });

    test('gives back the bets of a batch whose append was fulfilled, field by field', async () => {
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

    test('gives batches in the order of their append, whatever the agency, however many wait', async () => {
      const store = await openStore();
      const names = Array.from({ length: 200 }, (_, index) => index);
      await Promise.all(names.map(name => store.append(batchNamed(name, 1 + (name % 3), 1 + (name % 5)))));
      expect(await storedBets(store)).toEqual(
        names.flatMap(name => betsNamed(name, 1 + (name % 3), 1 + (name % 5))),
      );
      await store.close();
    });

    test('gives bets that are the same each time they are asked for, and later ones behind them', async () => {
      const store = await openStore();
      await store.append(batchNamed(1, 2));
      expect(await storedBets(store)).toEqual(betsNamed(1, 2));
      expect(await storedBets(store)).toEqual(betsNamed(1, 2));
      await store.append(batchNamed(2, 2));
      expect(await storedBets(store)).toEqual([...betsNamed(1, 2), ...betsNamed(2, 2)]);
      await store.close();
    });

    test('keeps a bet that is appended twice twice: what is a repeat is decided elsewhere', async () => {
      const store = await openStore();
      await Promise.all([store.append(batchNamed(1)), store.append(batchNamed(1))]);
      expect(await storedBets(store)).toEqual([...betsNamed(1), ...betsNamed(1)]);
      await store.close();
    });

    test('takes a batch without bets and keeps nothing of it', async () => {
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

    test('takes a batch of many bets', async () => {
      const store = await openStore();
      await store.append(batchNamed(1, 20_000));
      expect(await storedBets(store)).toEqual(betsNamed(1, 20_000));
      await store.close();
    });

    test('is settled also while others go on appending without a pause', async () => {
      const store = await openStore();
      const settled = new AbortController();
      let appended = 0;
      const neverIdle = async (): Promise<void> => {
        while (!settled.signal.aborted && appended < 10_000) {
          // The next one is always there before the one before is durable.
          const [first] = [store.append(batchNamed(appended)), store.append(batchNamed(appended + 1))];
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

    test('is settled when everything that was appended before is durable', async () => {
      const store = await openStore();
      let answered = 0;
      const count = (): void => {
        answered += 1;
      };
      const appends = Array.from({ length: 50 }, (_, name) => store.append(batchNamed(name)).then(count));
      await store.settled();
      await Promise.resolve();
      expect(answered).toBe(50);
      expect(store.unsyncedBytes).toBe(0);
      expect(await storedBets(store)).toHaveLength(50);
      await Promise.all(appends);
      await store.close();
    });

    test('says nothing about a failure while nothing fails', async () => {
      const store = await openStore();
      await store.append(batchNamed(1));
      await store.close();
      expect(await Promise.race([store.failure, Promise.resolve('none')])).toBe('none');
    });

    test('answers every append before it is closed', async () => {
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

    test('gives back any batches, appended one after the other or without waiting', async () => {
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
