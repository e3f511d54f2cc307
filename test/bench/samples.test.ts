import { expect, test } from 'vitest';
import { summarize } from '../../bench/samples.ts';

test.each([
  [[3], { median: 3, min: 3, max: 3 }],
  [[9, 1, 10], { median: 9, min: 1, max: 10 }],
  [[4, 1, 2, 30], { median: 3, min: 1, max: 30 }],
])('summarize returns median, minimum and maximum of %j', (samples, summary) => {
  expect(summarize(samples)).toEqual(summary);
});
