import { describe, expect, test } from 'vitest';
import { formatMeasurements, formatResults } from '../../src/cli/tables.ts';
import type { Measurement } from '../../src/bench/measure.ts';
import type { ResultRow } from '../../src/run/lottery-run.ts';

const ROW: ResultRow = {
  agency: 1,
  bets: 26_936,
  refusedLines: 0,
  isTold: true,
  winners: ['30876370', '24807259'],
  right: true,
};

describe('formatResults', () => {
  test('aligns its columns, numbers to the right', () => {
    const rows: ResultRow[] = [ROW, { ...ROW, agency: 12, bets: 0, winners: [] }];
    expect(formatResults(rows).split('\n')).toEqual([
      'agency    bets  winners  documents',
      '──────  ──────  ───────  ─────────────────',
      '     1  26,936        2  30876370 24807259',
      '    12       0        0  –',
    ]);
  });

  test('shows refused lines if there are any', () => {
    const table = formatResults([ROW, { ...ROW, agency: 2, refusedLines: 7 }]).split('\n');
    expect(table[0]).toBe('agency    bets  refused  winners  documents');
    expect(table[3]).toBe('     2  26,936        7        2  30876370 24807259');
  });

  test('lists twelve documents of an agency and counts the rest', () => {
    const winners = Array.from({ length: 15 }, (_, index) => String(index));
    expect(formatResults([{ ...ROW, winners }])).toMatch(
      / {2}0 1 2 3 4 5 6 7 8 9 10 11 and 3 more$/,
    );
    expect(formatResults([{ ...ROW, winners: winners.slice(0, 12) }])).toMatch(/ 10 11$/);
  });

  test.each([25, 40, 80])('breaks no line inside a word on %i columns', columns => {
    const winners = Array.from({ length: 12 }, (_, index) => String(30_876_370 + index));
    const rows = [{ ...ROW, winners, refusedLines: 1, right: false }, ROW];
    const lines = formatResults(rows, columns).split('\n');
    // An agency's numbers are on one line.
    for (const line of lines.filter(text => !text.startsWith('     1')))
      expect(line.length).toBeLessThanOrEqual(Math.max(columns, 33));
    const words = (text: string): string[] => text.split(/\s+/).filter(word => !/^─*$/.test(word));
    expect(words(lines.join(' '))).toEqual(words(formatResults(rows)));
  });

  test('marks an agency that did not get the winners of its file', () => {
    expect(formatResults([{ ...ROW, right: false }])).toMatch(
      /30876370 24807259 {2}✗ not the winners of its file$/,
    );
    expect(formatResults([{ ...ROW, winners: [], right: false }])).toMatch(
      / {2}– {2}✗ not the winners of its file$/,
    );
  });
});

const MEASUREMENTS: readonly Measurement[] = [
  {
    name: 'loteria',
    bets: 1_000_090,
    batches: 7_693,
    seconds: 0.4,
    betsPerSecond: 2_500_225,
    megabytesPerSecond: 115.6,
    latencyMs: { p50: 14.4231, p99: 27.5, p999: 1032.1, max: 1040 },
    peakMegabytes: 103,
  },
  {
    name: 'localhost:12345',
    bets: 130,
    batches: 1,
    seconds: 12,
    betsPerSecond: 10.8,
    megabytesPerSecond: 0,
    latencyMs: { p50: 0.004, p99: 1, p999: 1, max: 1 },
    peakMegabytes: undefined,
  },
];

test('formatMeasurements aligns its columns', () => {
  expect(formatMeasurements(MEASUREMENTS)).toBe(
    [
      'server                bets  seconds     bets/s  MB/s  p50 ms  p99 ms  p99.9 ms  peak MB',
      '───────────────  ─────────  ───────  ─────────  ────  ──────  ──────  ────────  ───────',
      'loteria          1,000,090     0.40  2,500,225   116   14.42   27.50  1,032.10      103',
      'localhost:12345        130    12.00         11     0    0.00    1.00      1.00        –',
    ].join('\n'),
  );
});

test('measurements in a narrow terminal are a list each', () => {
  const width = 40;
  const lists = formatMeasurements(MEASUREMENTS, width);
  expect(lists).toMatch(/^server {4}loteria\nbets {6}1,000,090\n/);
  expect(lists).toContain('\n\nserver    localhost:12345\n');
  for (const line of lists.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
});
