import { crc32 } from 'node:zlib';

/** Compares the rows read for a draw with the acknowledged ones. */
export class RowsCheck {
  readonly #expected: number;
  #left: number;
  #checksum = 0;

  /**
   * @param end of the acknowledged rows, in bytes
   * @param expected their CRC-32
   */
  constructor(end: number, expected: number) {
    this.#left = end;
    this.#expected = expected;
  }

  /** Takes the next bytes of the file. */
  readonly onRead = (chunk: Uint8Array): void => {
    const acknowledged = chunk.subarray(0, this.#left);
    this.#checksum = crc32(acknowledged, this.#checksum);
    this.#left -= acknowledged.length;
  };

  /** Whether all of them were read unchanged. */
  get matches(): boolean {
    return this.#left === 0 && this.#checksum === this.#expected;
  }
}
