const EMPTY = new Uint8Array(0);

/**
 * The bytes of a stream that have arrived and are not consumed yet, readable in one piece. Frames are handled where
 * they lie: only what is left over of a chunk is ever copied, and each byte a bounded number of times, however small
 * the chunks are.
 */
export class ByteQueue {
  #bytes: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  /** Whether `#bytes` is this queue's own and may be written behind `#end`. */
  #own = false;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds bytes at the end. Views that were taken before are not valid any more. */
  push(chunk: Uint8Array): void {
    const left = this.length;
    if (left === 0) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#own = false;
      return;
    }
    this.#makeRoom(left, chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #makeRoom(left: number, more: number): void {
    if (this.#own && this.#end + more <= this.#bytes.length) return;
    const waiting = this.#bytes.subarray(this.#start, this.#end);
    if (this.#own && left + more <= this.#bytes.length / 2) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    } else {
      // Twice what is left makes many small chunks cheap; a large one needs no more than itself.
      this.#bytes = new Uint8Array(Math.max(left * 2, left + more));
      this.#bytes.set(waiting);
      this.#own = true;
    }
    this.#start = 0;
    this.#end = left;
  }

  byteAt(offset: number): number {
    return this.#bytes[this.#start + offset]!;
  }

  /** The big-endian `u32` at `offset`. */
  u32At(offset: number): number {
    const bytes = this.#bytes;
    const at = this.#start + offset;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** Consumes `length` bytes and returns a view of those behind the first `skip`, valid until the next `push`. */
  take(length: number, skip = 0): Uint8Array {
    const view = this.#bytes.subarray(this.#start + skip, this.#start + length);
    this.#start += length;
    return view;
  }
}
