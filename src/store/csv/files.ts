import { constants, type FileHandle, open } from 'node:fs/promises';

/** What the csv store asks of a file; a test gives it one that fails. Offsets and lengths in bytes. */
export interface DataFile {
  size(): Promise<number>;
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes some of the bytes at `position` and returns how many. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Fulfilled when what was written, and the file's length, would survive a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What the csv store asks of the file system. */
export interface Files {
  /** Opens for reading and writing; creates the file when it is missing. */
  open(path: string): Promise<DataFile>;
  /** Makes the creation of files in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** The real file system. */
export const NODE_FILES: Files = {
  async open(path) {
    // Not `a+`: appending files ignore the position that they are told to write at.
    return new NodeFile(await open(path, constants.O_RDWR | constants.O_CREAT, 0o644));
  },
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
