import type { DataFile } from './files.ts';

const LF = 0x0a;
const BLOCK_BYTES = 64 * 1024;

/**
 * Length in bytes of the part of `bets.csv` that ends with a line end. What follows is the beginning of a row whose write
 * did not end: no bet of it was ever acknowledged.
 */
export async function wholeRowsLength(file: DataFile, size: number): Promise<number> {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const length = await readFully(file, block.subarray(0, end - start), start);
    const lineEnd = block.subarray(0, length).lastIndexOf(LF);
    if (lineEnd >= 0) return start + lineEnd + 1;
  }
  return 0;
}

/** Reads until `into` is full or the file ends; returns the number of bytes read. */
async function readFully(file: DataFile, into: Uint8Array, position: number): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const read = await file.read(into.subarray(length), position + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
