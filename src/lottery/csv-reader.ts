import type { FieldRanges } from './bet-rules.ts';

/** More fields than any record has; further ones are counted and not stored. */
const FIELDS_KEPT = 8;

const COMMA = 0x2c;
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/**
 * What `next()` found.
 *
 * - `record`: the fields are in `bytes`, `starts`, `ends`, `fieldCount`.
 * - `broken`: a record that is no CSV: a quote that is never closed, or longer than
 *   `recordBytesMax`. Only its first line is given up; reading continues with the line after it.
 * - `more`: nothing complete is left; push the next chunk or call `end()`.
 * - `done`: after `end()`, nothing is left.
 */
export type CsvStep = 'record' | 'broken' | 'more' | 'done';

/**
 * A streaming reader of CSV as Python's `csv.reader` understands it (excel dialect): fields in
 * quotes may hold the delimiter, doubled quotes and line ends; records end in `\n`, `\r\n` or `\r`;
 * empty lines are no records.
 *
 * It works on bytes in any chunking and creates nothing per record: a record is a set of ranges in
 * `bytes`, valid until the next call. Used for the agency's file and for `bets.csv`.
 */
export class CsvReader implements FieldRanges {
  bytes: Uint8Array = new Uint8Array(0);
  readonly starts = new Int32Array(FIELDS_KEPT);
  readonly ends = new Int32Array(FIELDS_KEPT);
  fieldCount = 0;
  /** Line of the file, counted from 1, on which the current record starts. */
  line = 0;
  /** Lines that the current record spans: more than one when a quoted field holds line ends. */
  lines = 0;

  readonly #delimiter: number;
  /**
   * No greater byte is a delimiter or ends a line: one comparison rules out most bytes of a file.
   */
  readonly #highestOfMeaning: number;
  readonly #recordBytesMax: number;
  #buffer: Uint8Array = new Uint8Array(0);
  /** Where the next record starts in `#buffer`. */
  #start = 0;
  /** Where the current record starts in `#buffer`. */
  #recordStart = 0;
  #ended = false;
  #nextLine = 1;
  /** The rest of a broken line is still to be skipped. */
  #skipping = false;
  /** Holds the fields of a record with quotes. */
  #unquoted = new Uint8Array(0);

  constructor(options: { delimiter?: number; recordBytesMax: number }) {
    this.#delimiter = options.delimiter ?? COMMA;
    this.#highestOfMeaning = Math.max(this.#delimiter, CR);
    this.#recordBytesMax = options.recordBytesMax;
  }

