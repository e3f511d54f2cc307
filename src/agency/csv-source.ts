import { type FileHandle, open } from 'node:fs/promises';
import { AgencyError } from './errors.ts';

const CHUNK_BYTES = 256 * 1024;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The agency's file, read as a stream: memory does not grow with it. A byte order mark at the beginning is skipped. */
export class CsvSource {
  readonly path: string;
  /** Length of the file in bytes when it was opened; 0 for a pipe. */
  readonly size: number;
  /** Bytes read so far. */
  bytesRead = 0;
  /** The byte between two fields. */
  readonly delimiter: number;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, size: number, delimiter: number) {
    this.path = path;
    this.size = size;
    this.#file = file;
    this.delimiter = delimiter;
  }

  /** @throws AgencyError when the file cannot be opened */
  static async open(path: string, delimiter: number): Promise<CsvSource> {
    try {
      const file = await open(path, 'r');
      return new CsvSource(path, file, (await file.stat()).size, delimiter);
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  /**
   * The bytes of the file. Each chunk stays as it is until the one after the next is asked for.
   *
   * @throws AgencyError when the file cannot be read on
   */
  async *chunks(): AsyncGenerator<Uint8Array> {
    // What is left over of one chunk is still needed while the next one is read.
    const buffers = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)] as const;
    let length = await this.#readStart(buffers[0]);
    for (let turn = 0; length > 0; turn = 1 - turn) {
      const chunk = buffers[turn as 0 | 1].subarray(0, length);
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

export function unreadable(path: string, error: unknown): AgencyError {
  const { code } = error as NodeJS.ErrnoException;
  return new AgencyError(
    `cannot read ${path} (${code}); file.name in config.yaml or CLI_FILE_NAME names it`,
    error,
  );
}

function hasMark(chunk: Buffer): boolean {
  return chunk.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
}
