import { foundLength, type RowScanner, WINDOW_BYTES_MAX } from '../lottery/row-scanner.ts';
import { openModule } from './wasm-module.ts';

/** Slack after the window that vectors read. */
const WINDOW_SLACK_BYTES = 64;
/** Where `found` begins in the memory. The window lies at 0. */
const FOUND_START = WINDOW_BYTES_MAX + WINDOW_SLACK_BYTES;
const FOUND_LENGTH = foundLength(WINDOW_BYTES_MAX);

/** `scanRows` of `assembly/scan-rows.ts`. */
type ScanRows = (from: number, end: number, to: number) => number;

/** The scan in WebAssembly with vectors. */
export class WasmRowScanner implements RowScanner {
  readonly found: Int32Array;
  readonly #window: Uint8Array;
  readonly #scanRows: ScanRows;
  #end = 0;

  /** Throws what `openModule` throws. */
  constructor() {
    const { memory, exports } = openModule(
      'central.wasm',
      FOUND_START + FOUND_LENGTH * Int32Array.BYTES_PER_ELEMENT,
    );
    this.found = new Int32Array(memory, FOUND_START, FOUND_LENGTH);
    this.#window = new Uint8Array(memory, 0, WINDOW_BYTES_MAX);
    this.#scanRows = exports['scanRows'] as ScanRows;
  }

  load(window: Uint8Array): void {
    this.#window.set(window);
    this.#end = window.length;
  }

  scan(from: number): number {
    return this.#scanRows(from, this.#end, FOUND_START);
  }
}
