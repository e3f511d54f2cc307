import { expect, test } from 'vitest';
import { SendPace } from '../../src/agency/send-pace.ts';

/** A pace, and a function that acknowledges a batch after a latency in milliseconds. */
function openPace(batchWindow: number, batchAmountMax: number, windowFirst = batchWindow) {
  const pace = new SendPace({ batchWindow, batchAmountMax, windowFirst, now: () => 1_000_000 });
  const acknowledge = (...took: readonly number[]): (readonly [number, number])[] =>
    took.map(ms => {
      pace.acknowledged(1_000_000 - ms);
      return [pace.window, pace.amount];
    });
  return { pace, acknowledge };
}

test('slow acknowledgements halve the window, then the bets of a batch, down to 8', () => {
  const { acknowledge } = openPace(6, 40);
  const slow = Array<number>(6).fill(5_001);
  expect(acknowledge(...slow)).toEqual([
    [3, 40],
    [1, 40],
    [1, 20],
    [1, 10],
    [1, 8],
    [1, 8],
  ]);
  expect(openPace(1, 3).acknowledge(60_000)).toEqual([[1, 3]]);
});

test('fast acknowledgements double the bets of a batch, then widen the window one by one', () => {
  const { acknowledge } = openPace(3, 40);
  acknowledge(9_000, 9_000, 9_000);
  expect(acknowledge(2_000, 0, 0, 0, 0)).toEqual([
    [1, 20],
    [1, 40],
    [2, 40],
    [3, 40],
    [3, 40],
  ]);
});

test('acknowledgements between the two thresholds change nothing', () => {
  expect(openPace(8, 40).acknowledge(2_001, 5_000)).toEqual([
    [8, 40],
    [8, 40],
  ]);
});

test('fast acknowledgements widen the first window to the configured one', () => {
  const { pace, acknowledge } = openPace(64, 1, 8);
  expect(pace.window).toBe(8);
  expect(acknowledge(...Array<number>(56).fill(1)).at(-1)).toEqual([64, 1]);
  expect(openPace(4, 1, 8).pace.window).toBe(4);
});
