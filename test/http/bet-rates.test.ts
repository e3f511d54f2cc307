import { describe, expect, test } from 'vitest';
import { BetRates } from '../../src/http/bet-rates.ts';
import { agencyWith } from './operator.ts';

const SECOND_MS = 1000;

/** Agencies from 1 on, with these numbers of bets. */
const agencies = (...bets: number[]) => ({
  state: 'open' as const,
  bets: bets.reduce((sum, count) => sum + count, 0),
  agencies: bets.map((count, index) => agencyWith({ agency: index + 1, bets: count })),
});

describe('BetRates', () => {
  test('counts no bets of earlier processes', () => {
    const rates = new BetRates();
    rates.sample(50_000, agencies(1_000_000));
    expect(rates.perSecond).toBe(0);
    expect(rates.history(0)).toEqual([]);
  });

  test('divides the bets since the last sample by the time, in total and per agency', () => {
    const rates = new BetRates();
    rates.sample(50_000, agencies(10, 20));
    rates.sample(51_001, agencies(110, 20));
    expect(rates.perSecond).toBe(100);
    expect([rates.perSecondOf(1), rates.perSecondOf(2), rates.perSecondOf(3)]).toEqual([100, 0, 0]);
    rates.sample(53_001, agencies(110, 220, 50));
    expect(rates.perSecond).toBe(125);
    expect(rates.perSecondOf(3)).toBe(25);
    // The bets of a sample over two seconds are divided between them.
    expect(rates.history(0)).toEqual([
      { second: 50, bets: 100 },
      { second: 51, bets: 125 },
      { second: 52, bets: 125 },
    ]);
  });

  test('counts 0 where a replicated store has lost bets', () => {
    const rates = new BetRates();
    rates.sample(50_000, agencies(10, 20));
    rates.sample(51_001, agencies(4, 30));
    expect([rates.perSecond, rates.perSecondOf(1), rates.perSecondOf(2)]).toEqual([4, 0, 10]);
    rates.sample(52_001, agencies(0, 30));
    expect(rates.perSecond).toBe(0);
    expect(rates.history(0)).toEqual([
      { second: 50, bets: 4 },
      { second: 51, bets: 0 },
    ]);
  });

  test('does not extrapolate from less than a second', () => {
    const rates = new BetRates();
    rates.sample(50_990, agencies(0));
    rates.sample(51_001, agencies(130));
    expect(rates.perSecond).toBe(130);
  });

  test('keeps five minutes', () => {
    const rates = new BetRates();
    for (let second = 0; second <= 1000; second += 1)
      rates.sample(second * SECOND_MS + 1, agencies(second));
    expect(rates.history(0)).toHaveLength(300);
    expect(rates.history(0)[0]).toEqual({ second: 700, bets: 1 });
    expect(rates.history(0).at(-1)).toEqual({ second: 999, bets: 1 });
  });

  test('names its seconds by the present wall clock, even after the clock was set', () => {
    const rates = new BetRates();
    for (const second of [50, 51, 52]) rates.sample(second * SECOND_MS + 1, agencies(second));
    const names = (beginMs: number): number[] => rates.history(beginMs).map(({ second }) => second);
    expect(names(1_000_000_000)).toEqual([1_000_050, 1_000_051]);
    expect(names(1_000_000_000 - 3_600_000)).toEqual([996_450, 996_451]);
  });

  test('keeps the history after the close', () => {
    const rates = new BetRates();
    rates.sample(50_000, agencies(0));
    rates.sample(51_001, agencies(10));
    const closed = { ...agencies(30), state: 'closed' as const };
    for (let second = 52; second < 1000; second += 1) rates.sample(second * SECOND_MS + 1, closed);
    expect(rates.perSecond).toBe(0);
    expect(rates.history(0)).toEqual([
      { second: 50, bets: 10 },
      { second: 51, bets: 20 },
    ]);
  });
});
