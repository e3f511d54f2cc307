import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import type { Bet } from './bet.ts';
import { formatRow } from './bet-row.ts';
import { decodeRows } from './row-decoder.ts';

/**
 * Ports of the three functions of the course that must not change (`server/common/utils.py` of its
 * skeleton): same file, same rows, same rule. Like the originals they are synchronous and not
 * durable; the server's own path to the file is `store/csv/`, which writes the same bytes.
 */

/** Bets storage location. */
export const STORAGE_FILEPATH = './bets.csv';

/** Simulated winner number in the lottery contest. */
export const LOTTERY_WINNER_NUMBER = 7574;

const READ_CHUNK_BYTES = 256 * 1024;
const WRITE_CHUNK_CHARACTERS = 64 * 1024;

/** Checks whether a bet won the prize or not. */
export function hasWon(bet: Bet): boolean {
  return bet.number === LOTTERY_WINNER_NUMBER;
}

/** Persists the information of each bet in the storage file. Not thread-safe/process-safe. */
export function storeBets(bets: Iterable<Bet>, path: string = STORAGE_FILEPATH): void {
  const file = openSync(path, 'a');
  try {
    let rows = '';
    for (const bet of bets) {
      rows += formatRow(bet);
      if (rows.length > WRITE_CHUNK_CHARACTERS) {
        writeFileSync(file, rows);
        rows = '';
      }
    }
    writeFileSync(file, rows);
  } finally {
    closeSync(file);
  }
}

/**
 * Loads the information of all the bets in the storage file, one after the other as they are asked
 * for: memory does not grow with the file. Not thread-safe/process-safe.
 *
 * @param file path, or descriptor of an open file, which is read from its first byte and stays open
 * @param onRead given each chunk of the file, valid until it returns
 * @throws Error with the line when the file holds something else than bets, and the file system's
 *   error when it cannot be read
 */
export function loadBets(
  file: string | number = STORAGE_FILEPATH,
  onRead?: (chunk: Uint8Array) => void,
): IteratorObject<Bet, undefined> {
  return decodeRows(chunksOf(file, onRead), typeof file === 'string' ? file : STORAGE_FILEPATH);
}

function* chunksOf(
  source: string | number,
  onRead?: (chunk: Uint8Array) => void,
): Generator<Uint8Array> {
  const file = typeof source === 'string' ? openSync(source, 'r') : source;
  try {
    // Double buffering: the decoder still uses the end of a chunk when it gets the next one.
    let chunk = Buffer.allocUnsafe(READ_CHUNK_BYTES);
    let other = Buffer.allocUnsafe(READ_CHUNK_BYTES);
    for (let position = 0; ; ) {
      // The descriptor is shared: leave its position alone.
      const from = file === source ? position : null;
      const length = readSync(file, chunk, 0, chunk.length, from);
      if (length === 0) return;
      position += length;
      onRead?.(chunk.subarray(0, length));
      yield chunk.subarray(0, length);
      [chunk, other] = [other, chunk];
    }
  } finally {
    if (file !== source) closeSync(file);
  }
}
