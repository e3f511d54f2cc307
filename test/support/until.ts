import { setTimeout as delay } from 'node:timers/promises';

const WAIT_MS = 10_000;

/** Polls until a condition holds. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await delay(1);
  }
}

/** A clock that only tests advance. */
export class ManualClock {
  time = 1_000;
  #looks = 0;

  readonly now = (): number => {
    this.#looks += 1;
    return this.time;
  };

  /** Advances, and waits until the deadlines of all connections (at most three) were checked. */
  async advance(ms: number): Promise<void> {
    this.time += ms;
    const enough = this.#looks + 8;
    await until(() => this.#looks >= enough, 'the deadlines being looked at');
  }
}
