import type { Bet } from '../../src/lottery/bet.ts';
import { decodeRows } from '../../src/lottery/row-decoder.ts';
import type { RowScanner } from '../../src/lottery/row-scanner.ts';
import { cutAt } from '../lottery/cuts.ts';
import { plainBet } from '../lottery/bets.ts';

/** What a `bets.csv` was read as: its bets, and what was wrong behind them. */
export interface ReadRows {
  readonly bets: readonly Bet[];
  readonly error: string | undefined;
}

/** With this one every row is read as any CSV is: the reference for the scanners. */
export const NO_SCANNER: RowScanner = { found: new Int32Array(1), load() {}, scan: () => 0 };

/** Reads the bytes in the pieces between the given places. The texts of the bets are looked at when all was read. */
export function readRows(bytes: Uint8Array, places: readonly number[], scanner: RowScanner): ReadRows {
  const bets: Bet[] = [];
  let error: string | undefined;
  try {
    for (const bet of decodeRows(fleetingPieces(bytes, places), 'a file', scanner)) bets.push(bet);
  } catch (reason) {
    error = String(reason);
  }
  return { bets: bets.map(plainBet), error };
}

/** The pieces, each of which is written over when the one after the next is asked for. */
function* fleetingPieces(bytes: Uint8Array, places: readonly number[]): Generator<Uint8Array> {
  let previous: Uint8Array | undefined;
  for (const part of cutAt(bytes, places)) {
    const piece = Uint8Array.from(part);
    yield piece;
    previous?.fill(0x37);
    previous = piece;
  }
}
