import { isAscii } from 'node:buffer';
import type { Bet } from './bet.ts';
import { type FieldRanges, skipZeros } from './bet-rules.ts';
import { CsvReader } from './csv-reader.ts';

/**
 * One row of `bets.csv`:
 *
 *     agency "," first_name "," last_name "," document "," birthdate "," number CR LF
 *
 * written like Python's `csv.writer` with `QUOTE_MINIMAL`: a field that contains `,` `"` CR or LF stands in quotes,
 * and its quotes are doubled. Three places speak this format, and tests hold them equal: `appendRow` (the server's
 * path, bytes to bytes), `formatRow` (from a `Bet`) and `decodeRows` (back to a `Bet`).
 */

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

const ROW_FIELDS = 6;

/** Longer than any row of valid fields; what is longer in a `bets.csv` was not written by this program. */
const ROW_BYTES_MAX = 1024 * 1024;

/** Bytes that a row can have beyond those of its five fields: agency, commas, line end, the quotes of two names. */
export const ROW_OVERHEAD_BYTES_MAX = 5 + 5 + 2 + 4;

/**
 * Writes the row of one valid bet into `out` at `at` and returns the place behind it. `agencyField` is the agency's id
 * with its comma, as ASCII. `out` needs room for twice the bytes of the fields (quotes double) plus
 * `ROW_OVERHEAD_BYTES_MAX`.
 */
export function appendRow(out: Uint8Array, at: number, agencyField: Uint8Array, fields: FieldRanges): number {
  const { bytes, starts, ends } = fields;
  let to = at;
  for (let i = 0; i < agencyField.length; i += 1) out[to++] = agencyField[i]!;
  to = appendName(out, to, bytes, starts[0]!, ends[0]!);
  to = appendName(out, to, bytes, starts[1]!, ends[1]!);
  to = appendPlain(out, to, bytes, starts[2]!, ends[2]!);
  to = appendPlain(out, to, bytes, starts[3]!, ends[3]!);
  const numberEnd = ends[4]!;
  for (let i = skipZeros(bytes, starts[4]!, numberEnd); i < numberEnd; i += 1) out[to++] = bytes[i]!;
  out[to++] = CR;
  out[to++] = LF;
  return to;
}

/** Copies a field and its comma; when it turns out to need quotes, starts over with them. */
function appendName(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let to = at;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]!;
    if (byte === COMMA || byte === QUOTE) return appendQuoted(out, at, bytes, start, end);
    out[to++] = byte;
  }
  out[to++] = COMMA;
  return to;
}

function appendQuoted(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let to = at;
  out[to++] = QUOTE;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]!;
    if (byte === QUOTE) out[to++] = QUOTE;
    out[to++] = byte;
  }
  out[to++] = QUOTE;
  out[to++] = COMMA;
  return to;
}

function appendPlain(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let to = at;
  for (let i = start; i < end; i += 1) out[to++] = bytes[i]!;
  out[to++] = COMMA;
  return to;
}

/** The row of a bet, with its line end. */
export function formatRow(bet: Bet): string {
  const { agency, firstName, lastName, document, birthdate, number } = bet;
  const texts = [firstName, lastName, document, birthdate].map(quoteMinimal).join(',');
  return `${agency},${texts},${number}\r\n`;
}

function quoteMinimal(text: string): string {
  return /[,"\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * The bets in the bytes of a `bets.csv`, chunk by chunk: memory does not grow with the file.
 *
 * @param source what is being read, for the error
 * @throws Error with the line when a row is not one of `bets.csv`
 */
export function* decodeRows(chunks: Iterable<Uint8Array>, source: string): Generator<Bet> {
  const decoder = new RowDecoder(source);
  for (const chunk of chunks) {
    decoder.push(chunk);
    // Not `yield*`: to hand a bet through one more generator takes as long as to find its row.
    for (let bet = decoder.next(); bet !== undefined; bet = decoder.next()) yield bet;
  }
  decoder.end();
  for (let bet = decoder.next(); bet !== undefined; bet = decoder.next()) yield bet;
}

/** The same for whoever gets the chunks one at a time. Bets are to be taken before the next `push`. */
export class RowDecoder {
  readonly #reader = new CsvReader({ recordBytesMax: ROW_BYTES_MAX });
  readonly #texts = new FieldTexts();
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  push(chunk: Uint8Array): void {
    this.#texts.forget();
    this.#reader.push(chunk);
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
    const reader = this.#reader;
    const step = reader.next();
    if (step === 'more' || step === 'done') return undefined;
    const isRow = step === 'record' && reader.fieldCount === ROW_FIELDS;
    const bet = isRow ? decodeRow(reader, this.#texts) : undefined;
    if (bet === undefined) throw new Error(`${this.#source}, line ${reader.line}: not a row of bets.csv`);
    return bet;
  }
}

/** The bet of a row; undefined when its agency or its number is none. */
function decodeRow(reader: CsvReader, texts: FieldTexts): Bet | undefined {
  const { bytes, starts, ends } = reader;
  const agency = decodeInteger(bytes, starts[0]!, ends[0]!);
  const number = decodeInteger(bytes, starts[5]!, ends[5]!);
  if (agency < 0 || number < 0) return undefined;
  texts.use(reader);
  return {
    agency,
    firstName: texts.get(starts[1]!, ends[1]!),
    lastName: texts.get(starts[2]!, ends[2]!),
    document: texts.get(starts[3]!, ends[3]!),
    birthdate: texts.get(starts[4]!, ends[4]!),
    number,
  };
}

/**
 * The texts of fields. Four calls into the decoder for each bet took most of the time of a draw: what is ASCII, nearly
 * everything, is cut out of one string that holds a whole chunk of the file, a byte a character.
 */
class FieldTexts {
  #bytes: Uint8Array | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #characters = '';
  #isAscii = false;

  /** The bytes are no longer what they were: whoever reads a file may read into the same buffer again. */
  forget(): void {
    this.#bytes = undefined;
  }

  /** Says where the following fields lie. */
  use({ bytes, verbatim }: CsvReader): void {
    // Every record with quotes is copied to the same place.
    if (verbatim && bytes === this.#bytes) return;
    this.#bytes = verbatim ? bytes : undefined;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#isAscii = verbatim && isAscii(bytes);
    this.#characters = verbatim ? this.#buffer.toString('latin1') : '';
  }

  get(start: number, end: number): string {
    if (this.#isAscii) return this.#characters.slice(start, end);
    if (this.#bytes === undefined) return this.#buffer.toString('utf8', start, end);
    for (let at = start; at < end; at += 1) {
      if (this.#bytes[at]! > 0x7f) return this.#buffer.toString('utf8', start, end);
    }
    return this.#characters.slice(start, end);
  }
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
