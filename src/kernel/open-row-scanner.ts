import { PlainRowScanner } from '../lottery/plain-row-scanner.ts';
import type { RowScanner } from '../lottery/row-scanner.ts';
import { openFastest } from './wasm-module.ts';
import { WasmRowScanner } from './wasm-row-scanner.ts';

/** The fastest scanner that the machine can run: the same bets either way. */
export function openRowScanner(): RowScanner {
  return openFastest<RowScanner>(WasmRowScanner, PlainRowScanner);
}
