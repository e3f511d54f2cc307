import type { ServerResponse } from 'node:http';
import type { Snapshot } from './snapshot.ts';

/** Pages that are open at the same time. */
export const LIVE_READERS_MAX = 64;

/** A reader is told something at least this often, so that it and everything in between know that the server is there. */
const HEARTBEAT_MS = 15_000;

/** How long a reader may leave unread what was sent to it. */
const UNREAD_MS = 10_000;

/** How soon a page comes back after the server has gone. */
const RETRY_MS = 1000;

interface Reader {
  readonly response: ServerResponse;
  /** What it was told last, and when. */
  told: string;
  toldAtMs: number;
  /** Since when it has not read what was sent. */
  unreadSinceMs: number | undefined;
}

/**
 * The pages that are open, each at the end of a stream of server-sent events. Whoever does not read is passed over, so that no
 * more than one snapshot waits for it, and dropped when that takes too long: nobody waits for a reader.
 */
export class Live {
  readonly #snapshot: () => Snapshot;
  readonly #now: () => number;
  readonly #readers = new Set<Reader>();

  /** @param now milliseconds of a clock that only goes forward */
  constructor(snapshot: () => Snapshot, now: () => number) {
    this.#snapshot = snapshot;
    this.#now = now;
  }

  get readers(): number {
    return this.#readers.size;
  }

  get full(): boolean {
    return this.#readers.size >= LIVE_READERS_MAX;
  }

  /** Takes over a response whose head has been written, and sends it the first snapshot. */
  add(response: ServerResponse): void {
    const reader: Reader = { response, told: '', toldAtMs: 0, unreadSinceMs: undefined };
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
    response.on('error', () => this.#readers.delete(reader));
    response.write(`retry: ${RETRY_MS}\n\n`);
    const snapshot = this.#snapshot();
    this.#tell(reader, essenceOf(snapshot), eventOf(snapshot));
  }

  /** Tells everybody what has changed. Called every second. */
  tick(): void {
    if (this.#readers.size === 0) return;
    const snapshot = this.#snapshot();
    const essence = essenceOf(snapshot);
    const event = eventOf(snapshot);
    for (const reader of this.#readers) {
      if (this.#isBehind(reader)) continue;
      const quiet = reader.told === essence && this.#now() - reader.toldAtMs < HEARTBEAT_MS;
      if (!quiet) this.#tell(reader, essence, event);
    }
  }

  /** Says the last word to everybody. */
  end(): void {
    const event = eventOf(this.#snapshot());
    for (const { response } of this.#readers) response.end(event);
  }

  #tell(reader: Reader, essence: string, event: string): void {
    reader.told = essence;
    reader.toldAtMs = this.#now();
    reader.response.write(event);
  }

  /** Whether a reader has something unread; one that has had it for too long is dropped. */
  #isBehind(reader: Reader): boolean {
    if (reader.response.writableLength === 0) {
      reader.unreadSinceMs = undefined;
      return false;
    }
    reader.unreadSinceMs ??= this.#now();
    if (this.#now() - reader.unreadSinceMs >= UNREAD_MS) reader.response.destroy();
    return true;
  }
}

function eventOf(snapshot: Snapshot): string {
  return `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`;
}

/** What has to change to be worth telling: time passes, and others write to the disk as well. */
function essenceOf(snapshot: Snapshot): string {
  return JSON.stringify({ ...snapshot, time: undefined, history: undefined, disk: undefined });
}
