export interface BackOffOptions {
  readonly firstMs: number;
  readonly ceilingMs: number;
  /** Growth of each wait; 2 when not given. */
  readonly factor?: number;
  readonly random: () => number;
}

/** Growing waits up to a ceiling, give or take a quarter so that agencies spread out. */
export class BackOff {
  readonly #ceilingMs: number;
  readonly #factor: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(options: BackOffOptions) {
    this.#factor = options.factor ?? 2;
    this.#nextMs = options.firstMs;
    this.#ceilingMs = Math.max(options.ceilingMs, options.firstMs);
    this.#random = options.random;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const wait = this.#nextMs * (0.75 + this.#random() / 2);
    this.#nextMs = Math.min(this.#nextMs * this.#factor, this.#ceilingMs);
    return wait;
  }
}

/** First and longest wait before the central is tried again, in milliseconds. */
const RECONNECT_MS_FIRST = 100;
const RECONNECT_MS_MAX = 5_000;

export function reconnectBackOff(random: () => number): BackOff {
  return new BackOff({ firstMs: RECONNECT_MS_FIRST, ceilingMs: RECONNECT_MS_MAX, random });
}
