import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../../files/system-error.ts';
import { type OnStoreEvent, StoreError } from '../store.ts';
import { type AppendFile } from './append-file.ts';
import { copyOver, createCopy } from './file-copy.ts';
import type { Failure } from './failure.ts';
import type { Files } from './files.ts';
import { type FolderLease, LOOK_MS } from './folder-lease.ts';

/** Pause before a failed copy is retried, in milliseconds. */
const COPY_RETRY_MS = 1000;

export interface FileGuardParts {
  readonly files: Files;
  readonly lease: FolderLease;
  readonly bets: AppendFile;
  readonly journal: AppendFile;
  readonly failure: Failure;
  /** Fulfilled when what is being written is acknowledged or rejected. */
  readonly settled: () => Promise<void>;
  readonly onEvent: OnStoreEvent;
}

/**
 * Compares the open files with the folder: the lock, the files under their names, their lengths. A
 * path is not a file: `sed -i`, `mv` and `rm` leave the store with files that vanish with the
 * process.
 */
export class FileGuard {
  readonly #parts: FileGuardParts;
  #lookedAt = performance.now();
  /** One look at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: FileGuardParts) {
    this.#parts = parts;
  }

  /**
   * Looks unless the last look is recent; it is not after the process was suspended. Acknowledged
   * is only what no other process can overwrite.
   *
   * @throws StoreError `failed`
   */
  async check(): Promise<void> {
    const { failure } = this.#parts;
    while (failure.error === undefined && performance.now() - this.#lookedAt > LOOK_MS)
      await this.look();
    if (failure.error !== undefined) throw failure.error;
  }

  /** @throws StoreError `failed` when the files do not belong to this process alone any more */
  look(): Promise<void> {
    const look = this.#turn.then(() => this.#look());
    this.#turn = look.catch(() => {});
    return look;
  }

  async #look(): Promise<void> {
    const { files, failure, bets, journal, settled } = this.#parts;
    if (failure.error !== undefined) throw failure.error;
    const lookedAt = performance.now();
    const complaints: string[] = [];
    const lost: AppendFile[] = [];
    await this.#renewLease(complaints);
    for (const file of [bets, journal]) {
      try {
        const there = await files.identify(file.path);
        if (there?.id !== (await file.file.id())) lost.push(file);
        else complaints.push(...[await file.complaint()].filter(text => text !== undefined));
      } catch (error) {
        complaints.push(`cannot look at ${file.path}, ${reasonOf(error)}`);
      }
    }
    for (const { path } of lost)
      complaints.push(`${path} was replaced or removed while the server had it open`);
    if (failure.error !== undefined) throw failure.error;
    if (complaints.length === 0) {
      this.#lookedAt = lookedAt;
      return;
    }
    throw failure.fail(new StoreError('failed', complaints.join('; ')), async () => {
      await settled();
      return this.#rescue(lost);
    });
  }

  async #renewLease(complaints: string[]): Promise<void> {
    const { lease } = this.#parts;
    try {
      if (await lease.renew())
        this.#warn(lease.path, 'the file was removed or replaced; it is locked again');
    } catch (error) {
      complaints.push(
        `${lease.path} was removed or replaced while the server ran, and ${reasonOf(error)}`,
      );
    }
  }

  /**
   * Copies what was acknowledged of files without a name to new files beside them. Retries until it
   * succeeds: the files exist only in this process.
   *
   * @returns what the operator should do
   */
  async #rescue(lost: readonly AppendFile[]): Promise<string> {
    const copies: string[] = [];
    for (const file of lost) copies.push(`${await this.#copy(file)} to ${file.path}`);
    return copies.length === 0
      ? ''
      : `; everything acknowledged is kept, compare the files, move ${copies.join(' and ')}, and start again`;
  }

  async #copy(file: AppendFile): Promise<string> {
    const { files } = this.#parts;
    let copy: AppendFile | undefined;
    for (;;) {
      try {
        copy ??= await createCopy(files, `${file.path}.kept`);
        await copy.rollback();
        await copyOver(file.file, file.end, copy);
        await files.syncDirectory(dirname(file.path));
        await copy.file.close();
        return copy.path;
      } catch (error) {
        this.#warn(
          file.path,
          `it was replaced or removed and cannot be copied yet, ${reasonOf(error)}; make room, and do not kill the server`,
        );
        await pause(COPY_RETRY_MS);
      }
    }
  }

  #warn(file: string, warning: string): void {
    this.#parts.onEvent({ event: 'store-warning', file, warning });
  }
}
