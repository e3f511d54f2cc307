import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { reasonOf } from '../../files/system-error.ts';
import type { BetBatch } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import { loadBets } from '../../lottery/catedra.ts';
import type { BetsDigest } from '../../lottery/acta.ts';
import type { UploadPlace } from '../../lottery/fact.ts';
import {
  type Note,
  type OnFact,
  type OnStoreEvent,
  type Store,
  StoreError,
  type StoreWatch,
} from '../store.ts';
import { type AppendFile } from './append-file.ts';
import { DamageError } from './damage.ts';
import { RunningDigest } from './running-digest.ts';
import { CommitWriter, isFullError } from './commit-writer.ts';
import { asFailed, Failure } from './failure.ts';
import { FileGuard } from './file-guard.ts';
import { type Files, NODE_FILES } from './files.ts';
import { FolderLease, LOOK_MS } from './folder-lease.ts';
import type { JournalRecord } from './journal-record.ts';
import { type RecoveredFiles, recoverFiles, type TailCut } from './recovery.ts';

/** Bets between two turns of the event loop during the draw: less than a millisecond. */
const BETS_PER_SLICE = 4096;

/** Idle time before rows are digested and the last group is confirmed, in milliseconds. */
const IDLE_MS = 200;

/** Bytes of rows between checkpoints, and the most that a stopping server digests. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;

export interface CsvStoreOptions {
  readonly files?: Files;
  readonly clock?: () => Date;
  /** The expected agencies, such as `1-5`, where the journal does not name them. */
  readonly agencies?: string | undefined;
  readonly onFact?: OnFact;
  readonly watch?: StoreWatch | undefined;
  readonly onEvent?: OnStoreEvent;
  /** Waits at the start where another server may still have the folder. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

export interface OpenedCsvStore {
  readonly store: CsvStore;
  readonly cuts: readonly TailCut[];
}

/**
 * The embedded store: rows in `bets.csv`, facts in `bets.journal`. docs/STORE.md lists what a crash
 * leaves at each step.
 */
export class CsvStore implements Store {
  readonly failure: Promise<StoreError>;
  readonly lottery: string;
  readonly #bets: AppendFile;
  readonly #journal: AppendFile;
  readonly #lease: FolderLease;
  readonly #guard: FileGuard;
  readonly #digest: RunningDigest;
  readonly #failure = new Failure();
  readonly #writer: CommitWriter;
  #closing = false;
  #sealed: boolean;
  /** End of the rows in the last checkpoint, in bytes. */
  #checkpointEnd: number;
  /** Lines of the journal when the store was last seen idle. */
  #idleLines = -1;
  readonly #idleTimer: NodeJS.Timeout;
  readonly #lookTimer: NodeJS.Timeout;

  private constructor(recovered: RecoveredFiles, lease: FolderLease, options: CsvStoreOptions) {
    const { files = NODE_FILES, onFact, watch, onEvent = () => {} } = options;
    const { bets, journal, checkpoints } = recovered;
    const failure = this.#failure;
    this.#bets = bets;
    this.#journal = journal;
    this.#lease = lease;
    const settled = (): Promise<void> => this.#writer.settled();
    this.#guard = new FileGuard({ files, lease, bets, journal, failure, settled, onEvent });
    this.#writer = new CommitWriter({ ...recovered, guard: this.#guard, failure, onFact, watch });
    this.#sealed = recovered.drawn;
    this.#digest = new RunningDigest(bets.file, checkpoints);
    this.#checkpointEnd = checkpoints.at(-1)?.end ?? 0;
    this.#idleTimer = setInterval(() => void this.#whenIdle(), IDLE_MS).unref();
    this.#lookTimer = setInterval(() => void this.#guard.look().catch(() => {}), LOOK_MS).unref();
    this.failure = failure.announced;
    this.lottery = recovered.begun;
  }

