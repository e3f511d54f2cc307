import { createHash } from 'node:crypto';
import { appendRow, ROW_OVERHEAD_BYTES_MAX } from '../lottery/bet-row.ts';
import { BET_FIELDS, type FieldRanges } from '../lottery/bet-rules.ts';
import type { BatchEncoder, UnsendableBet } from '../wire/dialect.ts';
import { type Refuse, readBatches } from './batcher.ts';
import { CsvSource, type FileFormat } from './csv-source.ts';

/** Rows are gathered up to this length before they are hashed. It is longer than any row. */
const BUFFER_BYTES = 64 * 1024;

/** What the rows of an agency are in `bets.csv`, as its line of the acta de cierre says. */
export interface RowsDigest {
  readonly bets: number;
  /** SHA-256 of the rows in stored order, in hex. */
  readonly sha256: string;
}

/**
 * Computes which rows the central stores of an agency's file. It reads the file as an upload
 * does, so it leaves out the same lines.
 *
 * @param dialect the encoder of the dialect in which the file is sent: not every dialect can
 *   send every bet
 * @param refuse called with each line that is no bet
 * @throws AgencyError when the file cannot be read
 */
export async function digestRows(
  format: FileFormat,
  agency: number,
  dialect: BatchEncoder,
  refuse: Refuse = () => {},
): Promise<RowsDigest> {
  const hash = createHash('sha256');
  const source = await CsvSource.open(format);
  try {
    let bets = 0;
    const encoder = new RowEncoder(agency, dialect);
    const batches = readBatches(source, encoder, () => Number.MAX_SAFE_INTEGER, refuse);
    for await (const { frame, count } of batches) {
      hash.update(frame);
      bets += count;
    }
    return { bets, sha256: hash.digest('hex') };
  } finally {
    await source.close();
  }
}

/** Encodes bets as the central stores them, those that an agency can send in its dialect. */
class RowEncoder implements BatchEncoder {
  count = 0;
  readonly #agencyField: Uint8Array;
  readonly #dialect: BatchEncoder;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #end = 0;

  constructor(agency: number, dialect: BatchEncoder) {
    this.#agencyField = Buffer.from(`${agency},`);
    this.#dialect = dialect;
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    let length = ROW_OVERHEAD_BYTES_MAX;
    for (let field = 0; field < BET_FIELDS.length; field += 1)
      length += 2 * (bet.ends[field]! - bet.starts[field]!);
    if (this.#end + length > BUFFER_BYTES) return 'full';
    const sendable = this.#addToFrame(bet);
    if (typeof sendable === 'object') return sendable;
    this.#end = appendRow(this.#buffer, this.#end, this.#agencyField, bet);
    this.count += 1;
    return 'added';
  }

  /** The rows, valid until the next bet is added. */
  take(): Uint8Array {
    const rows = this.#buffer.subarray(0, this.#end);
    this.count = 0;
    this.#end = 0;
    return rows;
  }

  takeSingle(): Uint8Array {
    return this.take();
  }

  /** The frames are not used: only the dialect knows which bets it has no bytes for. */
  #addToFrame(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    const added = this.#dialect.add(bet);
    if (added !== 'full') return added;
    this.#dialect.take();
    return this.#dialect.add(bet);
  }
}
