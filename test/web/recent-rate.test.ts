import { describe, expect, test } from 'vitest';
import { busiest, recentRate, slices } from '../../web/recent-rate.ts';

/** A whole half minute. */
const END = 1_795_282_200;

/** Seconds up to END, with these numbers of bets. */
const history = (...bets: number[]) =>
  bets.map((count, index) => ({ second: END - bets.length + index, bets: count }));

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

describe('the seconds of the chart', () => {
  test('begin shortly before the first bets, so that a short lottery fills the chart', () => {
    const found = recentRate(history(...zeros(280), 5, 0, 7, 0));
    expect(found).toEqual(history(0, 5, 0, 7, 0));
  });

  test('are the whole history where it begins with bets, or has none', () => {
    for (const whole of [history(5, 0, 7), history(...zeros(300)), history()])
      expect(recentRate(whole)).toEqual(whole);
  });
});

test('the busiest second is the first with the most bets', () => {
  expect(busiest(history(3, 7, 7))).toEqual({ second: END - 2, bets: 7 });
  expect(busiest(history(0, 0))).toBeUndefined();
});

describe('slices', () => {
  test('are half minutes, newest first, from the first bets on', () => {
    const found = slices(history(...zeros(200), 10, 20, ...zeros(98)));
    expect(found.map(slice => slice.from)).toEqual([30, 60, 90, 120].map(ago => END - ago));
    expect(found.at(-1)).toEqual({ from: END - 120, bets: 30, mean: 1, most: 20 });
  });

  test('are of the seconds that there were', () => {
    expect(slices(history(10, 20))).toEqual([{ from: END - 30, bets: 30, mean: 15, most: 20 }]);
  });

  test('leave out a half minute whose beginning is forgotten', () => {
    const full = history(...Array.from({ length: 300 }, () => 1)).map(({ second, bets }) => ({
      second: second + 10,
      bets,
    }));
    expect(slices(full).map(({ bets }) => bets)).toEqual([
      10,
      ...Array.from({ length: 9 }, () => 30),
    ]);
  });
});
