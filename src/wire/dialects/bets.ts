import assert from 'node:assert';
import type { BatchFault, BetBatch } from '../../lottery/bet-batch.ts';
import { BET_FIELDS, type FieldRanges } from '../../lottery/bet-rules.ts';
import { RowBatchWriter } from '../../lottery/row-batch-writer.ts';
import { Reader, Writer } from '../cursor.ts';
import type { FrameEncoder, UnsendableBet } from '../dialect.ts';
import { type Limits, PAYLOAD_BYTES_MIN } from '../limits.ts';
import type { BetsMessage } from '../message.ts';

/**
 * How a dialect puts a bet into bytes. With a `BatchReader` and a `BatchWriter` this is all that a
 * dialect needs whose batches are bets one after the other.
 */
export interface BetFormat {
  /**
   * Reads the fields of the next bet, in any order, and consumes at least one byte. A truncated bet
   * needs no care; a reason says what else is wrong with its structure.
   */
  read(from: BetCursor): StructureFault | undefined;
  /** Number of bytes that `write` writes. */
  bytesOf(bet: FieldRanges): number;
  write(to: Writer, bet: FieldRanges): void;
  /** The first field that the dialect has no bytes for. */
  findUnsendable?(bet: FieldRanges): UnsendableBet | undefined;
  /** Whether the bet has to be the only one of its batch. */
  standsAlone?(bet: FieldRanges): boolean;
}

type StructureFault = 'too-few-fields' | 'too-many-fields';

/** Decimal digits of a `u32`. */
const DIGITS_MAX = 10;

/** Reads the payload of a batch and notes where the fields of one bet are. */
class BetCursor extends Reader implements FieldRanges {
  readonly starts = new Int32Array(BET_FIELDS.length);
  readonly ends = new Int32Array(BET_FIELDS.length);

  /** Copies a payload: the rules judge numbers by their digits, which are written after it. */
  load(payload: Uint8Array): void {
    const size = payload.length + BET_FIELDS.length * DIGITS_MAX;
    if (this.bytes.length < size) this.bytes = new Uint8Array(2 * size);
    this.bytes.set(payload);
    this.at = 0;
    this.end = payload.length;
    this.truncated = false;
  }

  /** The next `length` bytes are the field `index`. */
  field(index: number, length: number): void {
    this.starts[index] = this.skip(length);
    this.ends[index] = this.at;
  }

  /** The field `index` is a number. */
  number(index: number, value: number): void {
    const start = this.end + index * DIGITS_MAX;
    this.starts[index] = start;
    this.ends[index] = putDigits(this.bytes, start, value);
  }
}

/** Writes the decimal digits of an integer from 0 on; returns the place after them. */
function putDigits(to: Uint8Array, at: number, value: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
  let rest = value;
  for (let index = end - 1; index >= at; index -= 1) {
    to[index] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}

/**
 * Makes rows of a batch. One serves all connections: its rows are valid until the next `readBets`.
 */
export class BatchReader {
  readonly #format: BetFormat;
  readonly #bet = new BetCursor();
  readonly #rows = new RowBatchWriter();

  constructor(format: BetFormat) {
    this.#format = format;
  }

  /** `CentralCodec.readBets` of a dialect. */
  readonly readBets = ({ payload }: BetsMessage, agency: number): BetBatch | BatchFault => {
    const bet = this.#bet;
    bet.load(payload);
    this.#rows.begin(agency);
    for (let index = 0; bet.left > 0; index += 1) {
      const reason = this.#readFields();
      const fault =
        reason === undefined ? this.#rows.add(bet) : ({ field: 'batch', reason } as const);
      if (fault !== undefined) return { ...fault, index, count: index + 1 + this.#countRest() };
    }
    return this.#rows.batch;
  };

  #readFields(): StructureFault | undefined {
    const reason = this.#format.read(this.#bet);
    return this.#bet.truncated ? 'too-few-fields' : reason;
  }

  #countRest(): number {
    let count = 0;
    for (; this.#bet.left > 0; count += 1) this.#format.read(this.#bet);
    return count;
  }
}

export interface FrameFormat {
  /** The first bytes of each frame; the length in them is not known yet. */
  readonly header: Uint8Array;
  /** Longest frame in bytes, with its header. */
  readonly bytesMax: number;
  /** Completes the header. */
  finish(frame: Buffer, count: number): void;
}

/** Encodes the frame of a batch, bet by bet. A single bet is a batch of one. */
export class BatchWriter implements FrameEncoder {
  count = 0;
  readonly #format: BetFormat;
  readonly #frame: FrameFormat;
  readonly #to: Writer;
  #holdsOneAlone = false;

  constructor({ payloadBytesMax }: Limits, format: BetFormat, frame: FrameFormat) {
    assert(payloadBytesMax >= PAYLOAD_BYTES_MIN, 'a payload must have room for any one bet');
    this.#format = format;
    this.#frame = frame;
    this.#to = new Writer(frame.bytesMax).bytes(frame.header);
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    const format = this.#format;
    const unsendable = format.findUnsendable?.(bet);
    if (unsendable !== undefined) return unsendable;
    const alone = format.standsAlone?.(bet) === true;
    if (this.count > 0 && (alone || this.#holdsOneAlone)) return 'full';
    if (this.#to.length + format.bytesOf(bet) > this.#frame.bytesMax) return 'full';
    format.write(this.#to, bet);
    this.count += 1;
    this.#holdsOneAlone = alone;
    return 'added';
  }

  take(): Uint8Array {
    const frame = this.#to.copy();
    this.#frame.finish(Buffer.from(frame.buffer), this.count);
    this.#to.truncate(this.#frame.header.length);
    this.count = 0;
    return frame;
  }

  takeSingle(): Uint8Array {
    return this.take();
  }
}

/** The value of a run of digits. */
export function valueOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + bytes[at]! - 0x30;
  return value;
}

/** Bytes of the first `count` fields of a bet. */
export function fieldsLength(
  { starts, ends }: FieldRanges,
  count: number = BET_FIELDS.length,
): number {
  let length = 0;
  for (let field = 0; field < count; field += 1) length += ends[field]! - starts[field]!;
  return length;
}
