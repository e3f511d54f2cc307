import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Draw } from '../../src/lottery/draw.ts';
import { Lottery } from '../../src/lottery/lottery.ts';

const DRAW: Draw = {
  bets: 4,
  winners: new Map([
    [1, ['11', '12']],
    [3, ['31']],
  ]),
};

/** A lottery of three agencies in which some have finished. */
function lotteryAfter(...finished: number[]): Lottery {
  const lottery = new Lottery([1, 2, 3]);
  for (const agency of finished) lottery.finish(agency);
  return lottery;
}

function drawnLottery(): Lottery {
  const lottery = lotteryAfter(1, 2, 3);
  lottery.close(DRAW);
  return lottery;
}

describe('open', () => {
  test('is how a lottery begins: every agency is missing, nobody is refused, there are no winners', () => {
    const lottery = new Lottery([3, 1, 2]);
    expect(lottery.state).toBe('open');
    expect(lottery.missing).toEqual([1, 2, 3]);
    for (const agency of [1, 2, 3]) {
      expect(lottery.expects(agency)).toBe(true);
      expect(lottery.hasFinished(agency)).toBe(false);
      expect(lottery.refusalOfBets(agency)).toBeUndefined();
      expect(lottery.winnersOf(agency)).toBeUndefined();
    }
  });

  test('is what a lottery stays until the last expected agency has finished', () => {
    const lottery = lotteryAfter(3, 1);
    expect(lottery.state).toBe('open');
    expect(lottery.missing).toEqual([2]);
    expect(lottery.winnersOf(3)).toBeUndefined();
  });

  test('is what a lottery without expected agencies stays: nothing can finish it', () => {
    const lottery = new Lottery([]);
    expect(lottery.state).toBe('open');
    expect(lottery.missing).toEqual([]);
    expect(lottery.refusalOfBets(1)).toBe('unauthorized');
    expect(() => lottery.finish(1)).toThrow();
    expect(() => lottery.close(DRAW)).toThrow();
    expect(lottery.state).toBe('open');
  });

  test('counts an agency that is named twice once', () => {
    const lottery = new Lottery([7, 7]);
    expect(lottery.missing).toEqual([7]);
    lottery.finish(7);
    expect(lottery.state).toBe('complete');
  });

  test('sorts the missing agencies as numbers', () => {
    expect(new Lottery([10, 9, 65_535, 100, 1]).missing).toEqual([1, 9, 10, 100, 65_535]);
  });
});

describe('finish', () => {
  test('closes the bets of that agency and of no other', () => {
    const lottery = lotteryAfter(2);
    expect(lottery.hasFinished(2)).toBe(true);
    expect(lottery.refusalOfBets(2)).toBe('agency-finished');
    expect(lottery.refusalOfBets(1)).toBeUndefined();
    expect(lottery.refusalOfBets(3)).toBeUndefined();
  });

  test('said again changes nothing', () => {
    const lottery = lotteryAfter(2, 2, 2);
    expect(lottery.missing).toEqual([1, 3]);
    expect(lottery.state).toBe('open');
  });

  test('said again after the draw changes nothing', () => {
    const lottery = drawnLottery();
    lottery.finish(1);
    expect(lottery.state).toBe('drawn');
    expect(lottery.winnersOf(1)).toEqual(['11', '12']);
  });

  test('is not for agencies that are not expected', () => {
    const lottery = lotteryAfter(1, 2);
    expect(() => lottery.finish(4)).toThrow('agency 4 is not expected');
    expect(lottery.hasFinished(4)).toBe(false);
    expect(lottery.state).toBe('open');
  });
});

describe('complete', () => {
  test('is a lottery of which every expected agency has finished: no bets, no winners yet', () => {
    const lottery = lotteryAfter(2, 3, 1);
    expect(lottery.state).toBe('complete');
    expect(lottery.missing).toEqual([]);
    for (const agency of [1, 2, 3]) {
      expect(lottery.refusalOfBets(agency)).toBe('agency-finished');
      expect(lottery.winnersOf(agency)).toBeUndefined();
    }
  });
});

