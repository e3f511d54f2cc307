import type { Snapshot } from '../src/http/snapshot.ts';

/** A central that has no news says so every 15 s (`src/http/live.ts`): so much silence, in milliseconds, means that nobody is there. */
const SILENCE_MS_MAX = 20_000;
const RETRY_MS = 1_000;

export interface LiveEvents {
  readonly snapshot: (snapshot: Snapshot) => void;
  /** The stream broke, could not be opened or fell silent. It is told at each failed attempt. */
  readonly lost: () => void;
}

/**
 * The central's stream of snapshots, opened again for as long as the page is there. EventSource would do some of that by itself,
 * but gives up after an answer that is no stream (a proxy's 502 while the central restarts), waits as long as the browser likes, and
 * does not notice a peer that went away without a word.
 */
export class Live {
  readonly #address: string;
  readonly #events: LiveEvents;
  #source: EventSource | undefined;
  #timer = 0;

  constructor(address: string, events: LiveEvents) {
    this.#address = address;
    this.#events = events;
    // The device was asleep or without a network: no reason to wait out the rest of a pause.
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
