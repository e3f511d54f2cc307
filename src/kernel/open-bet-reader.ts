import { PlainBetReader } from './plain-bet-reader.ts';
import { NO_GROUPS, type RowReader } from './row-reader.ts';
import { WasmBetReader } from './wasm-bet-reader.ts';

/** The fastest reader that the machine can run: the same bets either way. */
export function openBetReader(sizes = NO_GROUPS): RowReader {
  if (typeof WebAssembly === 'undefined') return new PlainBetReader(sizes);
  try {
    return new WasmBetReader(sizes);
  } catch (error) {
    const cannotRun = error instanceof WebAssembly.CompileError || error instanceof RangeError;
    if (!cannotRun) throw error;
    return new PlainBetReader(sizes);
  }
}
