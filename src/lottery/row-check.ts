import type { Bet } from './bet.ts';
import { AGENCY_MAX, findFault } from './bet-rules.ts';
import { CsvReader } from './csv-reader.ts';
import { betOf, ROW_BYTES_MAX, ROW_FIELDS } from './row-decoder.ts';

const CR = 0x0d;

/**
 * Reads a `bets.csv` that others may have written or changed. Each row has to be a line of its own
 * that holds a valid bet, and begins with its agency as `AgencyDigests` and `grep` look for it:
 *
 *     row = agency "," name "," name "," document "," birthdate "," number [CR] LF
 */
export class RowCheck {
  /** The first fault, such as `line 3 of bets.csv is blank`. Nothing after it is read. */
  fault: string | undefined;
  readonly #visit: (bet: Bet) => void;
  readonly #reader = new CsvReader({ recordBytesMax: ROW_BYTES_MAX });
  /** Of the fields after the agency. */
  readonly #starts = this.#reader.starts.subarray(1);
  readonly #ends = this.#reader.ends.subarray(1);
  /** Line of the next row. */
  #line = 1;

  /** @param visit called with each bet before the first fault */
  constructor(visit: (bet: Bet) => void) {
    this.#visit = visit;
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array): void {
    // The reader would keep what is not read.
    if (this.fault !== undefined) return;
    this.#reader.push(chunk);
    this.#read();
  }

  /** No more bytes follow; the last row needs no line end. */
  end(): void {
    this.#reader.end();
    this.#read();
  }

  /** The fault of a last row without line end; asked before `end()`. */
  get tornRow(): string | undefined {
    return this.#reader.unreadBytes > 0
      ? `line ${this.#line} of bets.csv has no line end; add it, or remove the row`
      : undefined;
  }

  #read(): void {
    while (this.fault === undefined) {
      const step = this.#reader.next();
      const isRow = step === 'record' || step === 'broken';
      const isBlank = (isRow ? this.#reader.line : this.#reader.nextLine) > this.#line;
      if (!isRow && !isBlank) return;
      const why = isBlank ? 'is blank' : this.#faultOf(step === 'record');
      if (why !== undefined) this.fault = `line ${this.#line} of bets.csv ${why}`;
      this.#line += 1;
    }
  }

  /** Why the current row is none; a valid one is visited. */
  #faultOf(isRecord: boolean): string | undefined {
    const { bytes, fieldCount, raw } = this.#reader;
    const bet = isRecord && fieldCount === ROW_FIELDS ? betOf(this.#reader) : undefined;
    if (bet === undefined || bet.agency < 1 || bet.agency > AGENCY_MAX)
      return 'is not a row of a bet';
    if (!beginsWith(raw, `${bet.agency},`)) return `does not begin with ${bet.agency} and a comma`;
    const fault = findFault({ bytes, starts: this.#starts, ends: this.#ends });
    if (fault !== undefined) return `is no valid bet, ${fault.field} ${fault.reason}`;
    if (raw.at(-1) === CR) return 'ends with CR alone';
    this.#visit(bet);
    return undefined;
  }
}

function beginsWith(row: Uint8Array, text: string): boolean {
  return Buffer.from(row.subarray(0, text.length)).toString('latin1') === text;
}
