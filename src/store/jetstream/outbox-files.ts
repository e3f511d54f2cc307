import { mkdir, readdir, unlink } from 'node:fs/promises';
import { type Files, NODE_FILES } from '../csv/files.ts';

/** What the outbox asks of the file system: its files come and go. */
export interface OutboxFiles extends Files {
  /** Makes a directory in one that is there; nothing when it exists. */
  createDirectory(path: string): Promise<void>;
  /** Names of what is in a directory, in any order. */
  list(path: string): Promise<string[]>;
  /** Takes a file's name away. Durable when its directory is synced. */
  remove(path: string): Promise<void>;
}

/** The real file system. */
export const NODE_OUTBOX_FILES: OutboxFiles = {
  ...NODE_FILES,
  async createDirectory(path) {
    try {
      await mkdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  },
  list: path => readdir(path),
  remove: unlink,
};
