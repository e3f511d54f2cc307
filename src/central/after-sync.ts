/** Told when the store has settled something: without an error when it is durable. */
export type Settled = (error?: unknown) => void;

/**
 * Tells in the order of the calls what the store has made durable. A store gives everybody whose batch is in one group the
 * same promise: to wait for it once, and not once for each batch, is a good part of what a batch costs.
 */
export class AfterSync {
  #durable: Promise<void> | undefined;
  #waiting: Settled[] = [];
  readonly #onTold: () => void;

  /** @param onTold called when everybody of a group has been told */
  constructor(onTold: () => void) {
    this.#onTold = onTold;
  }

  follow(durable: Promise<void>, settled: Settled): void {
    if (durable !== this.#durable) this.#waitFor(durable);
    this.#waiting.push(settled);
  }

  #waitFor(durable: Promise<void>): void {
    const waiting: Settled[] = [];
    this.#durable = durable;
    this.#waiting = waiting;
    const tell = (error?: unknown): void => {
      if (this.#durable === durable) this.#durable = undefined;
      for (const settled of waiting) settled(error);
      this.#onTold();
    };
    durable.then(() => tell(), tell);
  }
}
