import { describe, expect, test } from 'vitest';
import { formatTable, type ResultRow } from '../../src/run/table.ts';

const ROW: ResultRow = {
  agency: 1,
  bets: 26_936,
  refusedLines: 0,
  winners: ['30876370', '24807259'],
  right: true,
};

describe('the outcome of a lottery as a table', () => {
  test('has columns of even width, numbers to the right', () => {
    const rows: ResultRow[] = [ROW, { agency: 12, bets: 0, refusedLines: 0, winners: [], right: true }];
    expect(formatTable(rows).split('\n')).toEqual([
      'agency   bets  winners  documents',
      '──────  ─────  ───────  ─────────────────',
      '     1  26936        2  30876370 24807259',
      '    12      0        0  –',
    ]);
  });

  test('shows refused lines where there are any', () => {
    const table = formatTable([ROW, { ...ROW, agency: 2, refusedLines: 7 }]).split('\n');
    expect(table[0]).toBe('agency   bets  refused  winners  documents');
    expect(table[3]).toBe('     2  26936        7        2  30876370 24807259');
  });

  test('lists twelve documents of an agency and counts the rest', () => {
    const winners = Array.from({ length: 15 }, (_, index) => String(index));
    expect(formatTable([{ ...ROW, winners }])).toMatch(/ {2}0 1 2 3 4 5 6 7 8 9 10 11 … and 3 more$/);
    expect(formatTable([{ ...ROW, winners: winners.slice(0, 12) }])).toMatch(/ 10 11$/);
  });

  test('marks an agency that was not told the winners of its file', () => {
    expect(formatTable([{ ...ROW, right: false }])).toMatch(
      /30876370 24807259 {2}✗ not the winners of its file$/,
    );
    expect(formatTable([{ ...ROW, winners: [], right: false }])).toMatch(
      / {2}– {2}✗ not the winners of its file$/,
    );
  });
});
