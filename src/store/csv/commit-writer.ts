import { crc32 } from 'node:zlib';
import { StoreError, type StoreWatch } from '../store.ts';
import type { AppendFile } from './append-file.ts';
import { Commit } from './commit.ts';
import { combineCrc32 } from './crc32-combine.ts';
import { encodeRecord, hex32, type JournalRecord } from './journal-record.ts';
import { PiecePool } from './row-buffer.ts';

export interface CommitWriterParts {
  readonly bets: AppendFile;
  readonly journal: AppendFile;
  /** Lines that the journal has. */
  readonly journalLines: number;
  /** CRC-32 of the rows that `bets` has. */
  readonly rowsCrc32: number;
  /**
   * Called before a commit is written and before it is acknowledged.
   *
   * @throws StoreError when this process may not have the files to itself any more
   */
  readonly check: () => Promise<void>;
  /** Called with what went wrong for good; returns what everybody who waits is told. */
  readonly fail: (error: unknown) => StoreError;
  /** Called with each record that is durable, before anybody else hears of it. */
  readonly onDurable: (record: JournalRecord) => void;
  /** Called whenever there is nothing to write any more. */
  readonly onQuiet: () => void;
  readonly watch: StoreWatch | undefined;
}

/**
 * Brings commits to the disk one after the other. The rows of a commit and the line of the journal that vouches for them are
 * written and synced side by side, so that a commit waits for the disk once:
 *
 *     commit 1   rows: write, sync ──┬─▶ answered
 *                line: write, sync ──┘
 *     commit 2   gathers ────────────────▶ rows, line ──▶ answered
 *
 * A line is written when the commit before it is durable in both files. So only the last line of a journal can vouch for rows
 * that are not there, and of those nothing was answered.
 */
export class CommitWriter {
  readonly #parts: CommitWriterParts;
  readonly #pool = new PiecePool();
  #journalLines: number;
  #rowsCrc32: number;
  /** What waits for its turn; batches gather in the last one. */
  #waiting: Commit[] = [];
  /** The one that is on its way to the disk. */
  #current: Commit | undefined;

  constructor(parts: CommitWriterParts) {
    this.#parts = parts;
    this.#journalLines = parts.journalLines;
    this.#rowsCrc32 = parts.rowsCrc32;
  }

  /** CRC-32 of all durable rows, as they were handed over. */
  get rowsCrc32(): number {
    return this.#rowsCrc32;
  }

  /** Bytes of rows that are not on disk yet. */
  get unsyncedBytes(): number {
    let bytes = this.#current?.rows.bytes ?? 0;
    for (const commit of this.#waiting) bytes += commit.rows.bytes;
    return bytes;
  }

  /** Whether there is nothing to write. */
  get quiet(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** Adds to the group that gathers. Fulfilled when that is durable. */
  gather(add: (group: Commit) => void): Promise<void> {
    const last = this.#waiting.at(-1);
    const group = last === undefined || last.record !== undefined ? new Commit(this.#pool) : last;
    if (group !== last) this.#waiting.push(group);
    add(group);
    this.#begin();
    return group.done;
  }

  /** Writes a line of its own. Fulfilled when it is durable, and with it everything that was handed over before. */
  record(record: JournalRecord): Promise<void> {
    const commit = new Commit(this.#pool, record);
    this.#waiting.push(commit);
    this.#begin();
    return commit.done;
  }

  /** Waits for everything that was handed over so far, whatever becomes of it. Others may hand over without end. */
  async settled(): Promise<void> {
    const last = this.#waiting.at(-1) ?? this.#current;
    await last?.done.catch(() => {});
  }

  #begin(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) void this.#commit(this.#current);
  }

  async #commit(commit: Commit): Promise<void> {
    const { bets, journal, watch, check, onDurable, onQuiet } = this.#parts;
    const { pieces, bytes } = commit.rows;
    const begunAt = watch?.now() ?? 0;
    let checksum = 0;
    for (const piece of pieces) checksum = crc32(piece, checksum);
    const record = commit.record ?? groupRecord(commit, bets.end + bytes, checksum);
    const line = encodeRecord(this.#journalLines + 1, record);
    try {
      await check();
      // Also when one of them fails: nothing may be on its way to the disk when it is cut off again.
      const outcomes = await Promise.allSettled([bytes > 0 && bets.append(pieces), journal.append([line])]);
      const error = worstOf(outcomes);
      if (error !== undefined) throw error;
      await check();
    } catch (error) {
      return this.#refuse(commit, error);
    }
    bets.keep();
    journal.keep();
    this.#rowsCrc32 = combineCrc32(this.#rowsCrc32, checksum, bytes);
    this.#journalLines += 1;
    commit.rows.release();
    watch?.onDurable(watch.now() - begunAt, bytes);
    this.#current = undefined;
    this.#begin();
    if (this.quiet) onQuiet();
    onDurable(record);
    commit.fulfil();
  }

  /**
   * What comes after a commit that failed must not be stored without it: nothing of it is kept, and everybody is told. A
   * disk that was full may have room for the next one.
   */
  async #refuse(commit: Commit, error: unknown): Promise<void> {
    const { bets, journal, fail, watch } = this.#parts;
    let refusal: StoreError;
    try {
      if (!isFullError(error)) throw error;
      await journal.cutBack();
      if (commit.rows.bytes > 0) await bets.cutBack();
      refusal = error;
      watch?.onFull();
    } catch (worse) {
      refusal = fail(worse);
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

/** The reason of a rejected outcome: of those that do not pass first. */
function worstOf(outcomes: readonly PromiseSettledResult<unknown>[]): unknown {
  const rejected = outcomes.filter(outcome => outcome.status === 'rejected');
  return (rejected.find(({ reason }) => !isFullError(reason)) ?? rejected[0])?.reason;
}

export function isFullError(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'full';
}
