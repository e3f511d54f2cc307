import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/http/snapshot.ts';
import { busiest, recentRate, slices } from '../../web/recent-rate.ts';

/** A whole half minute. */
const END = 1_795_282_200;

const at = (second: number): string => new Date(second * 1000).toISOString();

function points(history: Snapshot['history'], startedAt = END - 1_000) {
  return recentRate({ time: at(END + 0.4), startedAt: at(startedAt), history } as Snapshot);
}

describe('the last five minutes', () => {
  test('are 300 seconds, each once, whatever the history leaves out', () => {
    const found = points([
      { second: END - 400, bets: 9 },
      { second: END - 300, bets: 1 },
      { second: END - 1, bets: 2 },
      { second: END, bets: 9 },
    ]);
    expect(found.map(point => point.second)).toEqual(
      Array.from({ length: 300 }, (_, index) => END - 300 + index),
    );
    expect(found.filter(point => point.bets !== 0)).toEqual([
      { second: END - 300, bets: 1 },
      { second: END - 1, bets: 2 },
    ]);
  });

  test('have no value before the central was there', () => {
    const found = points([{ second: END - 1, bets: 5 }], END - 2);
    expect(found.slice(-3).map(point => point.bets)).toEqual([null, 0, 5]);
  });
});

test('the busiest second is the first with the most bets', () => {
  const history = [3, 7, 7].map((bets, index) => ({ second: END - 10 + index, bets }));
  expect(busiest(points(history))).toEqual({ second: END - 9, bets: 7 });
  expect(busiest(points([]))).toBeUndefined();
});

describe('slices', () => {
  test('are half minutes, newest first', () => {
    const history = [10, 20].map((bets, index) => ({ second: END - 30 + index, bets }));
    const found = slices(points(history));
    expect(found.map(slice => slice.from)).toEqual(
      Array.from({ length: 10 }, (_, index) => END - 30 - 30 * index),
    );
    expect(found[0]).toEqual({ from: END - 30, bets: 30, mean: 1, most: 20 });
  });

  test('are of the seconds that there were', () => {
    const history = [10, 20].map((bets, index) => ({ second: END - 2 + index, bets }));
    expect(slices(points(history, END - 2))).toEqual([
      { from: END - 30, bets: 30, mean: 15, most: 20 },
    ]);
  });
});
