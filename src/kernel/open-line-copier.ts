import { WasmLineCopier } from './wasm-line-copier.ts';

/** The fast way from lines to fields, where the machine can run it. */
export function openLineCopier(): WasmLineCopier | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    return new WasmLineCopier();
  } catch (error) {
    const cannotRun = error instanceof WebAssembly.CompileError || error instanceof RangeError;
    if (!cannotRun) throw error;
    return undefined;
  }
}
