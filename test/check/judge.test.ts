import { expect, test } from 'vitest';
import { rowsHint } from '../../src/check/judge.ts';

const EXPECTED = ['1|Ana|1', '1|Paz, hija|2', '1|Eva|3', '2|Juan|4', '2|Luz|5', '2|Leo|6'];

test.each([
  ['no row', EXPECTED, [], /the file that the compose file mounts/],
  ['only what has a comma', ['1|Paz, hija|2'], [], /quoted comma/],
  ['all but the last rows of a file', ['1|Eva|3', '2|Luz|5', '2|Leo|6'], [], /the last batch/],
  ['all but the last row, which is another one', ['2|Leo|6'], ['2|Leo|0'], /compare/],
  ['all but rows in the middle', ['1|Paz, hija|2', '2|Luz|5'], [], /compare/],
  ['a row twice', [], ['1|Ana|1'], /compare/],
])('a bets.csv with %s has a hint of its own', (_, missing, surplus, hint) => {
  const { en } = rowsHint({ exercise: 'ej8', expected: EXPECTED, missing, surplus });
  expect(en).toMatch(hint);
});

test('exercise 5 without its bets has a hint about the variables', () => {
  const { en } = rowsHint({
    exercise: 'ej5',
    expected: EXPECTED,
    missing: EXPECTED,
    surplus: ['1|Otra|1'],
  });
  expect(en).toMatch(/NOMBRE/);
});
