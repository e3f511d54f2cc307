import type { DataFile, Files } from '../../src/store/csv/files.ts';

/** What a disk does with a write: how many of its bytes it takes, then perhaps an error. */
export interface WriteOutcome {
  readonly bytes: number;
  readonly error?: Error;
}

/** An error as Node makes it of a system call that failed. */
export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: made for the test, ${syscall} '/somewhere'`), { code, syscall });
}

/**
 * A file system with one file, in memory, whose disk does what a test tells it: refuse, take less, make wait.
 * `calls` is everything that was asked of it, in order.
 */
export class FaultyFiles implements Files {
  /** What the file holds. */
  content: Buffer;
  readonly calls: string[] = [];
  /** Decides about each write; undefined takes everything. */
  onWrite: ((length: number) => WriteOutcome | undefined) | undefined;
  /** Called for each of these; what it throws is the outcome, what it returns is waited for. */
  onSync: (() => Promise<void> | void) | undefined;
  onTruncate: (() => Promise<void> | void) | undefined;
  onSyncDirectory: (() => Promise<void> | void) | undefined;
  /** Bytes that one read gives at most. */
  readBytesMax = Number.POSITIVE_INFINITY;
  openCount = 0;

  constructor(content = '') {
    this.content = Buffer.from(content);
  }

  async open(path: string): Promise<DataFile> {
    this.calls.push(`open ${path}`);
    this.openCount += 1;
    return {
      size: async () => this.content.length,
      read: async (into, position) => this.#read(into, position),
      write: async (buffers, position) => this.#write(Buffer.concat(buffers), buffers.length, position),
      truncate: async length => {
        this.calls.push(`truncate ${length}`);
        await this.onTruncate?.();
        this.content = this.content.subarray(0, length);
      },
      sync: async () => {
        this.calls.push('sync');
        await this.onSync?.();
      },
      close: async () => {
        this.calls.push('close');
        this.openCount -= 1;
      },
    };
  }

  async syncDirectory(path: string): Promise<void> {
    this.calls.push(`sync directory ${path}`);
    await this.onSyncDirectory?.();
  }

  /** How often something was asked. */
  count(call: RegExp): number {
    return this.calls.filter(made => call.test(made)).length;
  }

  #read(into: Uint8Array, position: number): number {
    const end = position + Math.min(into.length, this.readBytesMax);
    const bytes = this.content.subarray(position, end);
    into.set(bytes);
    return bytes.length;
  }

  #write(bytes: Buffer, buffers: number, position: number): number {
    this.calls.push(`write ${bytes.length} of ${buffers} at ${position}`);
    const { bytes: taken, error } = this.onWrite?.(bytes.length) ?? { bytes: bytes.length };
    const end = Math.max(this.content.length, position + taken);
    const content = Buffer.alloc(end);
    this.content.copy(content);
    bytes.copy(content, position, 0, taken);
    this.content = content;
    if (error !== undefined) throw error;
    return taken;
  }
}
