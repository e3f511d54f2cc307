import type { Snapshot, SnapshotSecond } from '../../src/http/snapshot.ts';
import { byId, setRows, setText } from '../dom.ts';
import { busiest, recentRate, slices } from '../recent-rate.ts';
import type { Locale } from '../locale.ts';
import { RateChart } from './rate-chart.ts';

const section = byId('rate');
const place = byId('rate-chart');
const summary = byId('rate-summary');
const table = byId('rate-table');
const rows = byId('rate-rows');

let chart: RateChart | undefined;

/** Bets per second over the last minutes: a sentence, a line, and a table. */
export function showRate({ history, acta }: Snapshot, locale: Locale): void {
  const seconds = recentRate(history);
  const most = busiest(seconds);
  // None are to come after the close.
  section.hidden = seconds.length === 0 || (acta !== undefined && most === undefined);
  if (section.hidden) return;
  setText(summary, summaryText(seconds, most, locale));
  // The hidden place has no width before.
  chart ??= new RateChart(place, locale);
  chart.show(seconds, locale);
  table.hidden = most === undefined;
  showSlices(history, locale);
}

function summaryText(
  seconds: readonly SnapshotSecond[],
  most: SnapshotSecond | undefined,
  locale: Locale,
): string {
  if (most === undefined) return locale.texts.rateNothing;
  return locale.texts.rateSummary({
    from: locale.time(seconds[0]!.second * 1000),
    to: locale.time((seconds.at(-1)!.second + 1) * 1000),
    bets: locale.whole(seconds.reduce((sum, { bets }) => sum + bets, 0)),
    most: locale.whole(most.bets),
    at: locale.time(most.second * 1000),
  });
}

function showSlices(history: readonly SnapshotSecond[], locale: Locale): void {
  const texts = slices(history).map(({ from, bets, mean, most }) => [
    locale.time(from * 1000),
    ...[bets, mean, most].map(locale.whole),
  ]);
  setRows(rows, texts);
}
