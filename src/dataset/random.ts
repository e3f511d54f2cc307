/** The sfc32 generator: the same seed gives the same numbers on every machine. */
export class SeededRandom {
  #a: number;
  #b = 0x9e37_79b9;
  #c = 0x2437_54b7;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    // The first numbers of similar seeds are similar.
    for (let round = 0; round < 15; round += 1) this.next();
  }

  /** An integer from 0 to 2³² - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** An integer from `min` to `max`, inclusive. */
  between(min: number, max: number): number {
    return min + (this.next() % (max - min + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.next() % items.length]!;
  }
}
