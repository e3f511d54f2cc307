import { reasonOf } from '../../files/system-error.ts';
import { StoreError } from '../store.ts';
import type { DataFile } from './files.ts';

/** Buffers of one write: Linux takes at most 1024 (IOV_MAX). */
const BUFFERS_PER_WRITE = 1024;

/**
 * An append-only file: write, sync, commit. A rollback cuts off what was not committed, and so does
 * recovery after a crash.
 */
export class AppendFile {
  readonly path: string;
  readonly file: DataFile;
  #end: number;
  #written: number;
  /** Upper bound of the file's length: a write may have written less. */
  #reach: number;

  /** @param end of the durable part, in bytes */
  constructor(path: string, file: DataFile, end: number) {
    this.path = path;
    this.file = file;
    this.#end = end;
    this.#written = end;
    this.#reach = end;
  }

  /** End of the committed part, in bytes. */
  get end(): number {
    return this.#end;
  }

  /**
   * Compares the length of the file with what was written to it.
   *
   * @returns what is wrong with it, if anything
   */
  async complaint(): Promise<string | undefined> {
    // Writes and rollbacks run meanwhile.
    const { end } = this;
    const reach = this.#reach;
    const size = await this.file.size();
    const most = Math.max(reach, this.#reach);
    if (size >= end && size <= most) return undefined;
    const expected = end === most ? `${end}` : `${end} to ${most}`;
    return (
      `another program changed ${this.path}, it has ${size} bytes and the server has written ${expected}; ` +
      'end that program, copy what it added where it is needed, and start the server again, which checks every row'
    );
  }

  /**
   * Appends and syncs.
   *
   * @throws StoreError as `write` and `sync` do
   */
  async append(buffers: readonly Uint8Array[]): Promise<void> {
    await this.write(buffers);
    await this.sync();
  }

  /**
   * @throws StoreError `full` when there is no room; `failed` for any other error, or when the file
   *   does not end where this writer has left it
   */
  async write(buffers: readonly Uint8Array[]): Promise<void> {
    // Never overwrite another program's bytes, nor leave a hole.
    const complaint = this.#reach === this.#end ? await this.complaint() : undefined;
    if (complaint !== undefined) throw new StoreError('failed', complaint);
    // A write of empty buffers alone would return 0.
    let left: readonly Uint8Array[] = buffers.filter(buffer => buffer.length > 0);
    this.#reach = left.reduce((sum, { length }) => sum + length, this.#written);
    try {
      while (left.length > 0) {
        const written = await this.file.write(left.slice(0, BUFFERS_PER_WRITE), this.#written);
        if (written === 0) throw new Error('nothing was written');
        // A short write: continue after it.
        this.#written += written;
        left = dropBytes(left, written);
      }
    } catch (error) {
      throw new StoreError(
        isFull(error) ? 'full' : 'failed',
        `cannot write ${this.path}, ${reasonOf(error)}`,
        error,
      );
    }
  }

  /**
   * @throws StoreError `failed`: the state of the disk is unknown, and a retry may succeed without
   * a sync
   */
  async sync(): Promise<void> {
    try {
      await this.file.sync();
    } catch (error) {
      throw new StoreError('failed', `cannot sync ${this.path}, ${reasonOf(error)}`, error);
    }
  }

  /** What was written and synced is durable: a rollback keeps it. */
  commit(): void {
    this.#end = this.#written;
  }

  /**
   * Cuts off what was written and not committed, durably.
   *
   * @throws StoreError `failed`
   */
  async rollback(): Promise<void> {
    try {
      await this.file.truncate(this.#end);
      await this.file.sync();
      this.#written = this.#end;
      this.#reach = this.#end;
    } catch (error) {
      throw new StoreError(
        'failed',
        `cannot cut ${this.path} back to ${this.#end} bytes, ${reasonOf(error)}`,
        error,
      );
    }
  }
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

/** Disk or quota full: the only write error that can pass. */
function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
