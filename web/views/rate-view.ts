import type { Snapshot, SnapshotSecond } from '../../src/http/snapshot.ts';
import { byId, setCells, setText } from '../dom.ts';
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
  const texts = {
    time: (second: number) => clock(second, locale),
    minute: (second: number) => locale.minute(new Date(second * 1000)),
    whole: locale.whole,
  };
  // The hidden place has no width before.
  chart ??= new RateChart(place, texts);
  chart.show(seconds, texts);
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
    from: clock(seconds[0]!.second, locale),
    to: clock(seconds.at(-1)!.second + 1, locale),
    bets: locale.whole(seconds.reduce((sum, { bets }) => sum + bets, 0)),
    most: locale.whole(most.bets),
    at: clock(most.second, locale),
  });
}

function showSlices(history: readonly SnapshotSecond[], locale: Locale): void {
  const found = slices(history);
  while (rows.children.length > found.length) rows.lastElementChild!.remove();
  while (rows.children.length < found.length) rows.append(newRow());
  for (const [index, { from, bets, mean, most }] of found.entries()) {
    const numbers = [bets, mean, most].map(locale.whole);
    setCells(rows.children[index]!, [clock(from, locale), ...numbers]);
  }
}

function newRow(): HTMLElement {
  const row = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  row.append(head, ...['bets', 'mean', 'most'].map(() => document.createElement('td')));
  return row;
}

function clock(second: number, locale: Locale): string {
  return locale.time(new Date(second * 1000));
}
