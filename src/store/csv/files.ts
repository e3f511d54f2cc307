import { constants, type FileHandle, access, open, rename, unlink } from 'node:fs/promises';
import { openPrivate } from '../../files/private.ts';
import { lockFolder } from './folder-lock.ts';

/** A file as its readers see it. Offsets and lengths in bytes. */
export interface ReadableFile {
  size(): Promise<number>;
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** What the csv store asks of a file; a test gives it one that fails. */
export interface DataFile extends ReadableFile {
  /** Writes some of the bytes at `position` and returns how many. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Fulfilled when what was written, and the file's length, would survive a loss of power. */
  sync(): Promise<void>;
}

/** What the csv store asks of the file system. */
export interface Files {
  exists(path: string): Promise<boolean>;
  /** Opens for reading and writing; creates the file when it is missing. */
  open(path: string): Promise<DataFile>;
  /** Opens a file that is there for reading only. */
  openToRead(path: string): Promise<ReadableFile>;
  /** Gives a file another name in the same folder, in one step. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the creation and renaming of files in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes a lock that no other process can have at the same time, until the function that it returns is called or this
   * process ends.
   *
   * @throws StoreError `unusable` when another process has it
   */
  lock(path: string): Promise<() => void>;
}

/** What a file that is missing holds. */
export const NO_FILE: ReadableFile = { size: async () => 0, read: async () => 0, close: async () => {} };

/** The real file system. */
export const NODE_FILES: Files = {
  async exists(path) {
    try {
      await access(path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  },
  async open(path) {
    // Not `a+`: appending files ignore the position that they are told to write at.
    return new NodeFile(await openPrivate(path, constants.O_RDWR));
  },
  async openToRead(path) {
    return new NodeFile(await open(path, 'r'));
  },
  rename,
  remove: unlink,
  lock: lockFolder,
  async syncDirectory(path) {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

class NodeFile implements DataFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return (await this.#handle.writev(buffers, position)).bytesWritten;
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
