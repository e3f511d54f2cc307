import { basename } from 'node:path';
import type { SeededRandom } from '../../src/dataset/random.ts';
import type { FileIdentity } from '../../src/store/csv/file-identity.ts';
import type { DataFile, Files, ReadableFile } from '../../src/store/csv/files.ts';
import type { FolderLock } from '../../src/store/csv/folder-lock.ts';
import { StoreError } from '../../src/store/store.ts';

/** Unit of atomic writes, in bytes. */
const SECTOR_BYTES = 512;

/** An unsynced write or truncation. */
type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly length: number };

interface Content {
  /** Content for a process, with all writes. */
  now: Buffer;
  /** Content at the last sync. */
  durable: Buffer;
  /** The changes from `durable` to `now`. */
  unsynced: readonly Change[];
}

/** A name added, removed or renamed since the last sync of the directory. */
interface NameChange {
  readonly gives?: string;
  readonly content?: Content;
  readonly takes?: string;
}

/**
 * The fate of unsynced changes. `kill`: the process dies, and everything remains, as volatile as
 * before. The others are power losses: none, all, or a random part survives.
 */
export type Crash = 'kill' | 'lost' | 'kept' | 'torn';

/** The content of a disk, now and after a crash. All files are in one directory. */
export class DiskState {
  #names = new Map<string, Content>();
  #durableNames = new Map<string, Content>();
  #nameChanges: readonly NameChange[] = [];

  /** @param files that are there durably, by their path */
  constructor(files: Readonly<Record<string, Uint8Array | string>> = {}) {
    for (const [path, bytes] of Object.entries(files)) this.put(path, bytes);
  }

  /** Sets the durable content of a file. */
  put(path: string, bytes: Uint8Array | string): void {
    const content: Content = { now: Buffer.from(bytes), durable: Buffer.from(bytes), unsynced: [] };
    this.#names.set(path, content);
    this.#durableNames.set(path, content);
  }

  get paths(): string[] {
    return [...this.#names.keys()];
  }

  find(path: string): Content | undefined {
    return this.#names.get(path);
  }

  create(path: string): Content {
    const content: Content = { now: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] };
    this.#names.set(path, content);
    this.#nameChanges = [...this.#nameChanges, { gives: path, content }];
    return content;
  }

  rename(from: string, to: string): void {
    const content = this.#names.get(from);
    if (content === undefined) throw systemError('ENOENT', 'rename');
    this.#names.delete(from);
    this.#names.set(to, content);
    this.#nameChanges = [...this.#nameChanges, { gives: to, content, takes: from }];
  }

  remove(path: string): void {
    this.#names.delete(path);
    this.#nameChanges = [...this.#nameChanges, { takes: path }];
  }

  write(path: string, at: number, bytes: Uint8Array): void {
    apply(this.#names.get(path)!, { at, bytes });
  }

  syncNames(): void {
    this.#durableNames = new Map(this.#names);
    this.#nameChanges = [];
  }

  /** A copy of the current state. */
  copy(): DiskState {
    const copies = new Map<Content, Content>();
    const copyOf = (content: Content): Content => {
      let copied = copies.get(content);
      if (copied === undefined) copies.set(content, (copied = { ...content }));
      return copied;
    };
    const copyNames = (names: Map<string, Content>): Map<string, Content> =>
      new Map([...names].map(([path, content]) => [path, copyOf(content)]));
    const copy = new DiskState();
    copy.#names = copyNames(this.#names);
    copy.#durableNames = copyNames(this.#durableNames);
    copy.#nameChanges = this.#nameChanges.map(change =>
      change.content === undefined ? change : { ...change, content: copyOf(change.content) },
    );
    return copy;
  }

