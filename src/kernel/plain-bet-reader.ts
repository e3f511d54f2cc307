import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import { BET_FIELDS, type FieldRanges, findFault } from '../lottery/bet-rules.ts';
import { appendRow, ROW_OVERHEAD_BYTES_MAX } from '../lottery/bet-row.ts';

/**
 * The hot loop: from the payload of a batch to validated rows, byte by byte, without an object or a string per bet.
 *
 *     batch = count "|" field *( "|" field )      5·count fields, no trailing delimiter; `0|` is an empty batch
 *     bet   = field 4( "|" field )
 *     count = 1*digit
 *     field = *( any byte but "|" )
 */

const SEPARATOR = 0x7c;
const FIELDS_PER_BET = BET_FIELDS.length;
/** More digits than the count of any payload that fits the limits. */
const COUNT_DIGITS_MAX = 6;
const COUNT_NOT_A_NUMBER = { count: 0, index: 0, field: 'batch', reason: 'count-not-a-number' } as const;

/**
 * Reads payloads into rows, which lie in its own memory until the next call. One instance serves a whole server; it keeps
 * nothing of a payload.
 */
export class PlainBetReader {
  #rows = new Uint8Array(64 * 1024);
  readonly #agencyFields = new Map<number, Uint8Array>();
  readonly #fields = {
    bytes: new Uint8Array(0) as Uint8Array,
    starts: new Int32Array(FIELDS_PER_BET),
    ends: new Int32Array(FIELDS_PER_BET),
  } satisfies FieldRanges;

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

  #readBets(payload: Uint8Array, start: number, count: number, agency: number): BetBatch | BatchFault {
    const fields = this.#fields;
    fields.bytes = payload;
    const agencyField = this.#agencyFieldOf(agency);
    let at = start;
    let rowsEnd = 0;
    for (let index = 0; index < count; index += 1) {
      at = nextFields(fields, payload, at);
      if (at < 0) return { count, index, field: 'batch', reason: 'too-few-fields' };
      const fault = findFault(fields);
      if (fault !== undefined) return { count, index, field: fault.field, reason: fault.reason };
      this.#makeRoom(rowsEnd, (fields.ends[4]! - fields.starts[0]!) * 2 + ROW_OVERHEAD_BYTES_MAX);
      rowsEnd = appendRow(this.#rows, rowsEnd, agencyField, fields);
    }
    const end = count === 0 ? at : at - 1;
    if (end !== payload.length) return { count, index: count, field: 'batch', reason: 'too-many-fields' };
    return { agency, count, rows: this.#rows.subarray(0, rowsEnd) };
  }

  /** The agency's id and a comma, as they begin each of its rows. */
  #agencyFieldOf(agency: number): Uint8Array {
    let field = this.#agencyFields.get(agency);
    if (field === undefined) {
      field = Buffer.from(`${agency},`);
      this.#agencyFields.set(agency, field);
    }
    return field;
  }

  #makeRoom(used: number, more: number): void {
    if (used + more <= this.#rows.length) return;
    const larger = new Uint8Array((used + more) * 2);
    larger.set(this.#rows.subarray(0, used));
    this.#rows = larger;
  }
}

/** Finds the five fields at `at`; returns the place behind the delimiter after them, -1 when the payload ends before. */
function nextFields(fields: FieldRanges, payload: Uint8Array, at: number): number {
  const length = payload.length;
  let from = at;
  for (let field = 0; field < FIELDS_PER_BET; field += 1) {
    if (from > length) return -1;
    let to = from;
    while (to < length && payload[to] !== SEPARATOR) to += 1;
    fields.starts[field] = from;
    fields.ends[field] = to;
    from = to + 1;
  }
  return from;
}
