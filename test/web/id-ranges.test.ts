import { expect, test } from 'vitest';
import { idRanges } from '../../web/id-ranges.ts';

test.each([
  [[], ''],
  [[7], '7'],
  [[1, 2], '1, 2'],
  [[1, 2, 3], '1–3'],
  [[1, 2, 3, 5, 7, 8, 65_535], '1–3, 5, 7, 8, 65535'],
])('%j', (ids, text) => {
  expect(idRanges(ids)).toBe(text);
});

test('lists a bounded number of ranges', () => {
  const odd = Array.from({ length: 100 }, (_, index) => 2 * index + 1);
  expect(idRanges(odd)).toBe('1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, …');
});
