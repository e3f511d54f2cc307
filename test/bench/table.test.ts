import { expect, test } from 'vitest';
import { formatMeasurements } from '../../src/bench/table.ts';

test('measurements stand in columns of even width', () => {
  const table = formatMeasurements([
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
  ]);
  expect(table).toBe(
    [
      'server                bets  seconds     bets/s  MB/s  p50 ms  p99 ms  p99.9 ms  peak MB',
      '───────────────  ─────────  ───────  ─────────  ────  ──────  ──────  ────────  ───────',
      'loteria          1,000,090     0.40  2,500,225   116   14.42   27.50  1,032.10      103',
      'localhost:12345        130    12.00         11     0    0.00    1.00      1.00        –',
    ].join('\n'),
  );
});
