import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import type { Fact } from '../../src/lottery/fact.ts';
import type { OnFact, Store } from '../../src/store/store.ts';
import { rowsOf } from '../lottery/bets.ts';
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

/** Each call opens the same store, as consecutive processes do. */
export type Opening = (onFact: OnFact) => Promise<Store>;

export async function expectNothingTaken(store: Store): Promise<void> {
  const late = [
    store.append(batchNamed(9)),
    store.note(refusalOf(9)),
    store.note(finishOf(9)),
    sealDraw(store, DRAW),
  ];
  for (const outcome of await Promise.allSettled(late)) {
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { name: 'StoreError', code: 'failed' },
    });
  }
}

/** The contract of persistent stores. */
export function describeReopening(newPlace: () => Promise<Opening>): void {
  /** The store as the next process opens it, and the facts that it reads. */
  const open = async (opening: Opening): Promise<{ store: Store; facts: Fact[] }> => {
    const facts: Fact[] = [];
    return { store: await opening(fact => facts.push(fact)), facts };
  };

  describe('a reopened store', () => {
    test('reports every fact, in order, before anything else', async () => {
      const opening = await newPlace();
      const first = await open(opening);
      expect(first.facts).toEqual([]);
      const { store } = first;
      await Promise.all([
        store.append(batchNamed(1, 2, 3)),
        store.append(batchNamed(2, 3), { upload: 'a-Z_0.9', seq: 1 }),
        store.note(refusalOf(2)),
        store.append(batchNamed(3, 0), { upload: 'a-Z_0.9', seq: 3 }),
        store.note(finishOf(3)),
        store.note(refusalOf(1, 2)),
        store.note(finishOf(1, 'a-Z_0.9')),
      ]);
      const seal = await sealDraw(store, DRAW);
      await store.close();
      const { store: again, facts } = await open(opening);
      expect(facts).toEqual([
        { kind: 'stored', agency: 3, count: 2, place: undefined },
        { kind: 'stored', agency: 1, count: 3, place: { upload: 'a-Z_0.9', seq: 1 } },
        refusalOf(2),
        { kind: 'stored', agency: 1, count: 0, place: { upload: 'a-Z_0.9', seq: 3 } },
        finishOf(3),
        refusalOf(1, 2),
        finishOf(1, 'a-Z_0.9'),
        { kind: 'drawn', draw: DRAW, seal },
      ]);
      await again.close();
    });

    test('restores its acta, and digests the bets of each agency', async () => {
      const opening = await newPlace();
      const { store } = await open(opening);
      await store.append(batchNamed(1, 2, 1));
      await store.append(batchNamed(2, 3, 65_535));
      await store.append(batchNamed(3, 1, 1));
      const digest = await store.digest();
      const sha256 = (...bets: readonly Bet[][]): string =>
        createHash('sha256').update(rowsOf(bets.flat())).digest('hex');
      expect(digest.sha256).toBe(sha256(betsNamed(1, 2), betsNamed(2, 3, 65_535), betsNamed(3)));
      expect([...digest.agencies]).toEqual([
        [1, sha256(betsNamed(1, 2), betsNamed(3))],
        [65_535, sha256(betsNamed(2, 3, 65_535))],
      ]);
      const acta = { number: 1, time: '2026-01-02T03:04:05.000Z', bets: 6, text: 'x\n', ...digest };
      const { agencies: _, ...kept } = acta;
      await store.note({ kind: 'closed', acta: kept });
      await store.close();
      const again = await open(opening);
      expect(again.facts.at(-1)).toEqual({ kind: 'closed', acta: kept });
      expect(again.store.lottery).toBe(store.lottery);
      await again.store.close();
    });

    test('refuses everything after the draw', async () => {
      const opening = await newPlace();
      const { store } = await open(opening);
      await store.append(batchNamed(1));
      await sealDraw(store, DRAW);
      await store.close();
      const again = await open(opening);
      await expectNothingTaken(again.store);
      await again.store.close();
      const last = await open(opening);
      expect(last.facts.map(({ kind }) => kind)).toEqual(['stored', 'drawn']);
      expect(await storedBets(last.store)).toEqual(betsNamed(1));
      await last.store.close();
    });

    test('continues after any stored facts and any number of reopenings', async () => {
      const place = fc.record({ upload: fc.constantFrom('one', 'x'.repeat(64)), seq: fc.nat(5) });
      const step = fc.oneof(
        fc.record({ bets: fc.nat(4), place: fc.option(place, { nil: undefined }) }),
        fc.constantFrom(refusalOf(1), refusalOf(2, 65_535), finishOf(1), finishOf(2, 'one')),
        fc.constant('open again' as const),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
          const opening = await newPlace();
          const expected: Fact[] = [];
          const bets: Bet[] = [];
          let { store } = await open(opening);
          for (const [name, one] of [...steps, 'open again' as const].entries()) {
            if (one === 'open again') {
              await store.close();
              const again = await open(opening);
              expect(again.facts).toEqual(expected);
              ({ store } = again);
            } else if ('bets' in one) {
              void store.append(batchNamed(name, one.bets), one.place);
              expected.push({ kind: 'stored', agency: 1, count: one.bets, place: one.place });
              bets.push(...betsNamed(name, one.bets));
            } else {
              void store.note(one);
              expected.push(one);
            }
          }
          expect(await storedBets(store)).toEqual(bets);
          expect(await sealDraw(store, DRAW)).toEqual(sealOf(bets));
          await store.close();
        }),
        { numRuns: 40 },
      );
    });
  });
}
