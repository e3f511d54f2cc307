import type { StoreError } from '../store.ts';
import type { JournalRecord, RefusedBatch, StoredBatch } from './journal-record.ts';

/** What becomes durable together, by one line of the journal: a group of batches, or a single record of another kind. */
export class Commit {
  /** The record; undefined for a group, whose record is made of its batches. */
  readonly record: JournalRecord | undefined;
  readonly batches: (StoredBatch | RefusedBatch)[] = [];
  readonly rows: Uint8Array[] = [];
  /** Length of the rows. */
  bytes = 0;
  /** Everybody whose batch is in the group waits for this one promise. */
  readonly done: Promise<void>;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;

  constructor(record?: JournalRecord) {
    this.record = record;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever appended hears of it through the same promise; a group that nobody waits for is no error.
    promise.catch(() => {});
    this.done = promise;
    this.fulfil = resolve;
    this.reject = reject;
  }
}
