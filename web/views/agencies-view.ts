import type { Snapshot, SnapshotAgency } from '../../src/http/snapshot.ts';
import { byId, setRows, showText } from '../dom.ts';
import type { Locale } from '../locale.ts';

const body = byId('agencies');
const rest = byId('agencies-rest');

/** One row per agency. */
export function showAgencies({ agencies, agenciesInAll }: Snapshot, locale: Locale): void {
  const more = agenciesInAll - agencies.length;
  showText(rest, more > 0 ? locale.texts.andMore(locale.whole(more)) : undefined);
  const rows = agencies.map(agency => cellTexts(agency, locale));
  setRows(body, rows);
  for (const [index, { connections, finished }] of agencies.entries()) {
    const row = body.children[index] as HTMLElement;
    row.dataset['connected'] = String(connections > 0);
    row.dataset['finished'] = String(finished);
  }
  labelCells(locale);
}

/** Labels of the values on narrow screens. */
function labelCells(locale: Locale): void {
  const labels = columnLabels(locale);
  for (const row of body.children) {
    if (row.lastElementChild!.getAttribute('data-label') === labels.at(-1)) continue;
    for (const [column, label] of labels.entries())
      row.children[column]!.setAttribute('data-label', label);
  }
}

function columnLabels({ texts }: Locale): string[] {
  const { agency, connected, bets, betsPerSecond, refused, finishedColumn, winners } = texts;
  return [agency, connected, bets, betsPerSecond, refused, finishedColumn, winners];
}

function cellTexts(agency: SnapshotAgency, locale: Locale): string[] {
  const { texts } = locale;
  return [
    String(agency.id),
    connectedText(agency.connections, locale),
    locale.whole(agency.bets),
    locale.whole(agency.betsPerSecond),
    locale.whole(agency.refused),
    agency.finished ? texts.yes : texts.no,
    agency.winners === undefined ? texts.none : locale.whole(agency.winners),
  ];
}

function connectedText(connections: number, locale: Locale): string {
  const { no, yes, yesTimes } = locale.texts;
  if (connections === 0) return no;
  return connections === 1 ? yes : yesTimes(locale.whole(connections));
}
