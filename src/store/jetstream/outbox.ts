import { basename, join } from 'node:path';
import { StoreError } from '../store.ts';
import { AppendFile, isFull, reasonOf } from '../csv/append-file.ts';
import type { TailCut } from '../csv/recovery.ts';
import { NODE_OUTBOX_FILES, type OutboxFiles } from './outbox-files.ts';
import { SegmentReader } from './outbox-reader.ts';
import { assertKeepable, encodeKept, type KeptRecord, type RecordPlace } from './outbox-record.ts';
import {
  createFolder,
  type RecoveredOutbox,
  recoverOutbox,
  type Segment,
  segmentNumbered,
} from './outbox-recovery.ts';

/** How long a record is kept while the engine runs: five times the two minutes after which the engine syncs its files. */
export const KEEP_MS = 10 * 60_000;

/** A segment that is larger takes no further append, in bytes. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;

/** A segment that has been written on for this part of the time takes no further append. */
const SEGMENTS_PER_KEEPING = 4;

/** In the folder of a server; the outbox of each stream is in a folder of its own in it. */
const OUTBOX_FOLDER = 'outbox';

const LOCK_FILE = 'outbox.lock';

export interface OutboxOptions {
  readonly files?: OutboxFiles;
  readonly keepMs?: number;
  readonly segmentBytesMax?: number;
}

/**
 * A synced copy of the recent end of the stream, in the folder of one server. The engine acknowledges when a majority has a
 * record and syncs its files only every two minutes; a loss of power in the whole cluster takes the end of the stream with it.
 * What a server has told anybody about is here before, to be offered to the stream again.
 *
 * Records are appended to segment files, `outbox-00000001.log` and so on (`encodeKept` has their grammar). When the engine has
 * run for long enough since the last append to a segment, the segment is removed, but never the newest one that holds
 * records: which record was the last is always known.
 *
 * Only the newest segment is written on, and segments are removed from the oldest on, one after the other, the folder synced
 * after each. So whenever the process ends, what is left is the end of what was kept, without gaps.
 */
export class Outbox {
  readonly #directory: string;
  readonly #files: OutboxFiles;
  readonly #unlock: () => void;
  readonly #keepMs: number;
  readonly #segmentBytesMax: number;
  /** Oldest first. */
  readonly #segments: Segment[];
  /** The last segment while it is written on. */
  #tail: AppendFile | undefined;
  /** For how long the engine has run since the tail got its first record. */
  #tailMs = 0;
  /** Number of the newest record that there ever was. */
  #number: number;
  readonly #newest: Map<string, number>;
  /** What was begun last; never rejected. */
  #queue: Promise<void> = Promise.resolve();
  /** Why nothing is taken any more. */
  #failure: StoreError | undefined;
  /** How often there was no room: what was handed over before is refused, too. */
  #refusals = 0;
  /** Number of readings under way. */
  #readings = 0;
  #closed: Promise<void> | undefined;

  private constructor(
    directory: string,
    unlock: () => void,
    recovered: RecoveredOutbox,
    options: OutboxOptions,
  ) {
    this.#directory = directory;
    this.#unlock = unlock;
    this.#files = options.files ?? NODE_OUTBOX_FILES;
    this.#keepMs = options.keepMs ?? KEEP_MS;
    this.#segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    this.#segments = [...recovered.segments];
    this.#tail = recovered.tail;
    this.#number = recovered.number;
    this.#newest = recovered.newest;
  }

