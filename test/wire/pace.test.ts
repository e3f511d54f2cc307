import { expect, test } from 'vitest';
import { Pace } from '../../src/wire/pace.ts';

test('a peer at the minimum rate may take any number of windows', () => {
  const pace = new Pace(100, 0);
  for (let window = 1; window <= 50; window += 1) {
    pace.moved(60);
    pace.moved(40);
    expect(pace.isTooSlow(window * 10 - 1, 10)).toBe(false);
    expect(pace.isTooSlow(window * 10, 10)).toBe(false);
  }
});

test.each([[[]], [[1]], [[50, 49]]])(
  'too few bytes in a window (%j) are too slow when it ends',
  moves => {
    const pace = new Pace(100, 0);
    pace.moved(1_000);
    expect(pace.isTooSlow(10, 10)).toBe(false);
    for (const bytes of moves) pace.moved(bytes);
    expect(pace.isTooSlow(19, 10)).toBe(false);
    expect(pace.isTooSlow(20, 10)).toBe(true);
  },
);

test('bytes before a restart do not count', () => {
  const pace = new Pace(100, 0);
  pace.moved(100);
  pace.restart(5);
  expect(pace.isTooSlow(14, 10)).toBe(false);
  expect(pace.isTooSlow(15, 10)).toBe(true);
});
