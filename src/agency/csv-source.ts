import assert from 'node:assert/strict';
import { constants, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { type Encoding, toUtf8 } from '../lottery/encoding.ts';
import { reasonOf } from '../files/system-error.ts';
import { Stopped, UnreadableFile } from './errors.ts';

const CHUNK_BYTES = 256 * 1024;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Where the agency's file is and how to read it. */
export interface FileFormat {
  readonly path: string;
  /** The byte between two fields. */
  readonly delimiter: number;
  readonly encoding: Encoding;
}

/**
 * Takes the bytes of a file as they are read, before they are used. The file is not read on when it
 * throws.
 */
export type Tap = (bytes: Buffer) => void | Promise<void>;

/** The bytes of a file or of a pipe. */
interface Input {
  /** @returns the number of bytes; 0 at the end */
  read(into: Buffer): Promise<number>;
  close(): Promise<void>;
}

/**
 * The agency's file, read as a stream: memory does not grow with it. A byte order mark at the
 * beginning is skipped.
 */
export class CsvSource {
  readonly path: string;
  /** Bytes read so far. */
  bytesRead = 0;
  readonly delimiter: number;
  readonly #input: Input;
  readonly #toUtf8: (bytes: Buffer) => Buffer;
  readonly #tap: Tap;

  private constructor(format: FileFormat, input: Input, tap: Tap) {
    this.path = format.path;
    this.delimiter = format.delimiter;
    this.#input = input;
    this.#toUtf8 = toUtf8(format.encoding);
    this.#tap = tap;
  }

  /**
   * @param stop ends a wait for the writer of a pipe; `chunks` throws Stopped then
   * @throws AgencyError when the file cannot be opened
   */
  static async open(
    format: FileFormat,
    stop: AbortSignal,
    tap: Tap = () => {},
  ): Promise<CsvSource> {
    const { path } = format;
    try {
      const isPipe = (await stat(path)).isFIFO();
      const input = await (isPipe ? openPipe(path, stop) : openFile(path));
      return new CsvSource(format, input, tap);
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  /**
   * The bytes of the file in UTF-8. Each chunk stays as it is until the one after the next is asked
   * for.
   *
   * @throws AgencyError when the file cannot be read on
   */
  async *chunks(): AsyncGenerator<Uint8Array> {
    // What is left over of one chunk is still needed while the next one is read.
    const buffers = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)] as const;
    let length = await this.#readStart(buffers[0]);
    for (let turn = 0; length > 0; turn = 1 - turn) {
      const bytes = buffers[turn as 0 | 1].subarray(0, length);
      await this.#tap(bytes);
      const chunk = this.#toUtf8(bytes);
      const start = this.bytesRead === length && hasMark(chunk) ? BYTE_ORDER_MARK.length : 0;
      yield chunk.subarray(start);
      length = await this.#read(buffers[(1 - turn) as 0 | 1], 0);
    }
  }

  async close(): Promise<void> {
    await this.#input.close();
  }

  /** The first chunk: at least as long as a byte order mark, unless the file is shorter. */
  async #readStart(into: Buffer): Promise<number> {
    let length = 0;
    while (length < BYTE_ORDER_MARK.length) {
      const read = await this.#read(into, length);
      if (read === 0) break;
      length += read;
    }
    return length;
  }

  async #read(into: Buffer, offset: number): Promise<number> {
    try {
      const length = await this.#input.read(into.subarray(offset));
      this.bytesRead += length;
      return length;
    } catch (error) {
      throw error instanceof Stopped ? error : unreadable(this.path, error);
    }
  }
}

async function openFile(path: string): Promise<Input> {
  const file = await open(path);
  return {
    read: async into => (await file.read(into, 0, into.length, null)).bytesRead,
    close: () => file.close(),
  };
}

/** Not with `fs`: a read would block one of Node's threads, and the process could not exit. */
function openPipe(path: string, stop: AbortSignal): Input {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false });
  // The next read reports it. There may be none yet while the client connects.
  pipe.on('error', () => {});
  const chunks = pipe[Symbol.asyncIterator]();
  const onStop = (): void => void pipe.destroy(new Stopped());
  stop.addEventListener('abort', onStop);
  if (stop.aborted) onStop();
  return {
    read: async into => {
      const { done, value: chunk } = (await chunks.next()) as IteratorResult<Buffer>;
      if (done === true) return 0;
      assert(chunk.length <= into.length, 'a chunk of a pipe is shorter than a chunk of a file');
      return chunk.copy(into);
    },
    close: async () => {
      stop.removeEventListener('abort', onStop);
      pipe.destroy();
    },
  };
}

export function unreadable(path: string, error: unknown): UnreadableFile {
  return new UnreadableFile(
    `cannot read ${path}, ${reasonOf(error)}; file.name in config.yaml or CLI_FILE_NAME names it`,
    error,
  );
}

function hasMark(chunk: Buffer): boolean {
  return chunk.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
}
