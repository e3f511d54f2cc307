import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type AppendFile, reasonOf } from './append-file.ts';
import { copyOver, createCopy } from './file-copy.ts';
import type { Files } from './files.ts';
import { type FolderLease, LOOK_MS } from './folder-lease.ts';

/** Pause before a copy that failed is tried again, in milliseconds. */
const COPY_RETRY_MS = 1000;

/** Told what an operator should look at. */
export type OnWarning = (file: string, warning: string) => void;

export interface FileGuardParts {
  readonly files: Files;
  readonly lease: FolderLease;
  /** The files that are open. */
  readonly open: readonly AppendFile[];
  readonly onWarning: OnWarning;
}

/** Why the store cannot go on, and its open files that no path names any more. */
export interface Finding {
  readonly reason: string;
  readonly lost: readonly AppendFile[];
}

/**
 * Compares what the store has open with what is in its folder: the lock, the files under their
 * names, their lengths. A path is not a file: `sed -i`, `mv` and `rm` leave the store with files
 * that vanish with the process.
 */
export class FileGuard {
  readonly #parts: FileGuardParts;
  #lookedAt = performance.now();
  /** One look at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: FileGuardParts) {
    this.#parts = parts;
  }

  /** Whether the last look is recent: it is not after the process was suspended. */
  get isFresh(): boolean {
    return performance.now() - this.#lookedAt <= LOOK_MS;
  }

  /** @returns what is wrong, if anything */
  look(): Promise<Finding | undefined> {
    const look = this.#turn.then(() => this.#look());
    this.#turn = look.catch(() => {});
    return look;
  }

  async #look(): Promise<Finding | undefined> {
    const { files, open } = this.#parts;
    const lookedAt = performance.now();
    const complaints: string[] = [];
    const lost: AppendFile[] = [];
    await this.#renewLease(complaints);
    for (const file of open) {
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
    if (complaints.length > 0) return { reason: complaints.join('; '), lost };
    this.#lookedAt = lookedAt;
    return undefined;
  }

  async #renewLease(complaints: string[]): Promise<void> {
    const { lease, onWarning } = this.#parts;
    try {
      if (await lease.renew()) onWarning(lease.path, 'the file was removed or replaced; it is locked again');
    } catch (error) {
      complaints.push(`${lease.path} was removed or replaced while the server ran, and ${reasonOf(error)}`);
    }
  }

  /**
   * Copies what was acknowledged of files that have lost their names to new files beside them.
   * Tries until it succeeds: only the process keeps the files.
   *
   * @returns how to go on
   */
  async keep(lost: readonly AppendFile[]): Promise<string> {
    const copies: string[] = [];
    for (const file of lost) copies.push(`${await this.#keep(file)} to ${file.path}`);
    return copies.length === 0
      ? ''
      : `; everything acknowledged is kept, compare the files, move ${copies.join(' and ')}, and start again`;
  }

  async #keep(file: AppendFile): Promise<string> {
    const { files, onWarning } = this.#parts;
    let copy: AppendFile | undefined;
    for (;;) {
      try {
        copy ??= await createCopy(files, `${file.path}.kept`);
        await copy.cutBack();
        await copyOver(file.file, file.end, copy);
        await files.syncDirectory(dirname(file.path));
        await copy.file.close();
        return copy.path;
      } catch (error) {
        onWarning(
          file.path,
          `it was replaced or removed and cannot be copied yet, ${reasonOf(error)}; make room, and do not kill the server`,
        );
        await pause(COPY_RETRY_MS);
      }
    }
  }
}
