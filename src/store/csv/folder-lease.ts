import { join } from 'node:path';
import { setTimeout as pauseFor } from 'node:timers/promises';
import type { FolderLock } from './folder-lock.ts';
import type { Files } from './files.ts';
import { BETS_FILE, JOURNAL_FILE } from './store-walk.ts';

export const LOCK_FILE = 'bets.lock';

/** How often a running server compares its open files with their paths, in milliseconds. */
export const LOOK_MS = 1000;

/**
 * Wait of a start where another server may hold a renamed lock file, in milliseconds: that server
 * notices within `LOOK_MS`, or later when it is slow.
 */
export const TAKE_OVER_MS = 2500;

/**
 * The lock of a folder. It belongs to a file and not to its path: when `bets.lock` is removed, the
 * next process can lock a new one. The holder notices within `LOOK_MS`; a start that cannot rule
 * out such a holder waits longer before it reads anything.
 */
export class FolderLease {
  /** Whether `bets.lock` was missing: an unused folder, or a removed file. */
  readonly isNew: boolean;
  /** Of the lock file. */
  readonly path: string;
  readonly #files: Files;
  #lock: FolderLock;

  private constructor(path: string, files: Files, lock: FolderLock) {
    this.isNew = lock.isNew;
    this.path = path;
    this.#files = files;
    this.#lock = lock;
  }

  /** @throws StoreError `unusable` when another process has the lock, or the folder is unusable */
  static async take(
    directory: string,
    files: Files,
    pause: (ms: number) => Promise<unknown> = pauseFor,
  ): Promise<FolderLease> {
    const path = join(directory, LOCK_FILE);
    const lease = new FolderLease(path, files, await files.lock(path));
    try {
      if (await lease.#mayHaveRival(directory)) {
        // Each new lock needs its wait: the other server may not have seen the file before.
        do await pause(TAKE_OVER_MS);
        while (await lease.renew());
      }
      return lease;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /**
   * Locks the file at the path where it is another one than the locked file.
   *
   * @returns whether it was another one
   * @throws StoreError `unusable` when another process has locked it
   */
  async renew(): Promise<boolean> {
    const there = await this.#files.identify(this.path);
    if (there?.id === this.#lock.file.id) return false;
    const lock = await this.#files.lock(this.path);
    this.#lock.release();
    this.#lock = lock;
    return true;
  }

  release(): void {
    this.#lock.release();
  }

  /** Whether a server with a former `bets.lock` may still run. */
  async #mayHaveRival(directory: string): Promise<boolean> {
    const journal = await this.#files.identify(join(directory, JOURNAL_FILE));
    const bets = await this.#files.identify(join(directory, BETS_FILE));
    if (journal === undefined && (bets?.bytes ?? 0) === 0) return false;
    if (this.#lock.isNew) return true;
    // A start may have been killed during its wait: the lock is younger than the files.
    const { bornMs } = this.#lock.file;
    const isYoung = Date.now() - bornMs < TAKE_OVER_MS;
    return isYoung && bornMs > Math.min(journal?.bornMs ?? Infinity, bets?.bornMs ?? Infinity);
  }
}
