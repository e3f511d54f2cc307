import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setCells, setText } from '../dom.ts';
import { type RatePoint, busiest, recentRate, slices } from '../recent-rate.ts';
import type { Speech } from '../speech.ts';
import { RateChart } from './rate-chart.ts';

const place = byId('rate-chart');
const summary = byId('rate-summary');
const rows = byId('rate-rows');

let chart: RateChart | undefined;

/** Bets per second over the last minutes: a sentence, a line, and a table. */
export function showRate(snapshot: Snapshot, speech: Speech): void {
  const points = recentRate(snapshot);
  setText(summary, summaryText(points, speech));
  const texts = { minute: (second: number) => speech.minute(new Date(second * 1000)), whole: speech.whole };
  // Made when there is something to show: before that its place has no width.
  chart ??= new RateChart(place, texts);
  chart.show(points, texts);
  showSlices(points, speech);
}

function summaryText(points: readonly RatePoint[], speech: Speech): string {
  const most = busiest(points);
  if (most === undefined) return speech.texts.rateNothing;
  const all = points.reduce((sum, { bets }) => sum + (bets ?? 0), 0);
  return speech.texts.rateSummary(speech.whole(most.bets), clock(most.second, speech), speech.whole(all));
}

function showSlices(points: readonly RatePoint[], speech: Speech): void {
  const found = slices(points);
  while (rows.children.length > found.length) rows.lastElementChild!.remove();
  while (rows.children.length < found.length) rows.append(newRow());
  for (const [index, { from, bets, mean, most }] of found.entries()) {
    const numbers = [bets, mean, most].map(speech.whole);
    setCells(rows.children[index]!, [clock(from, speech), ...numbers]);
  }
}

function newRow(): HTMLElement {
  const row = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  row.append(head, ...['bets', 'mean', 'most'].map(() => document.createElement('td')));
  return row;
}

function clock(second: number, speech: Speech): string {
  return speech.time(new Date(second * 1000));
}
