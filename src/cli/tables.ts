import type { Measurement } from '../bench/measure.ts';
import { whole } from '../run/counts.ts';
import type { ResultRow } from '../run/lottery-run.ts';
import { wrap } from './wrap.ts';

/** Documents listed per agency. */
const DOCUMENTS_MAX = 12;

const milliseconds = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

type Column<Row> = readonly [title: string, cell: (row: Row) => string, align?: 'left'];

const MEASUREMENT: readonly Column<Measurement>[] = [
  ['server', ({ name }) => name, 'left'],
  ['bets', ({ bets }) => whole(bets)],
  ['seconds', ({ seconds }) => seconds.toFixed(2)],
  ['bets/s', ({ betsPerSecond }) => whole(betsPerSecond)],
  ['MB/s', ({ megabytesPerSecond }) => whole(megabytesPerSecond)],
  ['p50 ms', ({ latencyMs }) => milliseconds.format(latencyMs.p50)],
  ['p99 ms', ({ latencyMs }) => milliseconds.format(latencyMs.p99)],
  ['p99.9 ms', ({ latencyMs }) => milliseconds.format(latencyMs.p999)],
  ['peak MB', ({ peakMegabytes }) => String(peakMegabytes ?? '–')],
];

const RESULT: readonly Column<ResultRow>[] = [
  ['agency', ({ agency }) => String(agency)],
  ['bets', ({ bets }) => whole(bets)],
  ['refused', ({ refusedLines }) => whole(refusedLines)],
  ['winners', ({ winners }) => whole(winners.length)],
  ['documents', listDocuments, 'left'],
];

/**
 * The measurements of `loteria bench`; the latency is that of a batch.
 *
 * @param width of the terminal; a wider table becomes lists
 */
export function formatMeasurements(measurements: readonly Measurement[], width = Infinity): string {
  const table = formatTable(MEASUREMENT, measurements);
  return table.indexOf('\n') <= width ? table : formatLists(MEASUREMENT, measurements);
}

/**
 * The result of `loteria run`.
 *
 * @param columns width of the terminal, to which the documents are wrapped
 */
export function formatResults(rows: readonly ResultRow[], columns?: number): string {
  const anyRefused = rows.some(row => row.refusedLines > 0);
  const table = formatTable(
    RESULT.filter(([title]) => anyRefused || title !== 'refused'),
    rows,
    columns,
  );
  return wrap(table, columns, table.indexOf('documents'));
}

/** @param ruleColumns greatest length of the rule below the titles */
function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  ruleColumns?: number,
): string {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map(row => columns.map(([, cell]) => cell(row))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map(row => row[at]!.length)));
  const lines = cells.map(row =>
    row.map((cell, at) => {
      const isLeft = columns[at]![2] === 'left';
      const width = widths[at]!;
      return isLeft ? cell.padEnd(width) : cell.padStart(width);
    }),
  );
  const [titles, ...rest] = lines.map(line => line.join('  ').trimEnd());
  const rule = widths.map(width => '─'.repeat(width)).join('  ');
  return [titles, rule.slice(0, ruleColumns), ...rest].join('\n');
}

/** A line per cell. */
function formatLists<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const width = Math.max(...columns.map(([title]) => title.length));
  const lists = rows.map(row =>
    columns.map(([title, cell]) => `${title.padEnd(width)}  ${cell(row)}`).join('\n'),
  );
  return lists.join('\n\n');
}

function listDocuments({ winners, right }: ResultRow): string {
  const listed = winners.slice(0, DOCUMENTS_MAX).join(' ');
  const more = winners.length > DOCUMENTS_MAX ? ` and ${winners.length - DOCUMENTS_MAX} more` : '';
  const text = winners.length === 0 ? '–' : listed + more;
  return right ? text : `${text}  ✗ not the winners of its file`;
}
