import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH_FAULT_REASONS, type BatchFault } from '../lottery/bet-batch.ts';
import { BET_FIELDS, FAULT_REASONS } from '../lottery/bet-rules.ts';
import { PAYLOAD_BYTES_MAX, RowReader, ROWS_BYTES_MAX } from './row-reader.ts';

/** What `npm run build` makes of `assembly/`, from a file of `src/kernel/` as well as of `dist/kernel/`. */
const MODULE_PATH = join(import.meta.dirname, '../../dist/kernel/read-bets.wasm');

const PAGE_BYTES = 64 * 1024;
/** Bytes behind the payload that are the loop's: a separator, and what its vectors read beyond the end. */
const PAYLOAD_SLACK_BYTES = 128;
/** Where the rows begin in the memory. The payload lies at 0. */
const ROWS_START = PAYLOAD_BYTES_MAX + PAYLOAD_SLACK_BYTES;
const PAGES = Math.ceil((ROWS_START + ROWS_BYTES_MAX) / PAGE_BYTES);

/** The numbers of `assembly/faults.ts`. */
const FIELDS = [...BET_FIELDS, 'batch'] as const;
const REASONS = [...FAULT_REASONS, ...BATCH_FAULT_REASONS] as const;

/** `readBets` of `assembly/index.ts`. */
type ReadBets = (start: number, end: number, count: number, agency: number, to: number) => number;

/**
 * The hot loop in WebAssembly with vectors. Its memory has its full size from the start, since memory that grows would take the
 * views of it away; what is never written to costs nothing.
 */
export class WasmBetReader extends RowReader {
  readonly #payload: Uint8Array;
  readonly #readBets: ReadBets;

  /**
   * @throws WebAssembly.CompileError when the processor has no vectors
   * @throws RangeError when there is no room for the memory
   */
  constructor() {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const module = new WebAssembly.Module(readFileSync(MODULE_PATH));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    super(new Uint8Array(memory.buffer, ROWS_START, ROWS_BYTES_MAX));
    this.#payload = new Uint8Array(memory.buffer, 0, PAYLOAD_BYTES_MAX);
    this.#readBets = exports['readBets'] as ReadBets;
  }

  protected override writeRows(
    payload: Uint8Array,
    start: number,
    count: number,
    agency: number,
  ): number | BatchFault {
    this.#payload.set(payload);
    const end = this.#readBets(start, payload.length, count, agency, ROWS_START);
    return end < 0 ? decodeFault(~end, count) : end - ROWS_START;
  }
}

function decodeFault(fault: number, count: number): BatchFault {
  return {
    count,
    index: fault >> 8,
    field: FIELDS[(fault >> 4) & 0xf]!,
    reason: REASONS[fault & 0xf]!,
  };
}
