import { BATCH_FAULT_REASONS, type BatchFault } from '../lottery/bet-batch.ts';
import { BET_FIELDS, FAULT_REASONS } from '../lottery/bet-rules.ts';
import { PAYLOAD_BYTES_MAX, RowReader, ROWS_BYTES_MAX } from './row-reader.ts';
import { openModule } from './wasm-module.ts';

/** Slack after the payload: a separator, and what vectors read beyond the end. */
const PAYLOAD_SLACK_BYTES = 128;
/** Where the rows begin in the memory. The payload lies at 0. */
const ROWS_START = PAYLOAD_BYTES_MAX + PAYLOAD_SLACK_BYTES;

/** The numbers of `assembly/faults.ts`. */
const FIELDS = [...BET_FIELDS, 'batch'] as const;
const REASONS = [...FAULT_REASONS, ...BATCH_FAULT_REASONS] as const;

/** `readBets` of `assembly/index.ts`. */
type ReadBets = (start: number, end: number, count: number, agency: number, to: number) => number;

/** The hot loop in WebAssembly with vectors. */
export class WasmBetReader extends RowReader {
  readonly #payload: Uint8Array;
  readonly #readBets: ReadBets;

  /** Throws what `openModule` throws. */
  constructor() {
    const { memory, exports } = openModule('central.wasm', ROWS_START + ROWS_BYTES_MAX);
    super(new Uint8Array(memory, ROWS_START, ROWS_BYTES_MAX));
    this.#payload = new Uint8Array(memory, 0, PAYLOAD_BYTES_MAX);
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