  /** The state after a crash. */
  after(crash: Crash, random: SeededRandom): DiskState {
    if (crash === 'kill') return this.copy();
    const names = new Map(crash === 'kept' ? this.#names : this.#durableNames);
    if (crash === 'torn') {
      for (const { gives, content, takes } of this.#nameChanges) {
        if (random.between(0, 1) === 0) continue;
        if (gives !== undefined) names.set(gives, content!);
        if (takes !== undefined) names.delete(takes);
      }
    }
    const survived = new DiskState();
    for (const [path, content] of names) survived.put(path, survivingBytes(content, crash, random));
    return survived;
  }
}

function survivingBytes(content: Content, crash: Crash, random: SeededRandom): Buffer {
  const { now, durable, unsynced } = content;
  if (crash === 'lost' || unsynced.length === 0) return durable;
  if (crash === 'kept') return now;
  const oddsOfTen = random.pick([2, 5, 9]);
  let bytes = durable;
  for (const change of shuffled(unsynced.flatMap(sectorsOf), random)) {
    if (random.between(0, 9) < oddsOfTen) bytes = changed(bytes, change);
  }
  // The length of a file is persisted separately from its bytes.
  const cuts = unsynced.map(change => ('length' in change ? change.length : durable.length));
  const shortest = Math.min(...cuts);
  const longest = Math.max(bytes.length, now.length);
  const length = random.pick([bytes.length, now.length, random.between(shortest, longest)]);
  return Buffer.concat([bytes], length);
}

/** The parts of a change that survive a power loss independently. */
function sectorsOf(change: Change): Change[] {
  if ('length' in change) return [change];
  const { at, bytes } = change;
  const sectors: Change[] = [];
  for (let start = at; start < at + bytes.length; ) {
    const end = Math.min(at + bytes.length, start - (start % SECTOR_BYTES) + SECTOR_BYTES);
    sectors.push({ at: start, bytes: bytes.subarray(start - at, end - at) });
    start = end;
  }
  return sectors;
}

function changed(content: Buffer, change: Change): Buffer {
  if ('length' in change) return content.subarray(0, change.length);
  const { at, bytes } = change;
  const longer = Buffer.alloc(Math.max(content.length, at + bytes.length));
  longer.set(content);
  longer.set(bytes, at);
  return longer;
}

function shuffled<Item>(items: readonly Item[], random: SeededRandom): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = random.between(0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** A call that changes a disk. `file` is without its folder. */
export type Step =
  | { readonly kind: 'open' | 'sync' | 'close'; readonly file: string }
  | {
      readonly kind: 'write';
      readonly file: string;
      readonly bytes: Uint8Array;
      readonly buffers: number;
      readonly position: number;
    }
  | { readonly kind: 'truncate'; readonly file: string; readonly length: number }
  | { readonly kind: 'rename'; readonly file: string; readonly to: string }
  | { readonly kind: 'remove'; readonly file: string }
  | { readonly kind: 'sync directory'; readonly file: string };

/** The outcome of a step. */
export interface StepOutcome {
  /** Number of bytes that a write takes; default: all. */
  readonly bytes?: number | undefined;
  /** Thrown after the write. */
  readonly error?: Error | undefined;
  /** Reports success without doing anything. */
  readonly ignored?: boolean;
}

/** An error like Node's for a failed system call. */
export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: made for the test, ${syscall} '/somewhere'`), {
    code,
    syscall,
  });
}

const LOCK_IDENTITY: FileIdentity = { id: 'lock', bornMs: 0, bytes: 0 };

/** A disk in memory that tracks what was synced. The test decides each step. */
export class SimulatedDisk implements Files {
  readonly state: DiskState;
  /** Decides the outcome of each step; undefined: success. */
  rule: ((step: Step) => StepOutcome | undefined | Promise<StepOutcome | undefined>) | undefined;
  /** Number of open files. */
  openCount = 0;
  readonly #locked = new Set<string>();
  readonly #ids = new WeakMap<Content, string>();
  #lastId = 0;

  constructor(state: DiskState) {
    this.state = state;
  }

  get isLocked(): boolean {
    return this.#locked.size > 0;
  }

  async identify(path: string): Promise<FileIdentity | undefined> {
    if (this.#locked.has(path)) return LOCK_IDENTITY;
    const content = this.state.find(path);
    return content && { id: this.#idOf(content), bornMs: 0, bytes: content.now.length };
  }

  async create(path: string): Promise<DataFile> {
    if (this.state.find(path) !== undefined) throw systemError('EEXIST', 'open');
    return this.open(path);
  }

  async open(path: string): Promise<DataFile> {
    const file = basename(path);
    const content = await this.#do(
      { kind: 'open', file },
      () => this.state.find(path) ?? this.state.create(path),
    );
    if (content === undefined) throw new Error('an opening cannot be ignored');
    return this.#handle(file, content);
  }

  async openToRead(path: string): Promise<ReadableFile> {
    const content = this.state.find(path);
    if (content === undefined) throw systemError('ENOENT', 'open');
    return this.#handle(basename(path), content);
  }

  async rename(from: string, to: string): Promise<void> {
    const step: Step = { kind: 'rename', file: basename(from), to: basename(to) };
    await this.#do(step, () => this.state.rename(from, to));
  }

  async remove(path: string): Promise<void> {
    await this.#do({ kind: 'remove', file: basename(path) }, () => this.state.remove(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#do({ kind: 'sync directory', file: path }, () => this.state.syncNames());
  }

  async lock(path: string): Promise<FolderLock> {
    if (this.#locked.has(path))
      throw new StoreError('unusable', `another process has ${path} locked`);
    this.#locked.add(path);
    // The lock file is as durable as the journal.
    const isNew = !this.state.paths.some(there => there.startsWith('/data/bets.journal'));
    return { file: LOCK_IDENTITY, isNew, release: () => void this.#locked.delete(path) };
  }

  #idOf(content: Content): string {
    const known = this.#ids.get(content) ?? `${(this.#lastId += 1)}`;
    this.#ids.set(content, known);
    return known;
  }

  #handle(file: string, content: Content): DataFile {
    this.openCount += 1;
    return {
      descriptor: -1,
      id: async () => this.#idOf(content),
      size: async () => content.now.length,
      read: async (into, position) => {
        const bytes = content.now.subarray(position, position + into.length);
        into.set(bytes);
        return bytes.length;
      },
      write: async (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        const step: Step = { kind: 'write', file, bytes, buffers: buffers.length, position };
        const write = (taken: number): number => {
          if (taken > 0) apply(content, { at: position, bytes: bytes.subarray(0, taken) });
          return taken;
        };
        return (await this.#do(step, write)) ?? bytes.length;
      },
      truncate: async length => {
        await this.#do({ kind: 'truncate', file, length }, () => apply(content, { length }));
      },
      sync: async () => {
        await this.#do({ kind: 'sync', file }, () => {
          content.durable = content.now;
          content.unsynced = [];
        });
      },
      close: async () => {
        await this.#do({ kind: 'close', file }, () => {
          this.openCount -= 1;
        });
      },
    };
  }

  /** Undefined when the step was ignored. */
  async #do<Result>(step: Step, effect: (bytes: number) => Result): Promise<Result | undefined> {
    const { bytes, error, ignored } = (await this.rule?.(step)) ?? {};
    if (ignored === true) return undefined;
    const wanted = step.kind === 'write' ? step.bytes.length : 0;
    // A failed step has no effect, except that a write may be partial, and a failed close closes.
    if (error !== undefined && step.kind !== 'write' && step.kind !== 'close') throw error;
    const result = effect(bytes ?? (error === undefined ? wanted : 0));
    if (error !== undefined) throw error;
    return result;
  }
}

function apply(content: Content, change: Change): void {
  content.now = changed(content.now, change);
  content.unsynced = [...content.unsynced, change];
}
