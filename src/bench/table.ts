import type { Measurement } from './measure.ts';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const milliseconds = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const COLUMNS: readonly (readonly [title: string, cell: (measurement: Measurement) => string])[] = [
  ['server', ({ name }) => name],
  ['bets', ({ bets }) => whole.format(bets)],
  ['seconds', ({ seconds }) => seconds.toFixed(2)],
  ['bets/s', ({ betsPerSecond }) => whole.format(betsPerSecond)],
  ['MB/s', ({ megabytesPerSecond }) => whole.format(megabytesPerSecond)],
  ['p50 ms', ({ latencyMs }) => milliseconds.format(latencyMs.p50)],
  ['p99 ms', ({ latencyMs }) => milliseconds.format(latencyMs.p99)],
  ['p99.9 ms', ({ latencyMs }) => milliseconds.format(latencyMs.p999)],
  ['peak MB', ({ peakMegabytes }) => String(peakMegabytes ?? '–')],
];

/** Measurements as a table with columns of even width; the latency is that of a batch. */
export function formatMeasurements(measurements: readonly Measurement[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...measurements.map(one => COLUMNS.map(([, cell]) => cell(one))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  const format = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ');
  const [header, ...cells] = rows.map(format);
  return [header, widths.map(width => '─'.repeat(width)).join('  '), ...cells].join('\n');
}
