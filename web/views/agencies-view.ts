import type { Snapshot, SnapshotAgency } from '../../src/http/snapshot.ts';
import { byId, setCells, showText } from '../dom.ts';
import type { Speech } from '../speech.ts';

const body = byId('agencies');
const rest = byId('agencies-rest');

/** A row for each agency; rows stay when their agency does. */
export function showAgencies({ agencies, agenciesInAll }: Snapshot, speech: Speech): void {
  const more = agenciesInAll - agencies.length;
  showText(rest, more > 0 ? speech.texts.andMore(speech.whole(more)) : undefined);
  while (body.children.length > agencies.length) body.lastElementChild!.remove();
  while (body.children.length < agencies.length) body.append(newRow());
  for (const [index, agency] of agencies.entries()) {
    const row = body.children[index] as HTMLElement;
    row.dataset['connected'] = String(agency.connections > 0);
    row.dataset['finished'] = String(agency.finished);
    setCells(row, cellTexts(agency, speech));
  }
  labelCells(speech);
}

/** What stands before each value where there is no room for columns. */
function labelCells(speech: Speech): void {
  const labels = columnLabels(speech);
  for (const row of body.children) {
    if (row.lastElementChild!.getAttribute('data-label') === labels.at(-1)) continue;
    for (const [column, label] of labels.entries()) row.children[column]!.setAttribute('data-label', label);
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

function columnLabels({ texts }: Speech): string[] {
  const { agency, connected, bets, betsPerSecond, refused, finishedColumn, winners } = texts;
  return [agency, connected, bets, betsPerSecond, refused, finishedColumn, winners];
}

function cellTexts(agency: SnapshotAgency, speech: Speech): string[] {
  const { texts } = speech;
  return [
    String(agency.id),
    connectedText(agency.connections, speech),
    speech.whole(agency.bets),
    speech.whole(agency.betsPerSecond),
    speech.whole(agency.refused),
    agency.finished ? texts.yes : texts.no,
    agency.winners === undefined ? texts.none : speech.whole(agency.winners),
  ];
}

function connectedText(connections: number, speech: Speech): string {
  const { no, yes, yesTimes } = speech.texts;
  if (connections === 0) return no;
  return connections === 1 ? yes : yesTimes(speech.whole(connections));
}
