import { join } from 'node:path';
import type { BetBatch } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import { loadBets } from '../../lottery/catedra.ts';
import type { Draw } from '../../lottery/draw.ts';
import type { Seal, UploadPlace } from '../../lottery/fact.ts';
import type { RowScanner } from '../../lottery/row-scanner.ts';
import { type Note, type OnFact, type Store, StoreError, type StoreWatch } from '../store.ts';
import { type AppendFile, reasonOf } from './append-file.ts';
import { RunningDigest } from './running-digest.ts';
import { CommitWriter, isFullError } from './commit-writer.ts';
import { type Files, NODE_FILES } from './files.ts';
import type { JournalRecord } from './journal-record.ts';
import { type RecoveredFiles, recoverFiles, type TailCut } from './recovery.ts';
import { factsOf } from './store-walk.ts';

export const LOCK_FILE = 'bets.lock';

/** Bets between which the draw lets other work pass: less than a millisecond. */
const BETS_PER_SLICE = 4096;

/** How long nothing was written before the digest of the file goes on and the last group is confirmed, in milliseconds. */
const IDLE_MS = 200;

/** Bytes of rows after which a checkpoint is worth a line of the journal, and more than a stopping server digests. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;

export interface CsvStoreOptions {
  readonly files?: Files;
  readonly clock?: () => Date;
  /** The agencies that the draw waits for, such as `1-5`: of a new lottery, and of one whose journal does not say. */
  readonly agencies?: string | undefined;
  /** Told every fact in order: those of former processes before the store is open, each later one when it is durable. */
  readonly onFact?: OnFact;
  /** Told how long the disk takes and when it is full. */
  readonly watch?: StoreWatch | undefined;
  /** How the rows are found for a draw, when there is a faster way than the plain one. */
  readonly openRowScanner?: () => RowScanner;
}

export interface OpenedCsvStore {
  readonly store: CsvStore;
  readonly cuts: readonly TailCut[];
}

/**
 * The embedded store: the rows in `bets.csv`, the facts in `bets.journal`. What is handed over while a group is on its way to
 * the disk gathers in the next one (`commit-writer.ts`), so that one wait for the disk serves all connections. What a
 * crash leaves behind at any point of this is in docs/STORE.md.
 */
export class CsvStore implements Store {
  readonly failure: Promise<StoreError>;
  readonly #bets: AppendFile;
  readonly #journal: AppendFile;
  readonly #unlock: () => void;
  readonly #clock: () => Date;
  readonly #openRowScanner: (() => RowScanner) | undefined;
  readonly #digest: RunningDigest;
  readonly #failure = Promise.withResolvers<StoreError>();
  readonly #writer: CommitWriter;
  #failed: StoreError | undefined;
  #closing = false;
  /** No bet follows the draw. */
  #sealed: boolean;
  /** How much of the rows the last checkpoint covers, in bytes. */
  #checkpointEnd: number;
  /** No line of the journal confirms the last group yet. */
  #isUnconfirmed: boolean;
  readonly #idleTimer: NodeJS.Timeout;

