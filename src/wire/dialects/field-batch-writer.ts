import assert from 'node:assert';
import { BET_FIELDS, type FieldRanges } from '../../lottery/bet-rules.ts';
import type {
  LineBatchWriter,
  LineCopier,
  NumberedBatchEncoder,
  OpenLineCopier,
  UnsendableBet,
} from '../dialect.ts';
import { type Limits, PAYLOAD_BYTES_MIN } from '../limits.ts';
import { HEADER_BYTES, writeHeader } from '../typed-frames.ts';

const SEPARATOR = 0x7c;

interface FieldBatchOptions {
  /** Room for a prefix of the payload besides the number of bets, in bytes. */
  readonly prefixBytesMax?: number;
  readonly openLines?: OpenLineCopier | undefined;
}

/**
 * Encodes the batches of the base protocol and of its extension. The fields follow a gap for what
 * is known only at the end: the header, the number of the batch, the number of bets.
 */
export class FieldBatchWriter implements NumberedBatchEncoder {
  count = 0;
  readonly #frame: Uint8Array;
  readonly #gap: number;
  readonly #openLines: OpenLineCopier;
  #lines: LineBatchWriter | undefined;
  #at: number;

  constructor(
    { payloadBytesMax }: Limits,
    { prefixBytesMax = 0, openLines = () => undefined }: FieldBatchOptions,
  ) {
    assert(payloadBytesMax >= PAYLOAD_BYTES_MIN, 'a payload must have room for any one bet');
    const countBytesMax = String(payloadBytesMax).length + 1;
    this.#gap = HEADER_BYTES + prefixBytesMax + countBytesMax;
    this.#frame = new Uint8Array(HEADER_BYTES + payloadBytesMax);
    this.#at = this.#gap;
    this.#openLines = openLines;
  }

  /** Opened on first use: every connection has an encoder, and few of them encode a file. */
  get lines(): LineBatchWriter | undefined {
    if (this.#lines === undefined) {
      const copier = this.#openLines();
      if (copier === undefined) return undefined;
      this.#lines = {
        load: (chunk, delimiter) => copier.load(chunk, delimiter),
        addLines: (at, countMax) => this.#addLines(copier, at, countMax),
      };
    }
    return this.#lines;
  }

  add({ bytes, starts, ends }: FieldRanges): 'added' | 'full' | UnsendableBet {
    const frame = this.#frame;
    let at = this.#at;
    let length = BET_FIELDS.length;
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      length += ends[field]! - starts[field]!;
    }
    if (at + length > frame.length && this.count > 0) return 'full';
    if (this.count > 0) frame[at++] = SEPARATOR;
    for (let field = 0; field < BET_FIELDS.length; field += 1) {
      if (field > 0) frame[at++] = SEPARATOR;
      at = copyField(frame, at, bytes, starts[field]!, ends[field]!);
      if (at < 0) return { field: BET_FIELDS[field]!, reason: 'separator' };
    }
    this.#at = at;
    this.count += 1;
    return 'added';
  }

  #addLines(copier: LineCopier, from: number, countMax: number): number {
    // The first bet of a batch has no separator before it.
    const unwanted = this.count === 0 ? 1 : 0;
    const room = this.#frame.length - this.#at + unwanted;
    const { fields, count, end } = copier.copy(from, room, countMax - this.count);
    if (count > 0) {
      this.#frame.set(fields.subarray(unwanted), this.#at);
      this.#at += fields.length - unwanted;
      this.count += count;
    }
    return end;
  }

  take(): Uint8Array {
    return this.#take('NBET', `${this.count}|`);
  }

  takeSingle(): Uint8Array {
    return this.#take('BET', '');
  }

  takeNumbered(seq: number): Uint8Array {
    return this.#take('SBET', `${seq}|${this.count}|`);
  }

  takeFields(): Uint8Array {
    const fields = this.#frame.subarray(this.#gap, this.#at);
    this.#clear();
    return fields;
  }

  /** @param prefix of the payload, before the fields */
  #take(name: string, prefix: string): Uint8Array {
    const start = this.#gap - prefix.length - HEADER_BYTES;
    assert(start >= 0, 'the prefix is longer than the gap');
    const frame = this.#frame.slice(start, this.#at);
    writeHeader(frame, name);
    frame.set(Buffer.from(prefix), HEADER_BYTES);
    this.#clear();
    return frame;
  }

  #clear(): void {
    this.count = 0;
    this.#at = this.#gap;
  }
}

/** Copies a field and returns the place after it; -1 when it holds the separator. */
function copyField(
  to: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const shift = at - start;
  for (let from = start; from < end; from += 1) {
    const byte = bytes[from]!;
    if (byte === SEPARATOR) return -1;
    to[from + shift] = byte;
  }
  return end + shift;
}
