import type { Bet } from './bet.ts';
import { type FieldRanges, skipZeros } from './bet-rules.ts';

/**
 * One row of `bets.csv`:
 *
 *     agency "," first_name "," last_name "," document "," birthdate "," number CR LF
 *
 * written like Python's `csv.writer` with `QUOTE_MINIMAL`: a field that contains `,` `"` CR or LF
 * stands in quotes, and its quotes are doubled. Three places speak this format, and tests hold them
 * equal: `appendRow` (the server's path, bytes to bytes), `formatRow` (from a `Bet`) and
 * `decodeRows` (`row-decoder.ts`, back to a `Bet`).
 */

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

/**
 * Bytes that a row can have beyond those of its five fields: agency, commas, line end, the quotes
 * of two names.
 */
export const ROW_OVERHEAD_BYTES_MAX = 5 + 5 + 2 + 4;

/**
 * Writes the row of one valid bet into `out` at `at` and returns the place after it. `agencyField`
 * is the agency's id with its comma, as ASCII. `out` needs room for twice the bytes of the fields
 * (quotes double) plus `ROW_OVERHEAD_BYTES_MAX`.
 */
export function appendRow(
  out: Uint8Array,
  at: number,
  agencyField: Uint8Array,
  fields: FieldRanges,
): number {
  const { bytes, starts, ends } = fields;
  let to = at;
  for (let i = 0; i < agencyField.length; i += 1) out[to++] = agencyField[i]!;
  to = appendName(out, to, bytes, starts[0]!, ends[0]!);
  to = appendName(out, to, bytes, starts[1]!, ends[1]!);
  to = appendPlain(out, to, bytes, starts[2]!, ends[2]!);
  to = appendPlain(out, to, bytes, starts[3]!, ends[3]!);
  const numberEnd = ends[4]!;
  for (let i = skipZeros(bytes, starts[4]!, numberEnd); i < numberEnd; i += 1)
    out[to++] = bytes[i]!;
  out[to++] = CR;
  out[to++] = LF;
  return to;
}

/** Copies a field and its comma; when it turns out to need quotes, starts over with them. */
function appendName(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]!;
    if (byte === COMMA || byte === QUOTE) return appendQuoted(out, at, bytes, start, end);
    out[to++] = byte;
  }
  out[to++] = COMMA;
  return to;
}

function appendQuoted(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
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

function appendPlain(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
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
