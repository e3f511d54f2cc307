import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';

/**
 * From the payload of a batch to validated rows: what the implementations of the hot loop have in common, which is the count
 * before the bets and the memory that rows are written to.
 *
 *     batch = count "|" field *( "|" field )      5·count fields, no trailing delimiter; `0|` is an empty batch
 *     bet   = field 4( "|" field )
 *     count = 1*digit
 *     field = *( any byte but "|" )
 */

/** Longest payload that is read, in bytes: the most that `PAYLOAD_BYTES_MAX` of the configuration can be. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

/** Bytes behind the last row that may be written over: vectors reach beyond the end of a bet. */
const ROWS_SLACK_BYTES = 128;

const SEPARATOR = 0x7c;
/** More digits than the count of any payload that fits the limits. */
const COUNT_DIGITS_MAX = 6;
const COUNT_NOT_A_NUMBER = { count: 0, index: 0, field: 'batch', reason: 'count-not-a-number' } as const;

/** Memory for the rows of many batches (`row-groups.ts`), beside that for the rows of one. */
export interface RowGroupSizes {
  readonly groups: number;
  /** Bytes of each. */
  readonly groupBytes: number;
}

export const NO_GROUPS: RowGroupSizes = { groups: 0, groupBytes: 0 };

/**
 * Room that the rows of a payload need, in bytes. A row is less than twice as long as its bet in the payload: quotes double the
 * names, and whatever else a row has besides is less than document, birthdate, number and the delimiters once more.
 */
export function rowBytesMaxOf(payloadBytes: number): number {
  return payloadBytes * 2 + ROWS_SLACK_BYTES;
}

/** Where the memory of the groups begins; the rows of one batch at a time lie before it. */
export const GROUPS_START = rowBytesMaxOf(PAYLOAD_BYTES_MAX);

/** Far from where a place in the memory would no longer be a positive 32-bit number. */
const ROW_MEMORY_BYTES_MAX = 1024 * 1024 * 1024;

/** Bytes of memory that a reader has for rows. */
export function rowMemoryBytes({ groups, groupBytes }: RowGroupSizes): number {
  const bytes = GROUPS_START + groups * groupBytes;
  if (bytes > ROW_MEMORY_BYTES_MAX) throw new Error(`groups of ${bytes} bytes in all are too large`);
  return bytes;
}

/**
 * Reads payloads into rows, which lie in its own memory until the next call. One instance serves a whole server; it keeps
 * nothing of a payload.
 */
export abstract class RowReader {
  readonly sizes: RowGroupSizes;
  readonly #memory: Uint8Array;

  /** @param memory `rowMemoryBytes(sizes)` bytes, which never move */
  constructor(memory: Uint8Array, sizes: RowGroupSizes) {
    this.#memory = memory;
    this.sizes = sizes;
  }

  /** All bets of a batch, or the first fault in the order of the bytes. */
  readBatch(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    return this.readBatchTo(0, payload, agency);
  }

  /** The five fields of one bet (exercise 5). */
  readBet(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    return this.#readBets(0, payload, 0, 1, agency);
  }

  /**
   * The same as `readBatch`, but the rows stay where they were written: at `at` in the reader's memory, where there must be
   * room for `rowBytesMaxOf(payload.length)` bytes.
   */
  readBatchTo(at: number, payload: Uint8Array, agency: number): BetBatch | BatchFault {
    let digits = 0;
    let count = 0;
    while (digits < payload.length && payload[digits] !== SEPARATOR) {
      const digit = payload[digits]! - 0x30;
      if (digit < 0 || digit > 9 || digits === COUNT_DIGITS_MAX) return COUNT_NOT_A_NUMBER;
      count = count * 10 + digit;
      digits += 1;
    }
    if (digits === 0 || digits === payload.length) return COUNT_NOT_A_NUMBER;
    return this.#readBets(at, payload, digits + 1, count, agency);
  }

  /** The rows that lie in the reader's memory from one place to another. */
  rows(start: number, end: number): Uint8Array {
    return this.#memory.subarray(start, end);
  }

  #readBets(
    at: number,
    payload: Uint8Array,
    start: number,
    count: number,
    agency: number,
  ): BetBatch | BatchFault {
    if (payload.length > PAYLOAD_BYTES_MAX) throw new RangeError('the payload is longer than any limit');
    const end = this.writeRows(payload, start, count, agency, at);
    return typeof end === 'number' ? { agency, count, rows: this.rows(at, end) } : end;
  }

  /**
   * The hot loop: reads `count` bets, which begin at `start` and are all that the payload has from there, and writes their rows
   * from `at` on. Returns the place behind the last one.
   */
  protected abstract writeRows(
    payload: Uint8Array,
    start: number,
    count: number,
    agency: number,
    at: number,
  ): number | BatchFault;
}
