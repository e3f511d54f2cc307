import type { Direction, TimelineEntry, TimelineEvidence, Text } from './finding.ts';
import type { LinkEvent } from './proxy-control.ts';

const BYTES_SHOWN_MAX = 48;
/** Bytes shown before the position of a note. */
const BYTES_BEFORE = 8;
const ENTRIES_MAX = 12;

/** Bytes of one direction with none of the other in between. */
export interface Turn {
  readonly direction: Direction;
  readonly byteCount: number;
  /** The events that carry its bytes. */
  readonly events: readonly LinkEvent[];
}

/** The turns of one connection, in the order in which the proxy received their bytes. */
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

/** The connections of a client, in order of opening. */
export function connectionsOf(events: readonly LinkEvent[], client: number): number[] {
  return events
    .filter(event => event.kind === 'open' && event.client === client)
    .map(event => event.connection);
}

/** The turns from a client to the server, on all of its connections. */
export function upTurnsOf(events: readonly LinkEvent[], client: number): Turn[] {
  return connectionsOf(events, client)
    .flatMap(connection => turnsOf(events, connection))
    .filter(({ direction }) => direction === 'up');
}

export interface Occurrence {
  readonly client: number;
  readonly connection: number;
  readonly event: LinkEvent;
  /** Of the needle in the bytes of the event. */
  readonly offset: number;
}

/** Finds bytes in one direction of a client's connections, also across chunks. */
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
  /** The event of the finding. */
  readonly event: LinkEvent;
  /** Position in its bytes; default: 0. */
  readonly offset?: number;
  readonly note: Text;
}

/** A document in the encodings that programs use: text, and integers of 4 bytes. */
export function encodings(document: string): [Text, Uint8Array][] {
  const number = BigInt(document);
  const integer = (size: 4 | 8, isLittle: boolean): Uint8Array => {
    const bytes = Buffer.alloc(8);
    if (isLittle) bytes.writeBigUInt64LE(number);
    else bytes.writeBigUInt64BE(number);
    return isLittle ? bytes.subarray(0, size) : bytes.subarray(8 - size);
  };
  // An integer of eight bytes contains that of four.
  return [
    [{ es: 'como texto', en: 'as text' }, Buffer.from(document)],
    [{ es: 'como entero big-endian', en: 'as a big-endian integer' }, integer(4, false)],
    [{ es: 'como entero little-endian', en: 'as a little-endian integer' }, integer(4, true)],
  ];
}

/** An excerpt around one event of its connection. */
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

/** The last events of some clients, as evidence of something that is missing. */
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

/** As UTF-8 text, with `·` for what is unprintable. */
function readable(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]|\ufffd/gu, '·');
}