  /** Takes the next bytes of the file. The reader keeps them until the following `push`. */
  push(chunk: Uint8Array): void {
    const left = this.#buffer.length - this.#start;
    if (left === 0) {
      this.#buffer = chunk;
    } else {
      const joined = new Uint8Array(left + chunk.length);
      joined.set(this.#buffer.subarray(this.#start));
      joined.set(chunk, left);
      this.#buffer = joined;
    }
    this.#start = 0;
  }

  /** Says that no more bytes follow: a last line without a line end is a record too. */
  end(): void {
    this.#ended = true;
  }

  /** The bytes that were pushed and not read, as they are: the next record begins with them. */
  get unread(): Uint8Array {
    return this.#buffer.subarray(this.#start);
  }

  /**
   * The current record as it stands, with its line end; of a broken line, what was pushed so far.
   */
  get raw(): Uint8Array {
    return this.#buffer.subarray(this.#recordStart, this.#start);
  }

  /** Line of the file on which what is unread begins. */
  get nextLine(): number {
    return this.#nextLine;
  }

  get unreadBytes(): number {
    return this.#buffer.length - this.#start;
  }

  /** Skips lines that the scanner has read: the first `bytes` of `unread`. */
  skip(bytes: number, lines: number): void {
    this.#start += bytes;
    this.#nextLine += lines;
  }

  next(): CsvStep {
    if (this.#skipping) this.#skipLine();
    while (this.#start < this.#buffer.length) {
      const first = this.#buffer[this.#start]!;
      if (first === QUOTE) return this.#readQuotedRecord();
      if (first !== LF && first !== CR) return this.#readRecord();
      const after = this.#afterLineEnd(this.#start);
      if (after < 0) return 'more';
      this.#start = after;
      this.#nextLine += 1;
    }
    return this.#ended ? 'done' : 'more';
  }

  /** The usual case: no field begins with a quote, so every field lies in the buffer as it is. */
  #readRecord(): CsvStep {
    const buffer = this.#buffer;
    const length = buffer.length;
    const delimiter = this.#delimiter;
    const highest = this.#highestOfMeaning;
    let count = 0;
    let fieldStart = this.#start;
    let at = fieldStart;
    for (; at < length; at += 1) {
      const byte = buffer[at]!;
      if (byte > highest) continue;
      if (byte === delimiter) {
        this.#keepField(count, fieldStart, at);
        count += 1;
        fieldStart = at + 1;
        if (buffer[fieldStart] === QUOTE) return this.#readQuotedRecord();
      } else if (byte === LF || byte === CR) {
        break;
      }
    }
    this.#keepField(count, fieldStart, at);
    return this.#finishRecord(buffer, count + 1, at, 1);
  }

  /**
   * The record holds a quoted field: its fields are copied, without their quotes, into a buffer of
   * their own.
   */
  #readQuotedRecord(): CsvStep {
    const buffer = this.#buffer;
    const length = buffer.length;
    const most = Math.min(length - this.#start, this.#recordBytesMax + 1);
    if (this.#unquoted.length < most) this.#unquoted = new Uint8Array(most);
    const out = this.#unquoted;
    let count = 0;
    let lines = 1;
    let fieldStart = 0;
    let outAt = 0;
    let inQuotes = false;
    let atFieldStart = true;
    let at = this.#start;
    for (; at < length && at - this.#start <= this.#recordBytesMax; at += 1) {
      const byte = buffer[at]!;
      if (inQuotes && byte !== QUOTE) {
        if (byte === LF || (byte === CR && buffer[at + 1] !== LF)) lines += 1;
        out[outAt++] = byte;
      } else if (inQuotes) {
        if (buffer[at + 1] === QUOTE) {
          out[outAt++] = QUOTE;
          at += 1;
        } else if (at + 1 === length && !this.#ended) {
          return 'more';
        } else {
          inQuotes = false;
        }
      } else if (byte === QUOTE && atFieldStart) {
        inQuotes = true;
        atFieldStart = false;
      } else if (byte === this.#delimiter) {
        this.#keepField(count, fieldStart, outAt);
        count += 1;
        fieldStart = outAt;
        atFieldStart = true;
      } else if (byte === LF || byte === CR) {
        break;
      } else {
        out[outAt++] = byte;
        atFieldStart = false;
      }
    }
    if (inQuotes && this.#ended && at >= length) return this.#giveUpLine();
    this.#keepField(count, fieldStart, outAt);
    return this.#finishRecord(out, count + 1, at, lines);
  }

  #keepField(index: number, start: number, end: number): void {
    if (index >= FIELDS_KEPT) return;
    this.starts[index] = start;
    this.ends[index] = end;
  }

  /** The record's last byte is before `end`; is its line end there, and is it not too long? */
  #finishRecord(bytes: Uint8Array, fieldCount: number, end: number, lines: number): CsvStep {
    if (end - this.#start > this.#recordBytesMax) return this.#giveUpLine();
    const after = this.#afterLineEnd(end);
    if (after < 0) return 'more';
    this.bytes = bytes;
    this.fieldCount = fieldCount;
    this.line = this.#nextLine;
    this.lines = lines;
    this.#recordStart = this.#start;
    this.#start = after;
    this.#nextLine += lines;
    return 'record';
  }

  /**
   * The place after the line end (or the end of the file) at `at`, -1 when more bytes are needed.
   */
  #afterLineEnd(at: number): number {
    const buffer = this.#buffer;
    if (buffer[at] === LF) return at + 1;
    if (at + 1 < buffer.length) return buffer[at + 1] === LF ? at + 2 : at + 1;
    return this.#ended ? buffer.length : -1;
  }

  #giveUpLine(): CsvStep {
    this.line = this.#nextLine;
    this.lines = 1;
    this.#recordStart = this.#start;
    this.#skipping = true;
    this.#skipLine();
    return 'broken';
  }

  /** Moves to the next line end, over as many chunks as it takes: memory stays bounded. */
  #skipLine(): void {
    const buffer = this.#buffer;
    let at = this.#start;
    while (at < buffer.length && buffer[at] !== LF && buffer[at] !== CR) at += 1;
    this.#start = at;
    this.#skipping = at === buffer.length;
  }
}
