import { dirname, join } from 'node:path';
import type { BetBatch } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import { loadBets } from '../../lottery/catedra.ts';
import { type Store, StoreError } from '../store.ts';
import { type DataFile, type Files, NODE_FILES } from './files.ts';
import { wholeRowsLength } from './whole-rows.ts';

export const BETS_FILE = 'bets.csv';

/** Buffers of one write: Linux takes at most 1024 (IOV_MAX). */
const BUFFERS_PER_WRITE = 1024;

/** Bets between which the draw lets other work pass: about a millisecond. */
const BETS_PER_SLICE = 4096;

export interface OpenedCsvStore {
  readonly store: CsvStore;
  /** Bytes of a row without line end that were cut off: the rest of a write that was never acknowledged. */
  readonly tornBytes: number;
}

/** Batches that are made durable by one write and one sync. */
interface Group {
  readonly buffers: Uint8Array[];
  bytes: number;
  readonly done: Promise<void>;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * The embedded store: the rows of `bets.csv`, written by one writer in groups. While one group is being written and
 * synced, the next one gathers, so that one sync serves all connections that wait for it.
 *
 *     append ──▶ gathering group ──▶ write ──▶ sync ──▶ every `append` of the group is fulfilled
 */
export class CsvStore implements Store {
  readonly failure: Promise<StoreError>;
  readonly #path: string;
  readonly #file: DataFile;
  /** Everything before this offset is durable and made of whole rows. */
  #end: number;
  #gathering: Group = newGroup();
  #writing: Group | undefined;
  #failed: StoreError | undefined;
  #closing = false;
  readonly #failure = Promise.withResolvers<StoreError>();

  private constructor(path: string, file: DataFile, end: number) {
    this.#path = path;
    this.#file = file;
    this.#end = end;
    this.failure = this.#failure.promise;
  }

  /**
   * Opens or creates `bets.csv` in an existing directory. Rows that are there stay and take part in the draw; a last row
   * without its line end is cut off.
   *
   * @throws StoreError `unusable`
   */
  static async open(directory: string, files: Files = NODE_FILES): Promise<OpenedCsvStore> {
    const path = join(directory, BETS_FILE);
    let file: DataFile | undefined;
    try {
      file = await files.open(path);
      const size = await file.size();
      const end = await wholeRowsLength(file, size);
      if (end < size) await file.truncate(end);
      await file.sync();
      await files.syncDirectory(dirname(path));
      return { store: new CsvStore(path, file, end), tornBytes: size - end };
    } catch (error) {
      await file?.close().catch(() => {});
      throw new StoreError('unusable', `cannot use ${path}, ${reasonOf(error)}`, error);
    }
  }

  get unsyncedBytes(): number {
    return this.#gathering.bytes + (this.#writing?.bytes ?? 0);
  }

  append(batch: BetBatch): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    if (this.#closing) return Promise.reject(new StoreError('failed', 'the store is closed'));
    const group = this.#gathering;
    group.buffers.push(batch.rows);
    group.bytes += batch.rows.length;
    this.#startWriting();
    return group.done;
  }

  async settled(): Promise<void> {
    // Not until nothing is written any more: others may append without end.
    const last = this.#gathering.buffers.length > 0 ? this.#gathering : this.#writing;
    await last?.done.catch(() => {});
    if (this.#failed !== undefined) throw this.#failed;
  }

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    await this.settled();
    let slice: Bet[] = [];
    for (const bet of loadBets(this.#path)) {
      slice.push(bet);
      if (slice.length < BETS_PER_SLICE) continue;
      yield slice;
      slice = [];
      await new Promise(resolve => setImmediate(resolve));
    }
    yield slice;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.settled().catch(() => {});
    await this.#file.close();
  }

  /** One group at a time; the loop ends when nothing has gathered meanwhile. */
  #startWriting(): void {
    if (this.#writing !== undefined) return;
    const group = this.#gathering;
    this.#gathering = newGroup();
    this.#writing = group;
    this.#commit(group).then(
      () => this.#finishGroup(group.fulfil),
      (error: StoreError) => this.#finishGroup(() => group.reject(error)),
    );
  }

  #finishGroup(answer: () => void): void {
    this.#writing = undefined;
    if (this.#gathering.buffers.length > 0) {
      if (this.#failed === undefined) this.#startWriting();
      else this.#gathering.reject(this.#failed);
    }
    answer();
  }

  async #commit(group: Group): Promise<void> {
    try {
      await this.#write(group);
    } catch (error) {
      const message = `cannot write ${this.#path}, ${reasonOf(error)}`;
      if (!isFull(error)) throw this.#fail(message, error);
      await this.#takeBack();
      throw new StoreError('full', message, error);
    }
    try {
      await this.#file.sync();
    } catch (error) {
      // After a failed sync nobody knows what is on disk, and a second one may succeed without having written anything.
      throw this.#fail(`cannot sync ${this.#path}, ${reasonOf(error)}`, error);
    }
    this.#end += group.bytes;
  }

  /** A write may take less than it was given: go on behind what it took. */
  async #write(group: Group): Promise<void> {
    let position = this.#end;
    // Empty batches have no bytes: a write of nothing but them would take nothing.
    let buffers: readonly Uint8Array[] = group.buffers.filter(rows => rows.length > 0);
    while (buffers.length > 0) {
      const written = await this.#file.write(buffers.slice(0, BUFFERS_PER_WRITE), position);
      if (written === 0) throw new Error('nothing was written');
      position += written;
      buffers = dropBytes(buffers, written);
    }
  }

  /** Removes what a failed write left behind the last durable row, for good. */
  async #takeBack(): Promise<void> {
    try {
      await this.#file.truncate(this.#end);
      await this.#file.sync();
    } catch (error) {
      throw this.#fail(`cannot cut ${this.#path} back to ${this.#end} bytes, ${reasonOf(error)}`, error);
    }
  }

  #fail(message: string, cause: unknown): StoreError {
    this.#failed = new StoreError('failed', message, cause);
    this.#failure.resolve(this.#failed);
    return this.#failed;
  }
}

function newGroup(): Group {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever appended hears of it through the same promise; a group that nobody waits for is no error.
  promise.catch(() => {});
  return { buffers: [], bytes: 0, done: promise, fulfil: resolve, reject };
}

/** The buffers without their first `count` bytes. */
function dropBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let index = 0;
  let left = count;
  while (index < buffers.length && left >= buffers[index]!.length) {
    left -= buffers[index]!.length;
    index += 1;
  }
  const rest = buffers.slice(index);
  if (left > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}

/** Whether the disk, or what this user may use of it, is full: the only failure of a write that can pass. */
function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** The system's code and what it was doing, without the path and the punctuation of Node's message. */
function reasonOf(error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code !== undefined) return `${code} on ${syscall ?? 'use'}`;
  return error instanceof Error ? error.message : String(error);
}