  /**
   * Opens the outbox in `directory`, which is made when it is missing, and checks every byte of it.
   *
   * @returns also what was cut off: the rest of an append that was never acknowledged
   * @throws StoreError `unusable` when another process has the folder or it cannot be used; DamageError (also `unusable`) when
   *   something is not as it was acknowledged
   */
  static async open(
    directory: string,
    options: OutboxOptions = {},
  ): Promise<{ outbox: Outbox; cuts: readonly TailCut[] }> {
    const files = options.files ?? NODE_OUTBOX_FILES;
    await createFolder(directory, files);
    const unlock = await files.lock(join(directory, LOCK_FILE));
    try {
      const recovered = await recoverOutbox(directory, files);
      return { outbox: new Outbox(directory, unlock, recovered, options), cuts: recovered.cuts };
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /**
   * Opens the outbox of a stream in the folder of a server. Each stream has its own, so that nothing of one lottery is ever offered
   * to another; to a stream that was made anew with the same name, everything is.
   *
   * @throws StoreError as `open` does
   */
  static async openOf(
    directory: string,
    stream: string,
    options: OutboxOptions = {},
  ): Promise<{ outbox: Outbox; cuts: readonly TailCut[] }> {
    const outboxes = join(directory, OUTBOX_FOLDER);
    await createFolder(outboxes, options.files ?? NODE_OUTBOX_FILES);
    return Outbox.open(join(outboxes, stream), options);
  }

  /** The newest record; undefined when there has never been one, or all were cleared. */
  get last(): RecordPlace | undefined {
    return this.#segments.findLast(segment => segment.last !== undefined)?.last;
  }

  /** The oldest record that is kept. */
  get first(): RecordPlace | undefined {
    return this.#segments[0]?.first;
  }

  /** The largest number of a record of a writer that is kept, or was and is certainly synced; 0 when there is none. */
  newestOf(writer: string): number {
    return this.#newest.get(writer) ?? 0;
  }

  /** Length of all segments. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /**
   * Every record that is durable when the reading begins, oldest first, one in memory at a time. Others may append meanwhile.
   * Until the reading ends, or is left, no segment is removed.
   *
   * @throws DamageError when the disk gives back something else than it was given; StoreError `failed` when it gives nothing
   */
  async *records(): AsyncGenerator<KeptRecord, void> {
    this.#readings += 1;
    try {
      for (const { path, bytes } of this.#segments.map(segment => ({ ...segment }))) {
        if (bytes > 0) yield* this.#recordsOf(path, bytes);
      }
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError('failed', `cannot read ${this.#directory}, ${reasonOf(error)}`, error);
    } finally {
      this.#readings -= 1;
    }
  }

  /**
   * Keeps records, in order. Fulfilled when they are durable; until then their rows must not change. A crash before may leave
   * some of them, from the first on.
   *
   * @throws StoreError (as a rejection) `full` when there is no room: nothing of it is kept, nor of what was handed over since;
   *   later calls may succeed. `failed` when nobody knows any more what is on disk: nothing is taken from then on.
   */
  async append(records: readonly KeptRecord[]): Promise<void> {
    for (const record of records) assertKeepable(record);
    const refusals = this.#refusals;
    await this.#inTurn(async () => {
      if (refusals !== this.#refusals) {
        throw new StoreError('full', `there was no room in ${this.#directory} for what came before`);
      }
      try {
        if (records.length > 0) await this.#append(records);
      } catch (error) {
        this.#refusals += 1;
        throw error;
      }
    });
  }

