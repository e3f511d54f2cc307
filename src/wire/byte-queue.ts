const EMPTY = new Uint8Array(0);

/** Capacity that an empty queue retains: two of the longest frames of an agency. */
const RETAINED_BYTES_MAX = 16 * 1024;

/**
 * The bytes of a stream that have arrived and are not consumed. A message that lies whole in the
 * last chunk is read in place. Only what a chunk border splits is copied in front of the next
 * chunk, each byte a bounded number of times however small the chunks are.
 *
 *     #head:  … │start  not consumed  end│ free │    #chunk:  … │at  not consumed │
 */
export class ByteQueue {
  /** Bytes from before the chunk. */
  #head: Uint8Array = EMPTY;
  #headStart = 0;
  #headEnd = 0;
  #chunk: Uint8Array = EMPTY;
  #chunkAt = 0;

  get length(): number {
    return this.#headEnd - this.#headStart + this.#chunk.length - this.#chunkAt;
  }

  push(chunk: Uint8Array): void {
    this.detach();
    this.#chunk = chunk;
    this.#chunkAt = 0;
  }

  /** Copies what is left of the chunk, so that a few bytes do not keep all of it in memory. */
  detach(): void {
    this.#moveToHead(this.#chunk.length - this.#chunkAt);
    this.#chunk = EMPTY;
    this.#chunkAt = 0;
  }

  byteAt(offset: number): number {
    const headLength = this.#headEnd - this.#headStart;
    return offset < headLength
      ? this.#head[this.#headStart + offset]!
      : this.#chunk[this.#chunkAt + offset - headLength]!;
  }

  /** The big-endian `u16` at `offset`. */
  u16At(offset: number): number {
    return (this.byteAt(offset) << 8) | this.byteAt(offset + 1);
  }

  /** The big-endian `u32` at `offset`. */
  u32At(offset: number): number {
    return ((this.u16At(offset) << 16) | this.u16At(offset + 2)) >>> 0;
  }

  /** Consumes `length` bytes; returns a view without the first `skip`, valid until the next call. */
  take(length: number, skip = 0): Uint8Array {
    const headLength = this.#headEnd - this.#headStart;
    if (headLength === 0) {
      this.#chunkAt += length;
      return this.#chunk.subarray(this.#chunkAt - length + skip, this.#chunkAt);
    }
    if (length > headLength) this.#moveToHead(length - headLength);
    const start = this.#headStart;
    const view = this.#head.subarray(start + skip, start + length);
    this.#headStart += length;
    if (this.#headStart === this.#headEnd) this.#clearHead();
    return view;
  }

  #moveToHead(count: number): void {
    if (count === 0) return;
    this.#makeRoom(count);
    this.#head.set(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + count), this.#headEnd);
    this.#headEnd += count;
    this.#chunkAt += count;
  }

  #clearHead(): void {
    this.#headStart = 0;
    this.#headEnd = 0;
    if (this.#head.length > RETAINED_BYTES_MAX) this.#head = EMPTY;
  }

  #makeRoom(more: number): void {
    if (this.#headEnd + more <= this.#head.length) return;
    const left = this.#headEnd - this.#headStart;
    if (left + more <= this.#head.length / 2) {
      this.#head.copyWithin(0, this.#headStart, this.#headEnd);
    } else {
      // Doubling bounds the copies per byte.
      const grown = new Uint8Array(Math.max(left * 2, left + more));
      grown.set(this.#head.subarray(this.#headStart, this.#headEnd));
      this.#head = grown;
    }
    this.#headStart = 0;
    this.#headEnd = left;
  }
}
