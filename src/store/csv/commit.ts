import type { StoreError } from '../store.ts';
import type { JournalRecord, RefusedBatch, StoredBatch } from './journal-record.ts';
import { type PiecePool, RowBuffer } from './row-buffer.ts';

/** What becomes durable together, by one line of the journal: a group of batches, or a single record of another kind. */
export class Commit {
  /** The record; undefined for a group, whose record is made of its batches. */
  readonly record: JournalRecord | undefined;
  readonly batches: (StoredBatch | RefusedBatch)[] = [];
  readonly rows: RowBuffer;
  /** Everybody whose batch is in the group waits for this one promise. */
  readonly done: Promise<void>;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;

  constructor(pool: PiecePool, record?: JournalRecord) {
    this.rows = new RowBuffer(pool);
    this.record = record;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever appended hears of it through the same promise; a group that nobody waits for is no error.
    promise.catch(() => {});
    this.done = promise;
    this.fulfil = resolve;
    this.reject = reject;
  }
}
