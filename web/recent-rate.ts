import type { SnapshotSecond } from '../src/http/snapshot.ts';

/** Length of a full history (`src/http/bet-rates.ts`). */
const HISTORY_SECONDS = 300;

const SLICE_SECONDS = 30;

/** A row of the table. */
export interface RateSlice {
  readonly from: number;
  readonly bets: number;
  readonly mean: number;
  readonly most: number;
}

/** The seconds from shortly before the first bets on, or all of them without bets. */
export function recentRate(history: readonly SnapshotSecond[]): readonly SnapshotSecond[] {
  const first = history.findIndex(({ bets }) => bets > 0);
  return history.slice(Math.max(0, first - 1));
}

/** The second with the most bets. */
export function busiest(seconds: readonly SnapshotSecond[]): SnapshotSecond | undefined {
  let most: SnapshotSecond | undefined;
  for (const second of seconds) if (second.bets > (most?.bets ?? 0)) most = second;
  return most;
}

/**
 * Slices aligned to half minutes, newest first, so that a row never changes once complete; from the
 * first bets on.
 */
export function slices(history: readonly SnapshotSecond[]): RateSlice[] {
  const groups = Map.groupBy(
    history,
    ({ second }) => Math.floor(second / SLICE_SECONDS) * SLICE_SECONDS,
  );
  const rows: RateSlice[] = [];
  for (const [from, group] of groups) {
    // Its first seconds are forgotten: it would show too few bets.
    if (history.length >= HISTORY_SECONDS && group[0]!.second !== from) continue;
    const each = group.map(({ bets }) => bets);
    const bets = each.reduce((sum, value) => sum + value, 0);
    if (bets > 0 || rows.length > 0)
      rows.push({ from, bets, mean: bets / each.length, most: Math.max(...each) });
  }
  return rows.toReversed();
}
