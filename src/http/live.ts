import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HEARTBEAT_MS, LIVE_READERS_MAX, UNREAD_MS } from './limits.ts';
import type { Snapshot } from './snapshot.ts';

/** Delay of a page's reconnect. */
const RETRY_MS = 1000;

interface Reader {
  readonly response: ServerResponse;
  /** The last snapshot sent, and when. */
  sent: string;
  sentAtMs: number;
  /** When its unread bytes were first noticed. */
  unreadSinceMs: number | undefined;
}

/**
 * Server-sent events to the open pages. A slow reader is skipped, so that at most one snapshot is
 * buffered for it, and disconnected after UNREAD_MS.
 */
export class Live {
  readonly #snapshot: () => Snapshot;
  readonly #now: () => number;
  readonly #readers = new Set<Reader>();

  constructor(snapshot: () => Snapshot, now: () => number) {
    this.#snapshot = snapshot;
    this.#now = now;
  }

  get full(): boolean {
    return this.#readers.size >= LIVE_READERS_MAX;
  }

  isStream(socket: Socket): boolean {
    return this.#readers.values().some(({ response }) => response.socket === socket);
  }

  /** Takes over a response whose head was written, and sends the first snapshot. */
  add(response: ServerResponse): void {
    const reader: Reader = { response, sent: '', sentAtMs: 0, unreadSinceMs: undefined };
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
    response.on('error', () => this.#readers.delete(reader));
    response.write(`retry: ${RETRY_MS}\n\n`);
    const snapshot = this.#snapshot();
    this.#send(reader, essenceOf(snapshot), eventOf(snapshot));
  }

  /** Sends changes to every reader. Called every second. */
  tick(): void {
    if (this.#readers.size === 0) return;
    const snapshot = this.#snapshot();
    const essence = essenceOf(snapshot);
    const event = eventOf(snapshot);
    for (const reader of this.#readers) {
      if (this.#isBehind(reader)) continue;
      const quiet = reader.sent === essence && this.#now() - reader.sentAtMs < HEARTBEAT_MS;
      if (!quiet) this.#send(reader, essence, event);
    }
  }

  /** Sends the last snapshot to every reader, and ends the streams. */
  end(): void {
    const event = eventOf(this.#snapshot());
    for (const { response } of this.#readers) response.end(event);
  }

  #send(reader: Reader, essence: string, event: string): void {
    reader.sent = essence;
    reader.sentAtMs = this.#now();
    reader.response.write(event);
  }

  /** Whether a reader has unread bytes; disconnects one that has had them for too long. */
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

/** The part of a snapshot whose change is worth an event. */
function essenceOf(snapshot: Snapshot): string {
  // The page counts down to a draw.
  const time = snapshot.acta?.drawAt === undefined ? undefined : snapshot.time;
  return JSON.stringify({ ...snapshot, time, history: undefined, disk: undefined });
}
