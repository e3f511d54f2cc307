import type { Bet } from './bet.ts';
import { CsvReader } from './csv-reader.ts';
import { NUMBERS_PER_ROW, RowScanner, WINDOW_BYTES_MAX } from './row-scanner.ts';
import { StoredBet } from './stored-bet.ts';

export const ROW_FIELDS = 6;

/**
 * Longer than any row of valid fields; what is longer in a `bets.csv` was not written by this
 * program.
 */
export const ROW_BYTES_MAX = 1024 * 1024;

/**
 * The bets of a `bets.csv`, chunk by chunk: memory does not grow with the file. A chunk is in use
 * until the second chunk after it is requested.
 *
 * @param source what is being read, for the error
 * @throws Error with the line when a row is not one of `bets.csv`
 */
export function decodeRows(
  chunks: Iterable<Uint8Array>,
  source: string,
): IteratorObject<Bet, undefined> {
  return new DecodedRows(chunks, source);
}

/** A class, since V8 neither inlines a generator nor avoids its results. */
class DecodedRows extends Iterator<Bet, undefined> {
  readonly #chunks: Iterator<Uint8Array>;
  readonly #decoder: RowDecoder;
  #atEnd = false;

  constructor(chunks: Iterable<Uint8Array>, source: string) {
    super();
    this.#chunks = chunks[Symbol.iterator]();
    this.#decoder = new RowDecoder(source);
  }

  override next(): IteratorResult<Bet, undefined> {
    try {
      for (;;) {
        const value = this.#decoder.next();
        if (value !== undefined) return { value, done: false };
        if (this.#atEnd) return { value, done: true };
        this.#takeChunk();
      }
    } catch (error) {
      this.return();
      throw error;
    }
  }

  override return(): IteratorResult<Bet, undefined> {
    this.#chunks.return?.();
    return { value: undefined, done: true };
  }

  #takeChunk(): void {
    const chunk = this.#chunks.next();
    if (chunk.done !== true) {
      this.#decoder.push(chunk.value);
      return;
    }
    this.#atEnd = true;
    this.#decoder.end();
  }
}

/**
 * The same, with the chunks pushed one at a time. The scanner finds the usual rows of each window;
 * where it stops, the CSV reader reads one row, and the scanner resumes after it.
 */
export class RowDecoder {
  readonly #reader = new CsvReader({ recordBytesMax: ROW_BYTES_MAX });
  readonly #scanner = new RowScanner();
  readonly #source: string;
  #window: Uint8Array = new Uint8Array(0);
  /** How many bytes were unread when the window was taken. */
  #unreadAtWindow = 0;
  /** The window, a character a byte, once a row was found in it. */
  #text: string | undefined;
  /** The rows that were found and not given yet lie in the scanner's numbers from here to there. */
  #found = 0;
  #foundEnd = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Takes the next bytes, which must stay what they are until the next `push` has returned. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    this.#window = this.#window.subarray(0, 0);
  }

  /** A last row without line end is a row too. */
  end(): void {
    this.#reader.end();
  }

  /** Gives `visit` every bet that is there, up to the next `push`. */
  visit(visit: (bet: Bet) => void): void {
    for (let bet = this.next(); bet !== undefined; bet = this.next()) visit(bet);
  }

  /** The next bet; undefined when another chunk is needed, or the end was reached. */
  next(): Bet | undefined {
    if (this.#found === this.#foundEnd && !this.#scan()) return this.#readRow();
    const { found } = this.#scanner;
    const at = this.#found;
    this.#found = at + NUMBERS_PER_ROW;
    return new StoredBet(this.#text!, found[at]!, found[at + 1]!, found[at + 2]!);
  }

  /** Whether usual rows come next. They count as read. */
  #scan(): boolean {
    const { unread } = this.#reader;
    if (unread.length === 0) return false;
    let from = this.#unreadAtWindow - unread.length;
    if (from < 0 || from >= this.#window.length) {
      this.#takeWindow(unread);
      from = 0;
    }
    const rows = this.#scanner.scan(from);
    if (rows === 0) return false;
    this.#text ??= latin1(this.#window);
    this.#found = 0;
    this.#foundEnd = rows * NUMBERS_PER_ROW;
    this.#reader.skip(this.#scanner.found[this.#foundEnd]! - from, rows);
    return true;
  }

  #takeWindow(unread: Uint8Array): void {
    this.#window = unread.subarray(0, WINDOW_BYTES_MAX);
    this.#unreadAtWindow = unread.length;
    this.#text = undefined;
    this.#scanner.load(this.#window);
  }

  #readRow(): Bet | undefined {
    const reader = this.#reader;
    const step = reader.next();
    if (step === 'more' || step === 'done') return undefined;
    const bet = step === 'record' && reader.fieldCount === ROW_FIELDS ? betOf(reader) : undefined;
    if (bet === undefined)
      throw new Error(`line ${reader.line} of ${this.#source} is not a row of a bet`);
    return bet;
  }
}

/** The bet of any row; undefined when its agency or its number is none. */
export function betOf({ bytes, starts, ends }: CsvReader): Bet | undefined {
  const agency = decodeInteger(bytes, starts[0]!, ends[0]!);
  const number = decodeInteger(bytes, starts[5]!, ends[5]!);
  if (agency < 0 || number < 0) return undefined;
  const { buffer, byteOffset, length } = bytes;
  const text = Buffer.from(buffer, byteOffset, length);
  return {
    agency,
    firstName: text.toString('utf8', starts[1], ends[1]),
    lastName: text.toString('utf8', starts[2], ends[2]),
    document: text.toString('utf8', starts[3], ends[3]),
    birthdate: text.toString('utf8', starts[4], ends[4]),
    number,
  };
}

/** The value of a run of digits; -1 when it is empty or something else. */
function decodeInteger(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}
