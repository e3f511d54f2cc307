/** One loop waits for what another one has for it. */
export class Alarm {
  #next = Promise.withResolvers<boolean>();

  ring(): void {
    this.#next.resolve(true);
  }

  /** Fulfilled when it was rung since the last time, or after a while. @returns whether it was rung */
  async rings(limitMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.#next.resolve(false), limitMs);
    const isRung = await this.#next.promise;
    clearTimeout(timer);
    this.#next = Promise.withResolvers();
    return isRung;
  }
}
