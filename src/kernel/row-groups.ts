import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import { GROUPS_START, rowBytesMaxOf, type RowReader } from './row-reader.ts';

/**
 * Memory for rows that are to be written to a file together, without a copy per batch:
 *
 *     free ── take ──▶ append, append, … ──▶ rows: write, sync ── release ──▶ free
 *
 * A group that is being written is not free, so its rows stay as they are until whoever took it has released it. How many groups
 * there are is fixed, and with it the memory: when none is free, rows can still be had as copies (`readBatch`).
 */
export class RowGroups {
  readonly #free: RowGroup[];

  /** @param reader whose memory has room for groups, and which nobody else makes groups of */
  constructor(reader: RowReader) {
    const { groups, groupBytes } = reader.sizes;
    const release = (group: RowGroup): void => void this.#free.push(group);
    this.#free = Array.from(
      { length: groups },
      (_, index) => new RowGroup(reader, GROUPS_START + index * groupBytes, groupBytes, release),
    );
  }

  /** An empty group; undefined when all are taken. The one that was released last is the first to be taken again: its memory is warm. */
  take(): RowGroup | undefined {
    return this.#free.pop();
  }
}

/** The rows of many batches, one behind the other. Nobody may use it, or a view of its rows, after `release`. */
export class RowGroup {
  readonly #reader: RowReader;
  readonly #start: number;
  readonly #limit: number;
  readonly #release: (group: RowGroup) => void;
  #end: number;

  constructor(reader: RowReader, start: number, bytes: number, release: (group: RowGroup) => void) {
    this.#reader = reader;
    this.#start = start;
    this.#limit = start + bytes;
    this.#release = release;
    this.#end = start;
  }

  /** Bytes of rows. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The rows of all batches. A view: what is appended later is not in it. */
  get rows(): Uint8Array {
    return this.#reader.rows(this.#start, this.#end);
  }

  /**
   * Adds the rows of a batch; those of the result are a view. What has a fault adds nothing. Undefined when there may be no
   * room for the rows of such a payload.
   */
  append(payload: Uint8Array, agency: number): BetBatch | BatchFault | undefined {
    if (this.#end + rowBytesMaxOf(payload.length) > this.#limit) return undefined;
    const read = this.#reader.readBatchTo(this.#end, payload, agency);
    if ('rows' in read) this.#end += read.rows.length;
    return read;
  }

  /** Takes back what was appended behind the first `length` bytes: a batch that is not to be stored after all. */
  cutBack(length: number): void {
    if (length > this.length) throw new RangeError('a group cannot be cut back to more than it has');
    this.#end = this.#start + length;
  }

  /** Gives the memory back: its rows are written, or not wanted. */
  release(): void {
    this.#end = this.#start;
    this.#release(this);
  }
}