  private constructor(recovered: RecoveredFiles, unlock: () => void, options: CsvStoreOptions) {
    this.#bets = recovered.bets;
    this.#journal = recovered.journal;
    this.#writer = new CommitWriter({
      ...recovered,
      watch: options.watch,
      fail: error => this.#fail(error),
      onDurable: record => {
        this.#isUnconfirmed = record.type === 'group';
        for (const fact of factsOf(record)) options.onFact?.(fact);
      },
      onQuiet: () => {
        if (this.#idle) this.#idleTimer.refresh();
      },
    });
    this.#unlock = unlock;
    this.#clock = options.clock ?? now;
    this.#openRowScanner = options.openRowScanner;
    this.#sealed = recovered.drawn;
    this.#isUnconfirmed = recovered.isUnconfirmed;
    this.#digest = new RunningDigest(recovered.bets.file, recovered.checkpoints);
    this.#checkpointEnd = recovered.checkpoints.at(-1)?.end ?? 0;
    this.#idleTimer = setTimeout(() => void this.#digestBehind(), IDLE_MS).unref();
    this.failure = this.#failure.promise;
  }

  /**
   * Opens an existing directory and everything in it: an empty one, what a former process left there however it ended, or a
   * `bets.csv` alone, which is taken over and takes part in the draw.
   *
   * @throws StoreError `unusable` when another process has the directory, when it cannot be written, or when what was
   *   acknowledged is not there any more (a `DamageError` with file and offset)
   */
  static async open(directory: string, options: CsvStoreOptions = {}): Promise<OpenedCsvStore> {
    const { files = NODE_FILES, clock = now, agencies, onFact = () => {} } = options;
    let unlock = (): void => {};
    try {
      unlock = await files.lock(join(directory, LOCK_FILE));
      const recovered = await recoverFiles(directory, { files, clock, agencies, onFact });
      return { store: new CsvStore(recovered, unlock, options), cuts: recovered.cuts };
    } catch (error) {
      unlock();
      if (error instanceof StoreError && error.code === 'unusable') throw error;
      const reason = error instanceof StoreError ? error.message : reasonOf(error);
      throw new StoreError('unusable', `cannot use DATA_DIR ${directory}, ${reason}`, error);
    }
  }

  get unsyncedBytes(): number {
    return this.#writer.unsyncedBytes;
  }

  append({ agency, count, rows }: BetBatch, place?: UploadPlace): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#writer.gather(group => {
      const stored = [agency, count, rows.length] as const;
      group.batches.push(place === undefined ? stored : [...stored, place.upload, place.seq]);
      group.rows.append(rows);
    });
  }

  note(note: Note): Promise<void> {
    if (note.kind === 'finished') {
      return this.#record({ type: 'finished', agency: note.agency, upload: note.upload });
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#writer.gather(group => {
      group.batches.push({ agency: note.agency, ...note.place, ...note.fault });
    });
  }

  async seal(draw: Draw): Promise<Seal> {
    await this.settled();
    const { end } = this.#bets;
    try {
      await this.#digest.advance(end, () => true);
    } catch (error) {
      throw this.#fail(error);
    }
    const { sha256 } = this.#digest;
    const time = this.#clock().toISOString();
    const line = { type: 'draw', time, end, sha256, bets: draw.bets, winners: [...draw.winners] } as const;
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    const durable = this.#record(line);
    this.#sealed = true;
    try {
      await durable;
    } catch (error) {
      this.#sealed = false;
      throw error;
    }
    return { bytes: end, sha256, time };
  }

  async settled(): Promise<void> {
    await this.#writer.settled();
    if (this.#failed !== undefined) throw this.#failed;
  }

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    await this.settled();
    let slice: Bet[] = [];
    for (const bet of loadBets(this.#bets.path, this.#openRowScanner?.())) {
      slice.push(bet);
      if (slice.length < BETS_PER_SLICE) continue;
      yield slice;
      slice = [];
      await new Promise(resolve => setImmediate(resolve));
    }
    yield slice;
  }

  async close(): Promise<void> {
    await this.settled().catch(() => {});
    await this.#checkpointAtTheEnd();
    this.#closing = true;
    clearTimeout(this.#idleTimer);
    await this.settled().catch(() => {});
    await this.#digest.stopped();
    const closed = await Promise.allSettled([this.#bets.file.close(), this.#journal.file.close()]);
    this.#unlock();
    const error = closed.find(outcome => outcome.status === 'rejected');
    if (error !== undefined) throw asFailed(error.reason);
  }

  /** Why nothing is taken any more. */
  #refusal(): StoreError | undefined {
    if (this.#failed !== undefined) return this.#failed;
    if (this.#closing) return new StoreError('failed', 'the store is closed');
    return this.#sealed ? new StoreError('failed', 'nothing is stored after the draw') : undefined;
  }

  #record(record: JournalRecord): Promise<void> {
    const refusal = this.#refusal();
    return refusal === undefined ? this.#writer.record(record) : Promise.reject(refusal);
  }

  /** Whether there is time for the digest. */
  get #idle(): boolean {
    return this.#writer.quiet && !this.#closing && !this.#sealed && this.#failed === undefined;
  }

  /** Behind the writer, when that has had nothing to do for a while. */
  async #digestBehind(): Promise<void> {
    try {
      await this.#digest.advance(this.#bets.end, () => this.#idle);
      const isDue = this.#isUnconfirmed || this.#digest.offset - this.#checkpointEnd >= CHECKPOINT_BYTES;
      if (this.#idle && isDue) await this.#checkpoint();
    } catch (error) {
      if (!isFullError(error)) this.#fail(error);
    }
  }

  /** The digest as far as it has come, as a line of the journal. */
  async #checkpoint(): Promise<void> {
    const { offset: end, sha256 } = this.#digest;
    await this.#record({ type: 'checkpoint', end, sha256 });
    this.#checkpointEnd = end;
  }

  /** So that whoever keeps a copy of the files of a stopped server can check it; not when that would take long. */
  async #checkpointAtTheEnd(): Promise<void> {
    if (this.#failed !== undefined || this.#sealed) return;
    const { end } = this.#bets;
    try {
      if (end - this.#digest.offset <= CHECKPOINT_BYTES) await this.#digest.advance(end, () => true);
      if (this.#isUnconfirmed || this.#digest.offset > this.#checkpointEnd) await this.#checkpoint();
    } catch (error) {
      if (!isFullError(error)) this.#fail(error);
    }
  }

  #fail(error: unknown): StoreError {
    this.#failed ??= asFailed(error);
    this.#failure.resolve(this.#failed);
    return this.#failed;
  }
}

function now(): Date {
  return new Date();
}

function asFailed(error: unknown): StoreError {
  if (!(error instanceof StoreError)) return new StoreError('failed', reasonOf(error), error);
  return error.code === 'failed' ? error : new StoreError('failed', error.message, error);
}
