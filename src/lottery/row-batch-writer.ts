import type { BetBatch } from './bet-batch.ts';
import { type BetFault, type FieldRanges, findFault } from './bet-rules.ts';
import { appendRow, ROW_OVERHEAD_BYTES_MAX } from './bet-row.ts';

/** Room for the rows of a usual batch, in bytes. */
const ROWS_BYTES_FIRST = 16 * 1024;

/**
 * Makes the rows of a batch from bets that are added one by one: for dialects whose payload the hot
 * loop in `kernel/` cannot read. The rows lie in its memory until the next `begin`.
 */
export class RowBatchWriter {
  #rows = new Uint8Array(ROWS_BYTES_FIRST);
  #end = 0;
  #agency = 0;
  #agencyField: Uint8Array = new Uint8Array(0);
  #count = 0;

  begin(agency: number): void {
    if (agency !== this.#agency) this.#agencyField = Buffer.from(`${agency},`);
    this.#agency = agency;
    this.#count = 0;
    this.#end = 0;
  }

  /** Adds a bet, or returns its fault. */
  add(fields: FieldRanges): BetFault | undefined {
    const fault = findFault(fields);
    if (fault !== undefined) return fault;
    this.#makeRoom(rowBytesMax(fields));
    this.#end = appendRow(this.#rows, this.#end, this.#agencyField, fields);
    this.#count += 1;
    return undefined;
  }

  /** What was added since `begin`. */
  get batch(): BetBatch {
    return { agency: this.#agency, count: this.#count, rows: this.#rows.subarray(0, this.#end) };
  }

  #makeRoom(more: number): void {
    if (this.#end + more <= this.#rows.length) return;
    const grown = new Uint8Array(Math.max(this.#rows.length * 2, this.#end + more));
    grown.set(this.#rows.subarray(0, this.#end));
    this.#rows = grown;
  }
}

/** The quotes of a name double. */
function rowBytesMax({ starts, ends }: FieldRanges): number {
  let bytes = ROW_OVERHEAD_BYTES_MAX;
  for (let field = 0; field < 5; field += 1) bytes += 2 * (ends[field]! - starts[field]!);
  return bytes;
}
