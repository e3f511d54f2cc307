import { describe, expect, test } from 'vitest';
import {
  clusterSection,
  formatResults,
  partByHand,
  type Results,
} from '../../bench/results-page.ts';
import type { Summary } from '../../bench/samples.ts';
import type { ServerName } from '../../bench/setting.ts';
import type { Row } from '../../bench/throughput.ts';

const of = (median: number): Summary => ({ median, min: median / 2, max: median * 2 });

const row = (server: ServerName, betsPerSecond: number, ofBaseline?: number): Row => ({
  shape: { server, connections: 5, window: 64, batch: 130, bets: 1_000_000, warmUp: 0 },
  betsPerSecond: of(betsPerSecond),
  p50: of(0.5),
  p99: of(12.345),
  p999: of(1234),
  peakMegabytes: 99,
  ofBaseline: ofBaseline === undefined ? undefined : of(ofBaseline),
  ofPython: undefined,
});

const RESULTS: Results = {
  startedAt: new Date('2026-01-02T03:04:05Z'),
  loadBefore: 0.25,
  rounds: 3,
  durationMs: 61_000,
  python: undefined,
  servers: [row('loteria', 5_000_000, 0.5), row('baseline', 10_000_000, 1)],
  connections: [],
  batch: [],
  bets: [row('loteria', 5_000_000)],
  clusters: [
    {
      team: { servers: 2, nodes: 3 },
      load: { connections: 5, window: 64 },
      betsPerSecond: of(500_000),
      p50: of(20),
      p99: of(40),
      serverSeconds: of(0.75),
      nodeSeconds: of(1.25),
      peakMegabytes: 120,
      ofEmbedded: of(0.1),
    },
  ],
  largeFolder: { bets: 10_000_000, startSeconds: of(2), drawSeconds: of(1), drawPeakMegabytes: 80 },
  client: { bets: 2_000_000, betsPerSecond: of(1_500_000), serverPeakMegabytes: 70 },
  lottery: undefined,
};

describe('formatResults', () => {
  const page = formatResults(RESULTS);

  test('states date, environment and load of the measurement', () => {
    const text = page.replaceAll('\n', ' ');
    expect(text).toContain(`2026-01-02, `);
    expect(text).toContain(`Node ${process.version}, no Python.`);
    expect(text).toContain('The load average was 0.3 before, the whole took 61 s.');
  });

  test('prints medians with ranges, and ratios to other servers only', () => {
    expect(page).toContain(
      '| ours | 5 × 64 | 5.00 (2.50 – 10.0) | 0.50 (0.25 – 1.00) | – | 0.50 / 12.3 / 1,234 | 99 |',
    );
    expect(page).toContain('| baseline | 5 × 64 | 10.0 (5.00 – 20.0) | – | – |');
    expect(page).toContain('| 1,000,000 | 200 (100 – 400) | 99 |');
    expect(page).toContain("| the whole lottery of the course's data | not measured");
  });

  test('prints the process count of a cluster, or that it was not measured', () => {
    expect(page).toContain(
      '| 5 × 64 | 2 servers on 3 nodes | 6 | 0.50 (0.25 – 1.00) | 0.10 (0.050 – 0.20) | 20.0 / 40.0 | 0.75 / 1.25 | 120 |',
    );
    expect(clusterSection(undefined)).toContain('Not measured');
  });

  test('keeps the hand-written part of the page', () => {
    expect(partByHand(page)).toBe('');
    const byHand = '\n## Where the time goes\n\nIn the syncs.\n';
    expect(partByHand(page + byHand)).toBe(byHand);
  });
});
