import type { BatchFault } from '../lottery/bet-batch.ts';
import { BET_FIELDS, type FieldRanges, findFault } from '../lottery/bet-rules.ts';
import { appendRow } from '../lottery/bet-row.ts';
import { RowReader, ROWS_BYTES_MAX } from './row-reader.ts';

const SEPARATOR = 0x7c;
const FIELDS_PER_BET = BET_FIELDS.length;

/**
 * The hot loop, byte by byte, without an object or a string per bet: the reference for every faster
 * one, and what runs where they cannot.
 */
export class PlainBetReader extends RowReader {
  readonly #rows: Uint8Array;
  readonly #agencyFields = new Map<number, Uint8Array>();
  readonly #fields = {
    bytes: new Uint8Array(0) as Uint8Array,
    starts: new Int32Array(FIELDS_PER_BET),
    ends: new Int32Array(FIELDS_PER_BET),
  } satisfies FieldRanges;

  constructor() {
    const rows = new Uint8Array(ROWS_BYTES_MAX);
    super(rows);
    this.#rows = rows;
  }

  protected override writeRows(
    payload: Uint8Array,
    start: number,
    count: number,
    agency: number,
  ): number | BatchFault {
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
      rowsEnd = appendRow(this.#rows, rowsEnd, agencyField, fields);
    }
    const end = count === 0 ? at : at - 1;
    if (end !== payload.length)
      return { count, index: count, field: 'batch', reason: 'too-many-fields' };
    return rowsEnd;
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
}

/**
 * Finds the five fields at `at`; returns the place after the delimiter after them, -1 when the
 * payload ends before.
 */
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
