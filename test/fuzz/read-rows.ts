import type { Bet } from '../../src/lottery/bet.ts';
import { CsvReader } from '../../src/lottery/csv-reader.ts';
import { betOf, decodeRows, ROW_BYTES_MAX, ROW_FIELDS } from '../../src/lottery/row-decoder.ts';
import { cutAt } from '../lottery/cuts.ts';
import { plainBet } from '../lottery/bets.ts';

/** The result of reading a `bets.csv`: its bets, and the error after the last one. */
export interface ReadRows {
  readonly bets: readonly Bet[];
  readonly error: string | undefined;
}

/**
 * Reads the bytes in pieces, cut at the given offsets. Decodes the texts of the bets after the last
 * piece.
 */
export function readRows(bytes: Uint8Array, places: readonly number[]): ReadRows {
  return collect(decodeRows(fleetingPieces(bytes, places), 'a file'));
}

/** The reference: reads every row with the CSV parser, from the whole file. */
export function readRowsAsCsv(bytes: Uint8Array): ReadRows {
  return collect(csvBets(bytes));
}

function* csvBets(bytes: Uint8Array): Generator<Bet> {
  const reader = new CsvReader({ recordBytesMax: ROW_BYTES_MAX });
  reader.push(bytes);
  reader.end();
  for (let step = reader.next(); step !== 'done'; step = reader.next()) {
    const bet = step === 'record' && reader.fieldCount === ROW_FIELDS ? betOf(reader) : undefined;
    if (bet === undefined) throw new Error(`line ${reader.line} of a file is not a row of a bet`);
    yield bet;
  }
}

function collect(source: Iterable<Bet>): ReadRows {
  const bets: Bet[] = [];
  let error: string | undefined;
  try {
    for (const bet of source) bets.push(bet);
  } catch (reason) {
    error = String(reason);
  }
  return { bets: bets.map(plainBet), error };
}

/** The pieces; each is overwritten at the request after the next. */
function* fleetingPieces(bytes: Uint8Array, places: readonly number[]): Generator<Uint8Array> {
  let previous: Uint8Array | undefined;
  for (const part of cutAt(bytes, places)) {
    const piece = Uint8Array.from(part);
    yield piece;
    previous?.fill(0x37);
    previous = piece;
  }
}
