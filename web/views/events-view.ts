import type { Snapshot, SnapshotEvent } from '../../src/http/snapshot.ts';
import { byId, setText } from '../dom.ts';
import type { Speech } from '../speech.ts';

const list = byId('events');
const none = byId('no-events');

/** The list is renewed when it has become another one. */
let shown = '';

/** What happened last, newest first. */
export function showEvents({ startedAt, events }: Snapshot, speech: Speech): void {
  // What happens again moves up and keeps its number.
  const newest = `${speech.language} ${startedAt} ${JSON.stringify(events[0])}`;
  if (newest === shown) return;
  shown = newest;
  list.hidden = events.length === 0;
  none.hidden = events.length > 0;
  list.replaceChildren(...events.map(event => item(event, speech)));
}

function item({ time, kind, params }: SnapshotEvent, speech: Speech): HTMLElement {
  const row = document.createElement('li');
  const clock = document.createElement('time');
  clock.dateTime = time;
  setText(clock, speech.time(new Date(time)));
  const text = document.createElement('span');
  setText(text, speech.event(kind, params));
  row.append(clock, text);
  return row;
}
