const EMPTY = new Uint8Array(0);

/** What a queue that is empty keeps for the next bytes that are cut: room for two of the longest frames of an agency. */
const KEPT_BYTES_MAX = 16 * 1024;

/**
 * The bytes of a stream that have arrived and are not consumed yet. What lies whole in the last chunk is handled where it
 * lies. Only what is cut by the border of a chunk is copied, in front of what follows; each byte a bounded number of times,
 * however small the chunks are.
 *
 *     #head:  … │start  not consumed  end│ room │    #chunk:  … │at  not consumed │
 */
export class ByteQueue {
  /** Bytes that came before those of the chunk. */
  #head: Uint8Array = EMPTY;
  #headStart = 0;
  #headEnd = 0;
  #chunk: Uint8Array = EMPTY;
  #chunkAt = 0;

  get length(): number {
    return this.#headEnd - this.#headStart + this.#chunk.length - this.#chunkAt;
  }

  /** Adds bytes at the end. */
  push(chunk: Uint8Array): void {
    this.keep();
    this.#chunk = chunk;
    this.#chunkAt = 0;
  }

  /** Copies what is left over of the chunk, so that it is not held for the sake of a few bytes. */
  keep(): void {
    this.#moveToHead(this.#chunk.length - this.#chunkAt);
    this.#chunk = EMPTY;
    this.#chunkAt = 0;
  }

  byteAt(offset: number): number {
    const ofHead = this.#headEnd - this.#headStart;
    return offset < ofHead
      ? this.#head[this.#headStart + offset]!
      : this.#chunk[this.#chunkAt + offset - ofHead]!;
  }

  /** The big-endian `u16` at `offset`. */
  u16At(offset: number): number {
    return (this.byteAt(offset) << 8) | this.byteAt(offset + 1);
  }

  /** The big-endian `u32` at `offset`. */
  u32At(offset: number): number {
    return ((this.u16At(offset) << 16) | this.u16At(offset + 2)) >>> 0;
  }

  /** Consumes `length` bytes and returns a view of those behind the first `skip`, valid until the next call. */
  take(length: number, skip = 0): Uint8Array {
    const ofHead = this.#headEnd - this.#headStart;
    if (ofHead === 0) {
      this.#chunkAt += length;
      return this.#chunk.subarray(this.#chunkAt - length + skip, this.#chunkAt);
    }
    if (length > ofHead) this.#moveToHead(length - ofHead);
    const start = this.#headStart;
    const view = this.#head.subarray(start + skip, start + length);
    this.#headStart += length;
    if (this.#headStart === this.#headEnd) this.#emptyHead();
    return view;
  }

  #moveToHead(count: number): void {
    if (count === 0) return;
    this.#makeRoom(count);
    this.#head.set(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + count), this.#headEnd);
    this.#headEnd += count;
    this.#chunkAt += count;
  }

  #emptyHead(): void {
    this.#headStart = 0;
    this.#headEnd = 0;
    if (this.#head.length > KEPT_BYTES_MAX) this.#head = EMPTY;
  }

  #makeRoom(more: number): void {
    if (this.#headEnd + more <= this.#head.length) return;
    const left = this.#headEnd - this.#headStart;
    if (left + more <= this.#head.length / 2) {
      this.#head.copyWithin(0, this.#headStart, this.#headEnd);
    } else {
      // Twice what is there makes many small chunks cheap.
      const grown = new Uint8Array(Math.max(left * 2, left + more));
      grown.set(this.#head.subarray(this.#headStart, this.#headEnd));
      this.#head = grown;
    }
    this.#headStart = 0;
    this.#headEnd = left;
  }
}
