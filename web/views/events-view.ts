import type { Snapshot, SnapshotEvent } from '../../src/http/snapshot.ts';
import { byId, setText } from '../dom.ts';
import type { Locale } from '../locale.ts';

/** The others are shown on request. */
const NEWEST = 8;

const list = byId('events');
const older = byId('older-events');
const olderList = byId('older-events-list');
const none = byId('no-events');

/** Identifies the rendered list. */
let shown = '';

/** The last events, newest first. */
export function showEvents({ startedAt, events }: Snapshot, locale: Locale): void {
  // A repeated event moves up and keeps its number.
  const newest = `${locale.language} ${startedAt} ${JSON.stringify(events[0])}`;
  if (newest === shown) return;
  shown = newest;
  list.hidden = events.length === 0;
  none.hidden = events.length > 0;
  older.hidden = events.length <= NEWEST;
  const items = events.map(event => item(event, locale));
  list.replaceChildren(...items.slice(0, NEWEST));
  olderList.replaceChildren(...items.slice(NEWEST));
}

function item({ time, kind, params }: SnapshotEvent, locale: Locale): HTMLElement {
  const row = document.createElement('li');
  const clock = document.createElement('time');
  clock.dateTime = time;
  setText(clock, locale.time(new Date(time)));
  const text = document.createElement('span');
  setText(text, locale.event(kind, params));
  row.append(clock, text);
  return row;
}
