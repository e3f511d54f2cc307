import { type FileHandle, open } from 'node:fs/promises';
import { type Encoding, toUtf8 } from '../lottery/encoding.ts';
import { reasonOf } from '../files/system-error.ts';
import { UnreadableFile } from './errors.ts';

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

/**
 * The agency's file, read as a stream: memory does not grow with it. A byte order mark at the
 * beginning is skipped.
 */
export class CsvSource {
  readonly path: string;
  /** Bytes read so far. */
  bytesRead = 0;
  readonly delimiter: number;
  readonly #file: FileHandle;
  readonly #toUtf8: (bytes: Buffer) => Buffer;
  readonly #tap: Tap;

  private constructor(format: FileFormat, file: FileHandle, tap: Tap) {
    this.path = format.path;
    this.delimiter = format.delimiter;
    this.#file = file;
    this.#toUtf8 = toUtf8(format.encoding);
    this.#tap = tap;
  }

  /**
   * @throws AgencyError when the file cannot be opened
   */
  static async open(format: FileFormat, tap: Tap = () => {}): Promise<CsvSource> {
    try {
      return new CsvSource(format, await open(format.path, 'r'), tap);
    } catch (error) {
      throw unreadable(format.path, error);
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
    await this.#file.close();
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
      const { bytesRead } = await this.#file.read(into, offset, into.length - offset, null);
      this.bytesRead += bytesRead;
      return bytesRead;
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }
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
