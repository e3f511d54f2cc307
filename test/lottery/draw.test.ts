import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import { holdDraw } from '../../src/lottery/draw.ts';
import { betWith, validBet } from './bets.ts';

async function* slicesOf(...slices: readonly (readonly Bet[])[]): AsyncGenerator<Iterable<Bet>> {
  // Slices can be read only once.
  for (const slice of slices) yield slice.values();
}

const isEven = (bet: Bet): boolean => bet.number % 2 === 0;

describe('a draw', () => {
  test('lists the winners of each agency in stored order, across slices', async () => {
    const slices = slicesOf(
      [
        betWith({ agency: 2, document: '21', number: 2 }),
        betWith({ agency: 1, document: '11', number: 4 }),
        betWith({ agency: 2, document: '22', number: 1 }),
      ],
      [],
      [
        betWith({ agency: 3, document: '31', number: 3 }),
        betWith({ agency: 2, document: '20', number: 0 }),
      ],
    );
    expect(await holdDraw(slices, isEven)).toEqual({
      bets: 5,
      winners: new Map([
        [1, ['11']],
        [2, ['21', '20']],
      ]),
    });
  });

  test('lists a document once for each of its winning bets', async () => {
    const bets = [
      betWith({ document: '7' }),
      betWith({ document: '8' }),
      betWith({ document: '7' }),
    ];
    const { winners } = await holdDraw(slicesOf(bets), () => true);
    expect(winners).toEqual(new Map([[1, ['7', '8', '7']]]));
  });

  test('fails when its bets cannot be read', async () => {
    async function* failing(): AsyncGenerator<Iterable<Bet>> {
      yield [betWith()];
      throw new Error('disk on fire');
    }
    await expect(holdDraw(failing(), () => true)).rejects.toThrow('disk on fire');
  });

  test('finds exactly the winning bets of each agency', async () => {
    const few = validBet.map(bet => ({ ...bet, agency: (bet.agency % 5) + 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(few, { maxLength: 10 }), { maxLength: 6 }),
        async slices => {
          const { bets, winners } = await holdDraw(slicesOf(...slices), isEven);
          const all = slices.flat();
          expect(bets).toBe(all.length);
          for (let agency = 0; agency <= 6; agency += 1) {
            const documents = all
              .filter(bet => bet.agency === agency && isEven(bet))
              .map(bet => bet.document);
            expect(winners.get(agency)).toEqual(documents.length === 0 ? undefined : documents);
          }
        },
      ),
    );
  });
});
