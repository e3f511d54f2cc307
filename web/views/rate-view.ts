import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setCells, setText } from '../dom.ts';
import { type RatePoint, busiest, recentRate, slices } from '../recent-rate.ts';
import type { Locale } from '../locale.ts';
import { RateChart } from './rate-chart.ts';

const place = byId('rate-chart');
const summary = byId('rate-summary');
const rows = byId('rate-rows');

let chart: RateChart | undefined;

/** Bets per second over the last minutes: a sentence, a line, and a table. */
export function showRate(snapshot: Snapshot, locale: Locale): void {
  const points = recentRate(snapshot);
  setText(summary, summaryText(points, locale));
  const texts = {
    minute: (second: number) => locale.minute(new Date(second * 1000)),
    whole: locale.whole,
  };
  // The hidden place has no width before.
  chart ??= new RateChart(place, texts);
  chart.show(points, texts);
  showSlices(points, locale);
}

function summaryText(points: readonly RatePoint[], locale: Locale): string {
  const most = busiest(points);
  if (most === undefined) return locale.texts.rateNothing;
  const all = points.reduce((sum, { bets }) => sum + (bets ?? 0), 0);
  return locale.texts.rateSummary(
    locale.whole(most.bets),
    clock(most.second, locale),
    locale.whole(all),
  );
}

function showSlices(points: readonly RatePoint[], locale: Locale): void {
  const found = slices(points);
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