  /**
   * Tells that the engine has run for another `elapsedMs` without interruption. Removes the segments whose records are certainly
   * on its disks by now.
   *
   * @throws StoreError (as a rejection) as `append` does; when there is no room, the removal is tried again next time
   */
  async aged(elapsedMs: number): Promise<void> {
    for (const segment of this.#segments) {
      // Of the time that is told first, a part had passed before the last append, or before the interruption.
      if (!this.#isTail(segment)) segment.ageMs = segment.ageMs === undefined ? 0 : segment.ageMs + elapsedMs;
    }
    if (this.#tail !== undefined && this.#tail.end > 0) this.#tailMs += elapsedMs;
    await this.#inTurn(async () => {
      if (this.#tailMs >= this.#keepMs / SEGMENTS_PER_KEEPING) await this.#closeTail();
      if (this.#readings === 0) await this.#remove(this.#segments.splice(0, this.#agedCount()));
    });
  }

  /** Tells that the engine was interrupted: of nothing is it known any more how long ago it was synced. */
  interrupted(): void {
    for (const segment of this.#segments) segment.ageMs = undefined;
  }

  /**
   * Removes every record. A crash meanwhile leaves the newest ones, or none: still an outbox, of records that the caller offers
   * again and finds in the stream.
   *
   * @throws StoreError (as a rejection) as `append` does; Error while records are being read, which is a mistake of the program
   */
  async clear(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#closeTail();
      if (this.#readings > 0) throw new Error('the outbox cannot be cleared while its records are read');
      await this.#remove(this.#segments.splice(0));
    });
  }

  /** Waits for what was handed over and lets go of the folder. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#queue;
    this.#failure ??= new StoreError('failed', `the outbox ${this.#directory} is closed`);
    try {
      await this.#tail?.file.close();
    } finally {
      this.#unlock();
    }
  }

  /** Does one thing after the other. What goes wrong, except for want of room, goes wrong for good. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await act();
      } catch (error) {
        if (error instanceof StoreError && error.code !== 'full') this.#failure = error;
        throw error;
      }
    });
    this.#queue = done.catch(() => {});
    return done;
  }

  async #append(records: readonly KeptRecord[]): Promise<void> {
    if (this.#tail !== undefined && this.#tail.end > this.#segmentBytesMax) await this.#closeTail();
    this.#tail ??= await this.#createTail();
    const tail = this.#tail;
    const first = this.#number + 1;
    try {
      await tail.write(records.flatMap((record, index) => encodeKept(record, first + index, first)));
    } catch (error) {
      if ((error as StoreError).code === 'full') await tail.cutBack();
      throw error;
    }
    await tail.sync();
    tail.keep(tail.written);
    this.#number += records.length;
    const segment = this.#segments.at(-1)!;
    segment.bytes = tail.end;
    segment.first ??= placeOf(records[0]!);
    segment.last = placeOf(records.at(-1)!);
    for (const { writer, n } of records) this.#newest.set(writer, Math.max(n, this.newestOf(writer)));
  }

  async #createTail(): Promise<AppendFile> {
    const newest = this.#segments.at(-1);
    // One that is empty is left when it could not be cleared away.
    const segment =
      newest?.bytes === 0 ? newest : segmentNumbered(this.#directory, (newest?.number ?? 0) + 1);
    const file = await trying(`create ${segment.path}`, () => this.#files.open(segment.path));
    if (segment !== newest) this.#segments.push(segment);
    this.#tail = new AppendFile(segment.path, file, 0);
    await this.#syncDirectory();
    return this.#tail;
  }

  /** Nothing is written on the last segment any more. */
  async #closeTail(): Promise<void> {
    const tail = this.#tail;
    if (tail === undefined) return;
    this.#tail = undefined;
    this.#tailMs = 0;
    await trying(`close ${tail.path}`, () => tail.file.close());
  }

  #isTail(segment: Segment): boolean {
    return this.#tail?.path === segment.path;
  }

  /** How many of the oldest segments are old enough. The newest one with records stays. */
  #agedCount(): number {
    const isYoung = ({ ageMs }: Segment, index: number): boolean =>
      (ageMs ?? 0) < this.#keepMs || this.#segments[index + 1]?.first === undefined;
    const count = this.#segments.findIndex(isYoung);
    return count < 0 ? 0 : count;
  }

  /** Removes segments that were taken out of `#segments`, oldest first. */
  async #remove(segments: Segment[]): Promise<void> {
    try {
      for (let segment = segments[0]; segment !== undefined; segment = segments[0]) {
        const { path } = segment;
        await trying(`remove ${path}`, () => this.#files.remove(path));
        segments.shift();
        await this.#syncDirectory();
      }
    } finally {
      this.#segments.unshift(...segments);
    }
  }

  async #syncDirectory(): Promise<void> {
    try {
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      throw new StoreError('failed', `cannot sync ${this.#directory}, ${reasonOf(error)}`, error);
    }
  }

  async *#recordsOf(path: string, end: number): AsyncGenerator<KeptRecord, void> {
    const file = await this.#files.openToRead(path);
    try {
      const part = { name: basename(path), number: undefined, end, mayBeTorn: false };
      for await (const { record } of new SegmentReader(file, part).read()) yield record;
    } finally {
      await file.close();
    }
  }
}

function placeOf({ position, writer, n }: KeptRecord): RecordPlace {
  return { position, writer, n };
}

/** @throws StoreError `full` when there was no room for it, else `failed` */
async function trying<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const code = isFull(error) ? 'full' : 'failed';
    throw new StoreError(code, `cannot ${what}, ${reasonOf(error)}`, error);
  }
}
