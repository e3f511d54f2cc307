import type { ByteQueue } from './byte-queue.ts';
import { WireError } from './refusal.ts';

/** What a list consists of. */
export interface ItemShape {
  readonly bytesMin: number;
  /**
   * The place behind the item at `at`. While not everything is there that says how long it is: the least that it can be, which
   * is behind what is there.
   *
   * @throws WireError when there is no such item
   */
  end(queue: ByteQueue, at: number): number;
}

/**
 * Finds the end of a message that is a list, where no length says it: each item tells where it ends itself. The scan goes on
 * where it has stopped, so that an item is passed once, however small the pieces are in which the list arrives.
 */
export class ListScan {
  readonly #shape: ItemShape;
  readonly #bytesMax: number;
  #at: number;
  #left: number;

  /**
   * @param start place of the first item in the queue, which the message begins
   * @param bytesMax longest message, in bytes, with what comes before the first item
   */
  constructor(shape: ItemShape, start: number, count: number, bytesMax: number) {
    this.#shape = shape;
    this.#at = start;
    this.#left = count;
    this.#bytesMax = bytesMax;
  }

  /**
   * The length of the message; undefined until all of it is there.
   *
   * @throws WireError `payload-too-large` as soon as it can only become too long; what the shape throws
   */
  lengthIn(queue: ByteQueue): number | undefined {
    while (this.#left > 0) {
      const end = this.#shape.end(queue, this.#at);
      this.#bound(end + (this.#left - 1) * this.#shape.bytesMin);
      if (queue.length < end) return undefined;
      this.#at = end;
      this.#left -= 1;
    }
    return this.#at;
  }

  #bound(leastBytes: number): void {
    if (leastBytes <= this.#bytesMax) return;
    throw new WireError(
      'payload-too-large',
      `a list of at least ${leastBytes} bytes, at most ${this.#bytesMax} are taken`,
    );
  }
}