describe('the draw', () => {
  test.each([[[]], [[1]], [[1, 2]], [[3, 1]]])('is not held when only %j have finished', finished => {
    const lottery = lotteryAfter(...finished);
    expect(() => lottery.close(DRAW)).toThrow('open');
    expect(lottery.state).toBe('open');
    expect(lottery.winnersOf(1)).toBeUndefined();
  });

  test('is held once', () => {
    const lottery = drawnLottery();
    expect(lottery.state).toBe('drawn');
    expect(() => lottery.close({ bets: 0, winners: new Map([[2, ['21']]]) })).toThrow('drawn');
    expect(lottery.winnersOf(2)).toEqual([]);
  });

  test('closes the bets of every expected agency', () => {
    const lottery = drawnLottery();
    expect([1, 2, 3].map(agency => lottery.refusalOfBets(agency))).toEqual([
      'draw-closed',
      'draw-closed',
      'draw-closed',
    ]);
  });

  test('gives each agency its own winners in stored order, and none to who has none', () => {
    const lottery = drawnLottery();
    expect([1, 2, 3].map(agency => lottery.winnersOf(agency))).toEqual([['11', '12'], [], ['31']]);
  });
});

describe('an agency that is not expected', () => {
  test.each([0, 4, -1, 65_535, 1.5, Number.NaN])('(%d) may not bet in any state', agency => {
    for (const lottery of [lotteryAfter(), lotteryAfter(1, 2, 3), drawnLottery()]) {
      expect(lottery.expects(agency)).toBe(false);
      expect(lottery.refusalOfBets(agency)).toBe('unauthorized');
      expect(lottery.hasFinished(agency)).toBe(false);
    }
  });

  test('has no winners', () => {
    expect(drawnLottery().winnersOf(4)).toEqual([]);
  });
});

describe('any sequence of facts', () => {
  const agency = fc.integer({ min: 1, max: 6 });
  const fact = fc.oneof(
    { weight: 5, arbitrary: agency.map(finished => ({ finished })) },
    { weight: 1, arbitrary: fc.constant({ finished: undefined }) },
  );

  test.prop([fc.uniqueArray(agency, { maxLength: 4 }), fc.array(fact, { maxLength: 30 })], { numRuns: 1000 })(
    'keeps the rules: bets only while open, winners only when drawn, one draw',
    (expected, facts) => {
      const lottery = new Lottery(expected);
      const finished = new Set<number>();
      let draws = 0;
      for (const { finished: who } of facts) {
        const complete = expected.length > 0 && expected.every(id => finished.has(id));
        if (who === undefined && complete && draws === 0) {
          lottery.close(DRAW);
          draws += 1;
        } else if (who === undefined) {
          expect(() => lottery.close(DRAW)).toThrow();
        } else if (expected.includes(who)) {
          lottery.finish(who);
          finished.add(who);
        } else {
          expect(() => lottery.finish(who)).toThrow();
        }
        const missing = expected.filter(id => !finished.has(id)).toSorted((a, b) => a - b);
        const isComplete = expected.length > 0 && missing.length === 0;
        expect(lottery.missing).toEqual(missing);
        expect(lottery.state).toBe(draws > 0 ? 'drawn' : isComplete ? 'complete' : 'open');
        for (let id = 1; id <= 6; id += 1) {
          const mayBet = expected.includes(id) && !finished.has(id) && draws === 0;
          expect(lottery.refusalOfBets(id) === undefined).toBe(mayBet);
          expect(lottery.hasFinished(id)).toBe(finished.has(id));
          expect(lottery.winnersOf(id)).toEqual(draws === 0 ? undefined : (DRAW.winners.get(id) ?? []));
        }
      }
    },
  );
});
