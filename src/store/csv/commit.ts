import type { StoreError } from '../store.ts';
import type { JournalRecord, RefusedBatch, StoredBatch } from './journal-record.ts';
import { type PiecePool, RowBuffer } from './row-buffer.ts';

/** What one line of the journal makes durable: a group of batches, or a record of another kind. */
export class Commit {
  /** Undefined for a group, whose record is made of its batches. */
  readonly record: JournalRecord | undefined;
  readonly batches: (StoredBatch | RefusedBatch)[] = [];
  readonly rows: RowBuffer;
  /** Shared by all batches of the group. */
  readonly done: Promise<void>;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;

  constructor(pool: PiecePool, record?: JournalRecord) {
    this.rows = new RowBuffer(pool);
    this.record = record;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // A caller may ignore the outcome.
    promise.catch(() => {});
    this.done = promise;
    this.fulfil = resolve;
    this.reject = reject;
  }
}
