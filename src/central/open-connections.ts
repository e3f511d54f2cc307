/** What the count of connections and of their bytes must know of one. */
export interface Holder {
  /** Bytes that are held in memory for its peer: not taken yet, or said and not read. */
  readonly bufferedBytes: number;
  /** Lets go of all of them: the connection is cut. */
  cutForRoom(): void;
}

/**
 * The connections of all listeners of a central. No single one can hold much, by its own limits; together they have a ceiling,
 * and who holds most makes room for the others.
 */
export class OpenConnections {
  readonly #bufferedBytesMax: number;
  readonly #holders = new Map<Holder, number>();
  #bufferedBytes = 0;

  constructor(limits: { readonly bufferedBytesMax: number }) {
    this.#bufferedBytesMax = limits.bufferedBytesMax;
  }

  get count(): number {
    return this.#holders.size;
  }

  add(holder: Holder): void {
    this.#holders.set(holder, 0);
  }

  delete(holder: Holder): void {
    this.#bufferedBytes -= this.#holders.get(holder) ?? 0;
    this.#holders.delete(holder);
  }

  /** Called when a connection may hold more than it did, or less. */
  note(holder: Holder): void {
    const before = this.#holders.get(holder);
    if (before === undefined) return;
    const { bufferedBytes } = holder;
    this.#bufferedBytes += bufferedBytes - before;
    this.#holders.set(holder, bufferedBytes);
    if (this.#bufferedBytes > this.#bufferedBytesMax) this.#makeRoom();
  }

  #makeRoom(): void {
    const byBytes = [...this.#holders].toSorted(([, some], [, others]) => others - some);
    for (const [holder] of byBytes) {
      if (this.#bufferedBytes <= this.#bufferedBytesMax) return;
      this.delete(holder);
      holder.cutForRoom();
    }
  }
}
