import { createHash } from 'node:crypto';
import { appendRow, ROW_OVERHEAD_BYTES_MAX } from '../lottery/bet-row.ts';
import { BET_FIELDS, type FieldRanges } from '../lottery/bet-rules.ts';
import type {
  BatchEncoder,
  LineBatchWriter,
  NumberedBatchEncoder,
  UnsendableBet,
} from '../wire/dialect.ts';

const SEPARATOR = 0x7c;
const NO_FRAME = new Uint8Array();

/** What the rows of an agency are in `bets.csv`, as its line of the acta de cierre says. */
export interface RowsDigest {
  readonly bets: number;
  /** SHA-256 of the rows in stored order, in hex. */
  readonly sha256: string;
}

/**
 * Gathers the bets of a file as an upload does, and digests the rows that the central stores of
 * them in place of frames.
 */
export class RowDigester implements BatchEncoder {
  readonly #encoder: NumberedBatchEncoder;
  readonly #agencyField: Uint8Array;
  readonly #hash = createHash('sha256');
  readonly #starts = new Int32Array(BET_FIELDS.length);
  readonly #ends = new Int32Array(BET_FIELDS.length);
  #rows = new Uint8Array();
  #bets = 0;

  /**
   * @param encoder of the dialect in which the file is sent: some bets cannot be sent in some
   *   dialects
   */
  constructor(agency: number, encoder: NumberedBatchEncoder) {
    this.#encoder = encoder;
    this.#agencyField = Buffer.from(`${agency},`);
  }

  get count(): number {
    return this.#encoder.count;
  }

  get lines(): LineBatchWriter | undefined {
    return this.#encoder.lines;
  }

  /** Of all bets that were taken. */
  get digest(): RowsDigest {
    return { bets: this.#bets, sha256: this.#hash.copy().digest('hex') };
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    return this.#encoder.add(bet);
  }

  take(): Uint8Array {
    const { count } = this.#encoder;
    this.#bets += count;
    this.#hash.update(this.#rowsOf(this.#encoder.takeFields(), count));
    return NO_FRAME;
  }

  /** @param bytes the fields of `count` bets, separated */
  #rowsOf(bytes: Uint8Array, count: number): Uint8Array {
    const bytesMax = 2 * bytes.length + count * (ROW_OVERHEAD_BYTES_MAX + BET_FIELDS.length);
    if (this.#rows.length < bytesMax) this.#rows = new Uint8Array(bytesMax);
    const bet = { bytes, starts: this.#starts, ends: this.#ends };
    let from = 0;
    let to = 0;
    for (let index = 0; index < count; index += 1) {
      from = findFields(bet, from);
      to = appendRow(this.#rows, to, this.#agencyField, bet);
    }
    return this.#rows.subarray(0, to);
  }
}

/**
 * Finds the fields of the bet that begins at `from`; returns the place where the next one begins.
 */
function findFields(
  { bytes, starts, ends }: { bytes: Uint8Array; starts: Int32Array; ends: Int32Array },
  from: number,
): number {
  let at = from;
  for (let field = 0; field < BET_FIELDS.length; field += 1) {
    starts[field] = at;
    while (at < bytes.length && bytes[at] !== SEPARATOR) at += 1;
    ends[field] = at;
    at += 1;
  }
  return at;
}
