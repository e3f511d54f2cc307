const CONN = 0x434f_4e4e;
const TYPE_BYTES = 4;
const HEADER_BYTES = 8;
/** Types without a length and a payload. */
const BARE = new Set([0x454e_4400 /* END */, 0x4757_494e /* GWIN */]);

/** Counts messages of the base protocol by their headers. */
export class FrameCounter {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** Bytes of a header that continues in the next chunk. */
  #headerBytes = 0;
  /** Missing bytes of the payload. */
  #payloadLeft = 0;
  /** `CONN` is not answered. */
  #answered = false;

  /** Returns the number of answers that the chunk makes due. */
  count(chunk: Uint8Array): number {
    let answers = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft === 0) {
        at = this.#readHeader(chunk, at);
        if (this.#headerBytes > 0) break;
      }
      const skipped = Math.min(this.#payloadLeft, chunk.length - at);
      at += skipped;
      this.#payloadLeft -= skipped;
      if (this.#payloadLeft === 0 && this.#answered) answers += 1;
    }
    return answers;
  }

  /** Reads a header, or a part of one; returns its end in the chunk. */
  #readHeader(chunk: Uint8Array, from: number): number {
    const header = this.#header;
    for (let at = from; at < chunk.length; at += 1) {
      header[this.#headerBytes++] = chunk[at]!;
      if (this.#headerBytes < TYPE_BYTES) continue;
      const type = header.readUInt32BE(0);
      const bare = BARE.has(type);
      if (!bare && this.#headerBytes < HEADER_BYTES) continue;
      this.#payloadLeft = bare ? 0 : header.readUInt32BE(TYPE_BYTES);
      this.#answered = type !== CONN;
      this.#headerBytes = 0;
      return at + 1;
    }
    return chunk.length;
  }
}
