import type { Snapshot } from '../src/http/snapshot.ts';

/** The central sends something at least every 15 s (`src/http/live.ts`). */
const SILENCE_MS_MAX = 20_000;
const RETRY_MS = 1_000;

export interface LiveEvents {
  readonly snapshot: (snapshot: Snapshot) => void;
  /** The stream failed or fell silent. Called after each failed attempt. */
  readonly lost: () => void;
}

/**
 * The central's stream of snapshots, with reconnects. EventSource alone gives up after a response
 * that is not a stream (a proxy's 502), chooses its own delays, and does not detect a dead peer.
 */
export class Live {
  readonly #address: string;
  readonly #events: LiveEvents;
  #source: EventSource | undefined;
  #timer = 0;

  constructor(address: string, events: LiveEvents) {
    this.#address = address;
    this.#events = events;
    // After sleep or without a network, do not wait for the timer.
    window.addEventListener('online', () => this.open());
  }

  open(): void {
    this.#source?.close();
    const source = new EventSource(this.#address);
    this.#source = source;
    source.addEventListener('snapshot', ({ data }: MessageEvent<string>) => {
      this.#expectWithin(SILENCE_MS_MAX);
      this.#events.snapshot(JSON.parse(data) as Snapshot);
    });
    source.addEventListener('error', () => this.#lose());
    this.#expectWithin(SILENCE_MS_MAX);
  }

  #expectWithin(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(), ms);
  }

  #lose(): void {
    this.#source?.close();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), RETRY_MS);
    this.#events.lost();
  }
}
