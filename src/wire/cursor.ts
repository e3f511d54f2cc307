import assert from 'node:assert';

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * Reads the fields of a payload one after the other; integers are big-endian. A read past the end
 * yields zeros or nothing, moves to the end and sets `truncated`: check that after the last read.
 */
export class Reader {
  bytes = EMPTY;
  at = 0;
  end = 0;
  truncated = false;

  constructor(payload: Uint8Array = EMPTY) {
    this.bytes = payload;
    this.end = payload.length;
  }

  /** Number of bytes not read. */
  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    const at = this.skip(1);
    return this.truncated ? 0 : this.bytes[at]!;
  }

  u16(): number {
    const at = this.skip(2);
    return this.truncated ? 0 : (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** Skips `length` bytes and returns the place where they begin. */
  skip(length: number): number {
    const { at } = this;
    if (length > this.end - at) {
      this.truncated = true;
      this.at = this.end;
    } else {
      this.at += length;
    }
    return at;
  }

  /** The next `length` bytes as UTF-8. */
  text(length: number): string {
    const { buffer, byteOffset } = this.bytes;
    const at = this.skip(length);
    return Buffer.from(buffer, byteOffset + at, this.at - at).toString('utf8');
  }
}

/** Writes the fields of a frame one after the other; the caller knows the capacity that it needs. */
export class Writer {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#at;
  }

  u8(value: number): this {
    this.#bytes[this.#at++] = value;
    return this;
  }

  /** Big-endian. */
  u16(value: number): this {
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value;
    return this;
  }

  /** Big-endian. */
  u32(value: number): this {
    return this.u16(value >>> 16).u16(value);
  }

  /** The bytes of `from` between `start` and `end`: a loop, because most fields are short. */
  bytes(from: Uint8Array, start = 0, end = from.length): this {
    const bytes = this.#bytes;
    let to = this.#at;
    for (let at = start; at < end; at += 1) bytes[to++] = from[at]!;
    this.#at = to;
    return this;
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    assert(this.#at <= this.#bytes.length, 'the frame is longer than its capacity');
    return this.#bytes.slice(0, this.#at);
  }

  /** Drops everything after the first `length` bytes. */
  truncate(length: number): void {
    this.#at = length;
  }
}
