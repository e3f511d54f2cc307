import { setTimeout as delay } from 'node:timers/promises';

const WAIT_MS = 10_000;

/** Waits for something that becomes true by itself. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await delay(1);
  }
}

/** A clock that stands still until it is told otherwise. */
export class ManualClock {
  time = 1_000;
  #looks = 0;

  readonly now = (): number => {
    this.#looks += 1;
    return this.time;
  };

  /**
   * Moves on, and waits until the deadlines of every connection (at most three) have been looked
   * at.
   */
  async advance(ms: number): Promise<void> {
    this.time += ms;
    const enough = this.#looks + 8;
    await until(() => this.#looks >= enough, 'the deadlines being looked at');
  }
}
