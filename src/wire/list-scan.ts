import type { ByteQueue } from './byte-queue.ts';
import { WireError } from './refusal.ts';

/** The items of a list. */
export interface ItemShape {
  readonly bytesMin: number;
  /**
   * The place after the item that begins at `at`. While the lengths in it are incomplete: the least
   * that it can be, which is beyond the end of the queue.
   *
   * @throws WireError when there is no such item
   */
  end(queue: ByteQueue, at: number): number;
}

/**
 * Finds the end of a list in a message without a length. The scan resumes where it stopped: it
 * passes each item once, however small the chunks are.
 */
export class ListScan {
  readonly #shape: ItemShape;
  readonly #bytesMax: number;
  #at: number;
  #left: number;

  /**
   * @param start place of the first item in the queue; the message begins at 0
   * @param bytesMax longest message, in bytes
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
   * @throws WireError `payload-too-large` as soon as it must exceed the limit; what the shape throws
   */
  lengthIn(queue: ByteQueue): number | undefined {
    for (; this.#left > 0; this.#left -= 1) {
      const end = this.#shape.end(queue, this.#at);
      const least = end + (this.#left - 1) * this.#shape.bytesMin;
      if (least > this.#bytesMax) {
        const detail = `a list of at least ${least} bytes, at most ${this.#bytesMax} are taken`;
        throw new WireError('payload-too-large', detail);
      }
      if (queue.length < end) return undefined;
      this.#at = end;
    }
    return this.#at;
  }
}