  /**
   * Opens an existing directory: empty, as a former process left it, or with a `bets.csv` alone,
   * whose bets take part in the draw.
   *
   * @throws StoreError `unusable` when another process has the directory, or when it cannot be
   *   written; DamageError when acknowledged data is missing
   */
  static async open(directory: string, options: CsvStoreOptions = {}): Promise<OpenedCsvStore> {
    const { files = NODE_FILES, clock = now, agencies, onFact = () => {}, onEvent } = options;
    let lease: FolderLease | undefined;
    try {
      lease = await FolderLease.take(directory, files, options.pause);
      const parts = { files, clock, agencies, onFact, lease, onEvent };
      const recovered = await recoverFiles(directory, parts);
      return { store: new CsvStore(recovered, lease, options), cuts: recovered.cuts };
    } catch (error) {
      lease?.release();
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
    assert(rows.length >= count, 'a batch has a row for each bet');
    const stored = [agency, count, rows.length] as const;
    const batch = place === undefined ? stored : ([...stored, place.upload, place.seq] as const);
    return this.#writer.append(batch, rows);
  }

  note(note: Note): Promise<void> {
    switch (note.kind) {
      case 'refused':
        return this.#appendRefused(note);
      case 'finished':
        return this.#record({ type: 'finished', agency: note.agency, upload: note.upload });
      case 'closed': {
        const { number: acta, bytes: end, ...rest } = note.acta;
        return this.#record({ type: 'close', acta, ...rest, end });
      }
      case 'drawn':
        return this.#seal(note);
    }
  }

  async digest(): Promise<BetsDigest> {
    await this.#guard.look().catch(() => {});
    await this.settled();
    try {
      await this.#digest.advance(this.#bets.end, () => true);
      if (this.#digest.crc32 !== this.#writer.rowsCrc32) throw this.#changed();
    } catch (error) {
      throw this.#failure.fail(error);
    }
    return this.#digest.digest;
  }

  async settled(): Promise<void> {
    await this.#writer.settled();
    if (this.#failure.error === undefined) return;
    await this.#failure.rescued;
    throw this.#failure.error;
  }

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    await this.#guard.look().catch(() => {});
    await this.settled();
    const { rowsCrc32 } = this.#writer;
    let left = this.#bets.end;
    let checksum = 0;
    const bets = loadBets(this.#bets.file.descriptor, chunk => {
      const acknowledged = chunk.subarray(0, left);
      checksum = crc32(acknowledged, checksum);
      left -= acknowledged.length;
    });
    let slice: Slice;
    do {
      slice = new Slice(bets);
      yield slice;
      await new Promise(resolve => setImmediate(resolve));
    } while (!slice.isLast);
    if (left > 0 || checksum !== rowsCrc32) throw this.#failure.fail(this.#changed());
  }

  async close(): Promise<void> {
    await this.settled().catch(() => {});
    await this.#guard.look().catch(() => {});
    await this.#checkpointAtEnd();
    this.#closing = true;
    clearInterval(this.#idleTimer);
    clearInterval(this.#lookTimer);
    await this.settled().catch(() => {});
    await this.#digest.stopped();
    await this.#failure.rescued;
    const closed = await Promise.allSettled([this.#bets.file.close(), this.#journal.file.close()]);
    this.#lease.release();
    const error = closed.find(outcome => outcome.status === 'rejected');
    if (error !== undefined) throw asFailed(error.reason);
  }

  #appendRefused({ agency, place, fault }: Extract<Note, { kind: 'refused' }>): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#writer.append({ agency, ...place, ...fault });
  }

  async #seal({ draw, seal }: Extract<Note, { kind: 'drawn' }>): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    const { bytes: end, sha256, time } = seal;
    const winners = [...draw.winners];
    const durable = this.#record({ type: 'draw', time, end, sha256, bets: draw.bets, winners });
    this.#sealed = true;
    try {
      await durable;
    } catch (error) {
      this.#sealed = false;
      throw error;
    }
  }

  /** Why nothing is appended any more. */
  #refusal(): StoreError | undefined {
    if (this.#failure.error !== undefined) return this.#failure.error;
    if (this.#closing) return new StoreError('failed', 'the store is closed');
    return this.#sealed ? new StoreError('failed', 'nothing is stored after the draw') : undefined;
  }

  #record(record: JournalRecord): Promise<void> {
    const refusal = this.#refusal();
    return refusal === undefined ? this.#writer.record(record) : Promise.reject(refusal);
  }

  get #isIdle(): boolean {
    return this.#writer.isIdle && !this.#closing && !this.#sealed && !this.#failure.error;
  }

  /** Digests the rows while nothing is written, and confirms the last group. */
  async #whenIdle(): Promise<void> {
    const wasIdle = this.#isIdle && this.#writer.journalLines === this.#idleLines;
    this.#idleLines = this.#isIdle ? this.#writer.journalLines : -1;
    if (!wasIdle) return;
    try {
      await this.#digest.advance(this.#bets.end, () => this.#isIdle);
      const digested = this.#digest.offset - this.#checkpointEnd;
      const isDue = this.#writer.isUnconfirmed || digested >= CHECKPOINT_BYTES;
      if (this.#isIdle && isDue) await this.#checkpoint();
    } catch (error) {
      if (!isFullError(error)) this.#failure.fail(error);
    }
  }

  async #checkpoint(): Promise<void> {
    const { offset: end, sha256 } = this.#digest;
    await this.#record({ type: 'checkpoint', end, sha256 });
    this.#checkpointEnd = end;
  }

  /** Makes a copy of a stopped server's files verifiable, where that is quick. */
  async #checkpointAtEnd(): Promise<void> {
    if (this.#failure.error !== undefined || this.#sealed) return;
    const { end } = this.#bets;
    try {
      if (end - this.#digest.offset <= CHECKPOINT_BYTES)
        await this.#digest.advance(end, () => true);
      if (this.#writer.isUnconfirmed || this.#digest.offset > this.#checkpointEnd)
        await this.#checkpoint();
    } catch (error) {
      if (!isFullError(error)) this.#failure.fail(error);
    }
  }

  #changed(): StoreError {
    const { path } = this.#bets;
    return new StoreError(
      'failed',
      `another program changed ${path}, its rows are not those that were acknowledged; ${DamageError.wayOut}`,
    );
  }
}

/** The next bets, taken from all of them one by one: an array would keep them alive. */
class Slice extends Iterator<Bet> {
  isLast = false;
  readonly #bets: Iterator<Bet>;
  #left = BETS_PER_SLICE;

  constructor(bets: Iterator<Bet>) {
    super();
    this.#bets = bets;
  }

  override next(): IteratorResult<Bet> {
    if (this.#left === 0) return { value: undefined, done: true };
    this.#left -= 1;
    const result = this.#bets.next();
    this.isLast = result.done === true;
    return result;
  }
}

function now(): Date {
  return new Date();
}
