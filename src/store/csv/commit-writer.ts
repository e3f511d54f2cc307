import { crc32 } from 'node:zlib';
import { StoreError, type StoreWatch } from '../store.ts';
import type { AppendFile } from './append-file.ts';
import { Commit } from './commit.ts';
import { encodeRecord, hex32, type JournalRecord } from './journal-record.ts';
import { PiecePool } from './row-buffer.ts';

export interface CommitWriterParts {
  readonly bets: AppendFile;
  readonly journal: AppendFile;
  /** Lines that the journal has. */
  readonly journalLines: number;
  /** Called with what went wrong for good; returns what everybody who waits is told. */
  readonly fail: (error: unknown) => StoreError;
  /** Called with each record that is durable, before anybody else hears of it. */
  readonly onDurable: (record: JournalRecord) => void;
  /** Called whenever there is nothing to write any more. */
  readonly onQuiet: () => void;
  readonly watch: StoreWatch | undefined;
}

/**
 * Brings commits to the disk, in order and each in two steps, its rows and then the line of the journal that vouches for them:
 *
 *     group 1   rows: write, sync ──▶ line: write, sync ──▶ answered
 *     group 2        gathers        ──▶ rows: write, sync ──▶ line: write, sync ──▶ answered
 *     group 3                                gathers        ──▶ …
 *
 * So both files are synced at the same time, for two groups, and a third one gathers. A line is written when its rows and the
 * line before it are durable: the journal never vouches for what is not there, whenever the process ends.
 */
export class CommitWriter {
  readonly #parts: CommitWriterParts;
  readonly #pool = new PiecePool();
  #journalLines: number;
  /** What waits for its turn; batches gather in the last one. */
  #waiting: Commit[] = [];
  /** The one whose rows are on their way to the disk, and the one whose line is. */
  #atRows: Commit | undefined;
  #atLine: Commit | undefined;
  /** Fulfilled when the last one that was begun is durable. */
  #lastBegun: Promise<void> = Promise.resolve();
  #takingBack = false;

  constructor(parts: CommitWriterParts) {
    this.#parts = parts;
    this.#journalLines = parts.journalLines;
  }

  /** Bytes of rows that are not on disk yet. */
  get unsyncedBytes(): number {
    let bytes = (this.#atRows?.rows.bytes ?? 0) + (this.#atLine?.rows.bytes ?? 0);
    for (const commit of this.#waiting) bytes += commit.rows.bytes;
    return bytes;
  }

  /** Whether there is nothing to write. */
  get quiet(): boolean {
    return this.#atRows === undefined && this.#atLine === undefined && this.#waiting.length === 0;
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
    const last = this.#waiting.at(-1) ?? this.#atRows ?? this.#atLine;
    await last?.done.catch(() => {});
  }

  #begin(): void {
    if (this.#atRows !== undefined || this.#takingBack) return;
    const commit = this.#waiting.shift();
    if (commit === undefined) return;
    this.#atRows = commit;
    const { watch, onDurable } = this.#parts;
    const begunAt = watch?.now() ?? 0;
    const { bytes } = commit.rows;
    const durable = this.#commit(commit, this.#lastBegun);
    this.#lastBegun = durable;
    durable.then(
      () => {
        watch?.onDurable(watch.now() - begunAt, bytes);
        if (this.quiet) this.#parts.onQuiet();
        onDurable(commit.record ?? groupRecord(commit));
        commit.fulfil();
      },
      () => this.#takeBack(),
    );
  }

  async #commit(commit: Commit, before: Promise<void>): Promise<void> {
    // Also when one of them fails: nothing may be on its way to the disk when it is taken back.
    const outcomes = await Promise.allSettled([this.#writeRows(commit), before]);
    throwWorst(outcomes);
    this.#atRows = undefined;
    this.#atLine = commit;
    this.#begin();
    await this.#writeLine(commit);
    this.#atLine = undefined;
  }

  async #writeRows(commit: Commit): Promise<void> {
    const { bets } = this.#parts;
    const { pieces, bytes } = commit.rows;
    if (bytes > 0) {
      const written = bets.write(pieces);
      for (const piece of pieces) commit.crc32 = crc32(piece, commit.crc32);
      await written;
      await bets.sync();
    }
    commit.end = bets.written;
  }

  async #writeLine(commit: Commit): Promise<void> {
    const { bets, journal } = this.#parts;
    const { record = groupRecord(commit), end } = commit;
    await journal.write([encodeRecord(this.#journalLines + 1, record)]);
    await journal.sync();
    commit.rows.release();
    bets.keep(end);
    journal.keep(journal.written);
    this.#journalLines += 1;
  }

  /**
   * What comes after a commit that failed must not be stored without it: nothing of them is kept, and everybody is told. A
   * disk that was full may have room for the next one.
   */
  async #takeBack(): Promise<void> {
    if (this.#takingBack) return;
    this.#takingBack = true;
    const { bets, journal, fail, watch } = this.#parts;
    // The last one fails with the worst of what those before it failed with.
    const error = await this.#lastBegun.then(
      () => {},
      (reason: unknown) => reason,
    );
    const begun = [this.#atLine, this.#atRows].filter(commit => commit !== undefined);
    let refusal: StoreError;
    try {
      if (!isFullError(error)) throw error;
      await journal.cutBack();
      if (begun.some(({ rows }) => rows.bytes > 0)) await bets.cutBack();
      refusal = error;
      watch?.onFull();
    } catch (worse) {
      refusal = fail(worse);
    }
    this.#atLine = undefined;
    this.#atRows = undefined;
    this.#lastBegun = Promise.resolve();
    this.#takingBack = false;
    for (const refused of [...begun, ...this.#waiting.splice(0)]) {
      refused.rows.release();
      refused.reject(refusal);
    }
  }
}

function groupRecord({ end, crc32: checksum, batches }: Commit): JournalRecord {
  return { type: 'group', end, crc32: hex32(checksum), batches };
}

/** @throws the reason of a rejected outcome: of those that do not pass first */
function throwWorst(outcomes: readonly PromiseSettledResult<void>[]): void {
  const reasons = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  if (reasons.length === 0) return;
  const worst = reasons.find(({ reason }) => !isFullError(reason)) ?? reasons[0]!;
  throw worst.reason;
}

export function isFullError(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'full';
}
