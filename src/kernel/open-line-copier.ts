import { WasmLineCopier } from './wasm-line-copier.ts';
import { openWhereItRuns } from './wasm-module.ts';

/** The fast way from lines to fields, where the machine can run it. */
export function openLineCopier(): WasmLineCopier | undefined {
  return openWhereItRuns(WasmLineCopier);
}
