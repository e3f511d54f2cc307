import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { type OnFact, StoreError, type StoreWatch } from '../store.ts';
import type { AppendFile } from './append-file.ts';
import { Commit } from './commit.ts';
import { combineCrc32 } from './crc32-combine.ts';
import type { Failure } from './failure.ts';
import type { FileGuard } from './file-guard.ts';
import {
  encodeRecord,
  hex32,
  type JournalRecord,
  type RefusedBatch,
  type StoredBatch,
} from './journal-record.ts';
import { PiecePool } from './row-buffer.ts';
import { factsOf } from './store-walk.ts';

export interface CommitWriterParts {
  readonly bets: AppendFile;
  readonly journal: AppendFile;
  /** Lines in the journal. */
  readonly journalLines: number;
  /** CRC-32 of the rows in `bets`. */
  readonly rowsCrc32: number;
  /**
   * Whether the last line lists rows that may be missing after a crash: a group, with no later
   * line.
   */
  readonly isUnconfirmed: boolean;
  readonly guard: FileGuard;
  readonly failure: Failure;
  /** Called with each durable fact before its commit is acknowledged. */
  readonly onFact: OnFact | undefined;
  readonly watch: StoreWatch | undefined;
}

/**
 * Group commit. The rows of a commit and the line of the journal that vouches for them are written
 * and synced side by side, so that a commit waits for the disk once:
 *
 *     commit 1   rows: write, sync ──┬─▶ answered
 *                line: write, sync ──┘
 *     commit 2   gathers ────────────────▶ rows, line ──▶ answered
 *
 * A line is written when the commit before it is durable in both files. So only the last line of a
 * journal can vouch for missing rows, and none of those was answered.
 */
export class CommitWriter {
  readonly #parts: CommitWriterParts;
  readonly #pool = new PiecePool();
  #journalLines: number;
  #rowsCrc32: number;
  #isUnconfirmed: boolean;
  /** Commits in order; batches join the last one when it is a group. */
  #waiting: Commit[] = [];
  /** The commit that is written. */
  #current: Commit | undefined;

  constructor(parts: CommitWriterParts) {
    this.#parts = parts;
    this.#journalLines = parts.journalLines;
    this.#rowsCrc32 = parts.rowsCrc32;
    this.#isUnconfirmed = parts.isUnconfirmed;
  }

  /** CRC-32 of all durable rows, as they were appended. */
  get rowsCrc32(): number {
    return this.#rowsCrc32;
  }

  /** Lines in the journal. */
  get journalLines(): number {
    return this.#journalLines;
  }

  /** Whether the last line is a group without a later line. */
  get isUnconfirmed(): boolean {
    return this.#isUnconfirmed;
  }

  get unsyncedBytes(): number {
    let bytes = this.#current?.rows.bytes ?? 0;
    for (const commit of this.#waiting) bytes += commit.rows.bytes;
    return bytes;
  }

  /** Whether there is nothing to write. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** Adds a batch to the waiting group and copies its rows. Fulfilled when it is durable. */
  append(batch: StoredBatch | RefusedBatch, rows?: Uint8Array): Promise<void> {
    const last = this.#waiting.at(-1);
    const joins = last !== undefined && last.record === undefined;
    const group = joins ? last : new Commit(this.#pool);
    if (!joins) this.#waiting.push(group);
    group.batches.push(batch);
    if (rows !== undefined) group.rows.append(rows);
    this.#writeNext();
    return group.done;
  }

  /** Writes a line of its own. Fulfilled when it is durable, with everything appended before. */
  record(record: JournalRecord): Promise<void> {
    const commit = new Commit(this.#pool, record);
    this.#waiting.push(commit);
    this.#writeNext();
    return commit.done;
  }

  /**
   * Waits until everything appended so far is durable or rejected; later appends do not delay it.
   */
  async settled(): Promise<void> {
    const last = this.#waiting.at(-1) ?? this.#current;
    await last?.done.catch(() => {});
  }

  #writeNext(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) void this.#write(this.#current);
  }

  async #write(commit: Commit): Promise<void> {
    const { bets, journal, watch, guard } = this.#parts;
    const { pieces, bytes } = commit.rows;
    assert(commit.record === undefined || bytes === 0, 'only a group has rows');
    const begunAt = watch?.now() ?? 0;
    let checksum = 0;
    for (const piece of pieces) checksum = crc32(piece, checksum);
    const record = commit.record ?? groupRecord(commit, bets.end + bytes, checksum);
    const line = encodeRecord(this.#journalLines + 1, record);
    try {
      await guard.check();
      // Both settle before a rollback: nothing may be on its way to the disk then.
      const outcomes = await Promise.allSettled([
        bytes > 0 && bets.append(pieces),
        journal.append([line]),
      ]);
      const error = worstOf(outcomes);
      if (error !== undefined) throw error;
      // Again: the files may have been replaced during the write.
      await guard.check();
    } catch (error) {
      return this.#rollback(commit, error);
    }
    bets.commit();
    journal.commit();
    this.#rowsCrc32 = combineCrc32(this.#rowsCrc32, checksum, bytes);
    this.#journalLines += 1;
    this.#isUnconfirmed = commit.record === undefined;
    commit.rows.release();
    watch?.onDurable(watch.now() - begunAt, bytes);
    this.#acknowledge(commit, record);
  }

  /** Log, apply, answer: starts the next commit, applies the facts, then fulfils the promises. */
  #acknowledge(commit: Commit, record: JournalRecord): void {
    assert(this.#current === commit, 'commits are acknowledged in order');
    const { onFact } = this.#parts;
    this.#current = undefined;
    this.#writeNext();
    if (onFact !== undefined) for (const fact of factsOf(record)) onFact(fact);
    commit.fulfil();
  }

  /**
   * Rejects a failed commit and all that wait after it, which must not be stored without it. Disk
   * full: truncates both files, and later appends are tried. Any other error: the store fails.
   */
  async #rollback(commit: Commit, error: unknown): Promise<void> {
    const { bets, journal, failure, watch } = this.#parts;
    let refusal: StoreError;
    try {
      if (!isFullError(error)) throw error;
      await journal.rollback();
      if (commit.rows.bytes > 0) await bets.rollback();
      refusal = error;
      watch?.onFull();
    } catch (worse) {
      refusal = failure.fail(worse);
    }
    this.#current = undefined;
    for (const refused of [commit, ...this.#waiting.splice(0)]) {
      refused.rows.release();
      refused.reject(refusal);
    }
  }
}

function groupRecord({ batches }: Commit, end: number, checksum: number): JournalRecord {
  return { type: 'group', end, crc32: hex32(checksum), batches };
}

/** The error to report: a permanent one if there is any, else that of the full disk. */
function worstOf(outcomes: readonly PromiseSettledResult<unknown>[]): unknown {
  const rejected = outcomes.filter(outcome => outcome.status === 'rejected');
  return (rejected.find(({ reason }) => !isFullError(reason)) ?? rejected[0])?.reason;
}

export function isFullError(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'full';
}
