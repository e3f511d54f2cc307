import type { Snapshot } from '../src/http/snapshot.ts';

const WINDOW_SECONDS = 300;

const SLICE_SECONDS = 30;

/** A second of the chart; null before the start of the central. */
export interface RatePoint {
  /** Unix time. */
  readonly second: number;
  readonly bets: number | null;
}

/** A row of the table. */
export interface RateSlice {
  readonly from: number;
  readonly bets: number;
  readonly mean: number;
  readonly most: number;
}

/** The last seconds, oldest first, including those without bets. */
export function recentRate({ time, startedAt, history }: Snapshot): RatePoint[] {
  const bets = new Map(history.map(point => [point.second, point.bets]));
  const end = Math.floor(Date.parse(time) / 1000);
  const begin = Math.floor(Date.parse(startedAt) / 1000);
  return Array.from({ length: WINDOW_SECONDS }, (_, index) => {
    const second = end - WINDOW_SECONDS + index;
    return { second, bets: bets.get(second) ?? (second < begin ? null : 0) };
  });
}

/** The second with the most bets. */
export function busiest(
  points: readonly RatePoint[],
): { second: number; bets: number } | undefined {
  let most: { second: number; bets: number } | undefined;
  for (const { second, bets } of points) {
    if (bets !== null && bets > (most?.bets ?? 0)) most = { second, bets };
  }
  return most;
}

/** Slices aligned to half minutes, newest first, so that a row never changes once complete. */
export function slices(points: readonly RatePoint[]): RateSlice[] {
  const groups = Map.groupBy(
    points,
    ({ second }) => Math.floor(second / SLICE_SECONDS) * SLICE_SECONDS,
  );
  const rows: RateSlice[] = [];
  for (const [from, group] of groups) {
    const known = group.flatMap(({ bets }) => (bets === null ? [] : [bets]));
    // A slice that is partly out of the window would show too few bets.
    if (known.length === 0 || group[0]!.second !== from) continue;
    const bets = known.reduce((sum, value) => sum + value, 0);
    rows.push({ from, bets, mean: bets / known.length, most: Math.max(...known) });
  }
  return rows.toReversed();
}
