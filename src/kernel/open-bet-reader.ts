import { PlainBetReader } from './plain-bet-reader.ts';
import type { RowReader } from './row-reader.ts';
import { WasmBetReader } from './wasm-bet-reader.ts';

/** The fastest reader that the machine can run: the same bets either way. */
export function openBetReader(): RowReader {
  if (typeof WebAssembly === 'undefined') return new PlainBetReader();
  try {
    return new WasmBetReader();
  } catch (error) {
    const cannotRun = error instanceof WebAssembly.CompileError || error instanceof RangeError;
    if (!cannotRun) throw error;
    return new PlainBetReader();
  }
}
