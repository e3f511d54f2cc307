/** A wake-up call between two loops. */
export class Alarm {
  #next = Promise.withResolvers<boolean>();

  ring(): void {
    this.#next.resolve(true);
  }

  /** Fulfilled when it rings, or after `limitMs`. @returns whether it has rung */
  async rings(limitMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.#next.resolve(false), limitMs);
    const isRung = await this.#next.promise;
    clearTimeout(timer);
    this.#next = Promise.withResolvers();
    return isRung;
  }
}
