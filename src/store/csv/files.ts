import { fstatSync } from 'node:fs';
import { constants, type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { PRIVATE_FILE } from '../../files/private.ts';
import { type FileIdentity, identifyFile, idOf, LINK_REASON } from './file-identity.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

/** A file as its readers see it. Offsets and lengths in bytes. */
export interface ReadableFile {
  size(): Promise<number>;
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A file of the store; tests inject faults. */
export interface DataFile extends ReadableFile {
  /** For `loadBets`. */
  readonly descriptor: number;
  /** As `FileIdentity.id`. */
  id(): Promise<string>;
  /** Writes some of the bytes at `position` and returns how many. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Fulfilled when what was written, and the file's length, would survive a loss of power. */
  sync(): Promise<void>;
}

/** The file system of the store. */
export interface Files {
  /** Undefined for a missing file. */
  identify(path: string): Promise<FileIdentity | undefined>;
  /**
   * Opens for reading and writing, not through a symbolic link; creates a missing file for its
   * owner alone.
   */
  open(path: string): Promise<DataFile>;
  /** Creates a file for its owner alone; fails with `EEXIST` when something is at the path. */
  create(path: string): Promise<DataFile>;
  /** Opens an existing file for reading only. */
  openToRead(path: string): Promise<ReadableFile>;
  /** Renames within a folder, atomically. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the creation and renaming of files in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes an exclusive lock, until it is released or this process ends. Creates a missing file.
   *
   * @throws StoreError `unusable` when another process has it
   */
  lock(path: string): Promise<FolderLock>;
}

/** An empty file in place of a missing one. */
export const NO_FILE: ReadableFile = {
  size: async () => 0,
  read: async () => 0,
  close: async () => {},
};

/** The real file system. */
export const NODE_FILES: Files = {
  identify: identifyFile,
  async open(path) {
    // Not `a+`: it ignores the position of a write.
    const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
    try {
      return new NodeFile(await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, PRIVATE_FILE));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ELOOP')
        throw new Error(LINK_REASON, { cause: error });
      throw error;
    }
  },
  async create(path) {
    const { O_CREAT, O_EXCL, O_RDWR } = constants;
    return new NodeFile(await open(path, O_RDWR | O_CREAT | O_EXCL, PRIVATE_FILE));
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

  get descriptor(): number {
    return this.#handle.fd;
  }

  async id(): Promise<string> {
    return idOf(await this.#handle.stat({ bigint: true }));
  }

  async size(): Promise<number> {
    // Before each write: a call on another thread would take as long as the write.
    return fstatSync(this.#handle.fd).size;
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
