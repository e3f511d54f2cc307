import type { Snapshot, SnapshotAgency } from '../../src/http/snapshot.ts';
import { byId, setCells, showText } from '../dom.ts';
import type { Locale } from '../locale.ts';

const body = byId('agencies');
const rest = byId('agencies-rest');

/** One row per agency. */
export function showAgencies({ agencies, agenciesInAll }: Snapshot, locale: Locale): void {
  const more = agenciesInAll - agencies.length;
  showText(rest, more > 0 ? locale.texts.andMore(locale.whole(more)) : undefined);
  while (body.children.length > agencies.length) body.lastElementChild!.remove();
  while (body.children.length < agencies.length) body.append(newRow());
  for (const [index, agency] of agencies.entries()) {
    const row = body.children[index] as HTMLElement;
    row.dataset['connected'] = String(agency.connections > 0);
    row.dataset['finished'] = String(agency.finished);
    setCells(row, cellTexts(agency, locale));
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

function newRow(): HTMLElement {
  const row = document.createElement('tr');
  row.setAttribute('role', 'row');
  const head = document.createElement('th');
  head.scope = 'row';
  head.setAttribute('role', 'rowheader');
  row.append(head);
  for (let column = 1; column < 7; column += 1) {
    const cell = document.createElement('td');
    cell.setAttribute('role', 'cell');
    row.append(cell);
  }
  return row;
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
