import type { Direction, TimelineEntry, TimelineEvidence, Text } from './finding.ts';
import type { LinkEvent } from './proxy-control.ts';

const BYTES_SHOWN_MAX = 48;
/** Bytes that are shown before the place that a note is about. */
const BYTES_BEFORE = 8;
const ENTRIES_MAX = 12;

/** What one side says before the other one says something. */
export interface Turn {
  readonly direction: Direction;
  readonly byteCount: number;
  /** The events with its bytes. */
  readonly events: readonly LinkEvent[];
}

/**
 * The turns of one connection. Bytes that cross on the way are cut where the proxy received them.
 */
export function turnsOf(events: readonly LinkEvent[], connection: number): Turn[] {
  const turns: { direction: Direction; byteCount: number; events: LinkEvent[] }[] = [];
  for (const event of events) {
    if (event.connection !== connection || event.kind !== 'data') continue;
    const direction = event.direction!;
    let turn = turns.at(-1);
    if (turn?.direction !== direction) {
      turn = { direction, byteCount: 0, events: [] };
      turns.push(turn);
    }
    turn.byteCount += event.bytes!.length;
    turn.events.push(event);
  }
  return turns;
}

/** The connections of a client, in the order in which it has opened them. */
export function connectionsOf(events: readonly LinkEvent[], client: number): number[] {
  return events
    .filter(event => event.kind === 'open' && event.client === client)
    .map(event => event.connection);
}

/** What the client says on all of its connections, turn by turn. */
export function upTurnsOf(events: readonly LinkEvent[], client: number): Turn[] {
  return connectionsOf(events, client)
    .flatMap(connection => turnsOf(events, connection))
    .filter(({ direction }) => direction === 'up');
}

export interface Occurrence {
  readonly client: number;
  readonly connection: number;
  readonly event: LinkEvent;
  /** In the bytes of the event where the needle begins, or would have begun. */
  readonly offset: number;
}

/** Occurrences of bytes in the stream to a client, also across chunks. */
export function occurrences(
  events: readonly LinkEvent[],
  { client, direction }: { readonly client: number; readonly direction: Direction },
  needle: Uint8Array,
): Occurrence[] {
  return connectionsOf(events, client).flatMap(connection => {
    const said = events.filter(
      event =>
        event.kind === 'data' && event.connection === connection && event.direction === direction,
    );
    const all = Buffer.concat(said.map(event => event.bytes!));
    const found: Occurrence[] = [];
    for (let at = all.indexOf(needle); at >= 0; at = all.indexOf(needle, at + 1)) {
      let rest = at;
      const event = said.find(({ bytes }) => {
        if (rest < bytes!.length) return true;
        rest -= bytes!.length;
        return false;
      })!;
      found.push({ client, connection, event, offset: rest });
    }
    return found;
  });
}

interface Focus {
  readonly title: Text;
  /** The event that the finding is about. */
  readonly event: LinkEvent;
  /** The place in its bytes; the beginning when not given. */
  readonly offset?: number;
  readonly note: Text;
}

/** A document as text and as an integer, as programs write it. */
export function encodings(document: string): [Text, Uint8Array][] {
  const number = BigInt(document);
  const integer = (size: 4 | 8, isLittle: boolean): Uint8Array => {
    const bytes = Buffer.alloc(8);
    if (isLittle) bytes.writeBigUInt64LE(number);
    else bytes.writeBigUInt64BE(number);
    return isLittle ? bytes.subarray(0, size) : bytes.subarray(8 - size);
  };
  // The eight bytes of an integer hold its four: these are found in either.
  return [
    [{ es: 'como texto', en: 'as text' }, Buffer.from(document)],
    [{ es: 'como entero big-endian', en: 'as a big-endian integer' }, integer(4, false)],
    [{ es: 'como entero little-endian', en: 'as a little-endian integer' }, integer(4, true)],
  ];
}

/** The surroundings of one event on its connection, cut to what a person can read. */
export function focusOn(
  events: readonly LinkEvent[],
  { title, event, offset = 0, note }: Focus,
): TimelineEvidence {
  const own = events.filter(({ connection }) => connection === event.connection);
  const index = own.indexOf(event);
  const first = Math.max(0, index - ENTRIES_MAX / 2);
  const shown = own.slice(first, first + ENTRIES_MAX);
  const entries = shown.map(each =>
    each === event ? { ...entryOf(each, offset), note } : entryOf(each),
  );
  const before = own.slice(0, first);
  const after = own.slice(first + ENTRIES_MAX);
  return { kind: 'timeline', title, entries: [...omitted(before), ...entries, ...omitted(after)] };
}

/** The last events of some clients, for a finding about something that does not come. */
export function lastEvents(
  events: readonly LinkEvent[],
  clients: readonly number[],
  title: Text,
): TimelineEvidence {
  const own = events.filter(({ client }) => clients.includes(client));
  const before = own.slice(0, -ENTRIES_MAX);
  return {
    kind: 'timeline',
    title,
    entries: [...omitted(before), ...own.slice(-ENTRIES_MAX).map(event => entryOf(event))],
  };
}

function omitted(events: readonly LinkEvent[]): TimelineEntry[] {
  const last = events.at(-1);
  if (last === undefined) return [];
  const byteCount = events.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  const { atMs, connection, client } = last;
  return [{ kind: 'omitted', atMs, connection, client, byteCount, entryCount: events.length }];
}

function entryOf({ bytes, ...event }: LinkEvent, offset = 0): TimelineEntry {
  if (bytes === undefined) return event;
  const shownFrom = Math.max(0, offset - BYTES_BEFORE);
  const shown = bytes.subarray(shownFrom, shownFrom + BYTES_SHOWN_MAX);
  return {
    ...event,
    byteCount: bytes.length,
    hex: Buffer.from(shown)
      .toString('hex')
      .replace(/..(?!$)/g, '$& '),
    text: readable(shown),
    ...(shownFrom > 0 ? { shownFrom } : {}),
  };
}

/** Letters as they are, also those of several bytes; `·` for every other byte. */
function readable(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]|\ufffd/gu, '·');
}
