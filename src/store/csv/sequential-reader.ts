import type { ReadableFile } from './files.ts';

const BLOCK_BYTES = 1024 * 1024;

/** Buffered sequential reads. */
export class SequentialReader {
  /** Of the next byte. */
  position: number;
  readonly #file: ReadableFile;
  #block = Buffer.alloc(0);

  constructor(file: ReadableFile, position = 0) {
    this.#file = file;
    this.position = position;
  }

  /** At most `length` bytes, valid until the next call; none at the end of the file. */
  async read(length: number): Promise<Buffer> {
    if (this.#block.length === 0) await this.#readBlock();
    const bytes = this.#block.subarray(0, length);
    this.#block = this.#block.subarray(bytes.length);
    this.position += bytes.length;
    return bytes;
  }

  /**
   * Calls `visit` with the next `length` bytes, in pieces that are valid until it returns.
   *
   * @returns false at an early end of the file
   */
  async visit(length: number, visit: (piece: Buffer) => void): Promise<boolean> {
    for (let left = length; left > 0; ) {
      const piece = await this.read(left);
      if (piece.length === 0) return false;
      visit(piece);
      left -= piece.length;
    }
    return true;
  }

  /** The bytes up to and including the next `byte`, or up to the end of the file. */
  async readThrough(byte: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (;;) {
      if (this.#block.length === 0) await this.#readBlock();
      if (this.#block.length === 0) break;
      const found = this.#block.indexOf(byte);
      const piece = await this.read(found < 0 ? this.#block.length : found + 1);
      pieces.push(found < 0 ? Buffer.from(piece) : piece);
      if (found >= 0) break;
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  async #readBlock(): Promise<void> {
    const left = (await this.#file.size()) - this.position;
    // A new block: decoders may still refer to the end of the last one.
    const block = Buffer.allocUnsafe(Math.max(0, Math.min(BLOCK_BYTES, left)));
    const length = block.length === 0 ? 0 : await this.#file.read(block, this.position);
    this.#block = block.subarray(0, length);
  }
}
