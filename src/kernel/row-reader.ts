import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';

/**
 * From the payload of a batch to validated rows: what the implementations of the hot loop have in
 * common, which is the count before the bets and the memory that rows are written to.
 *
 *     batch = count "|" field *( "|" field )      5·count fields, no trailing delimiter; `0|` is an empty batch
 *     bet   = field 4( "|" field )
 *     count = 1*digit
 *     field = *( any byte but "|" )
 */

/**
 * Longest payload that is read, in bytes: the most that `PAYLOAD_BYTES_MAX` of the configuration
 * can be.
 */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

/** Slack after the last row that may be overwritten: vectors reach beyond the end of a bet. */
const ROWS_SLACK_BYTES = 128;

const SEPARATOR = 0x7c;
/** More digits than the count of any payload that fits the limits. */
const COUNT_DIGITS_MAX = 6;
const COUNT_NOT_A_NUMBER = {
  count: 0,
  index: 0,
  field: 'batch',
  reason: 'count-not-a-number',
} as const;

/**
 * Room that the rows of the longest payload need, in bytes. A row is less than twice as long as its
 * bet in the payload: quotes double the names, and whatever else a row has besides is less than
 * document, birthdate, number and the delimiters once more.
 */
export const ROWS_BYTES_MAX = PAYLOAD_BYTES_MAX * 2 + ROWS_SLACK_BYTES;

/**
 * Reads payloads into rows, which lie in its own memory until the next call. One instance serves a
 * whole server; it keeps nothing of a payload.
 */
export abstract class RowReader {
  readonly #rows: Uint8Array;

  /** @param rows memory of `ROWS_BYTES_MAX` bytes, which never moves */
  constructor(rows: Uint8Array) {
    this.#rows = rows;
  }

  /** All bets of a batch, or the first fault in the order of the bytes. */
  readBatch(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    let at = 0;
    let count = 0;
    while (at < payload.length && payload[at] !== SEPARATOR) {
      const digit = payload[at]! - 0x30;
      if (digit < 0 || digit > 9 || at === COUNT_DIGITS_MAX) return COUNT_NOT_A_NUMBER;
      count = count * 10 + digit;
      at += 1;
    }
    if (at === 0 || at === payload.length) return COUNT_NOT_A_NUMBER;
    return this.#readBets(payload, at + 1, count, agency);
  }

  /** The five fields of one bet (exercise 5). */
  readBet(payload: Uint8Array, agency: number): BetBatch | BatchFault {
    return this.#readBets(payload, 0, 1, agency);
  }

  #readBets(
    payload: Uint8Array,
    start: number,
    count: number,
    agency: number,
  ): BetBatch | BatchFault {
    if (payload.length > PAYLOAD_BYTES_MAX)
      throw new RangeError('the payload is longer than any limit');
    const end = this.writeRows(payload, start, count, agency);
    return typeof end === 'number' ? { agency, count, rows: this.#rows.subarray(0, end) } : end;
  }

  /**
   * The hot loop: reads `count` bets, which begin at `start` and are all that the payload has from
   * there, and writes their rows. Returns the length of these.
   */
  protected abstract writeRows(
    payload: Uint8Array,
    start: number,
    count: number,
    agency: number,
  ): number | BatchFault;
}
