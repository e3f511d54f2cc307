import { DamageError } from './damage.ts';
import type { ReadableFile } from './files.ts';
import { decodeRecord, type JournalRecord } from './journal-record.ts';
import { SequentialReader } from './sequential-reader.ts';

const LF = 0x0a;
const NUL = 0x00;

export interface JournalLine {
  /** Counted from 1. */
  readonly n: number;
  /** Where the line starts, in bytes. */
  readonly offset: number;
  readonly record: JournalRecord;
}

/** Reads the lines of a journal. What a crash can leave at its end is told apart from damage. */
export class JournalReader {
  /** Number of lines read. */
  lines = 0;
  /** End of the last line read, in bytes. */
  end = 0;
  /** Length of what follows the last line: the beginning of one that was never synced. */
  tornBytes = 0;
  readonly #name: string;
  readonly #file: ReadableFile;

  /** @param name what the file is called in errors */
  constructor(name: string, file: ReadableFile) {
    this.#name = name;
    this.#file = file;
  }

  /** @throws DamageError */
  async *read(): AsyncGenerator<JournalLine> {
    const reader = new SequentialReader(this.#file);
    const size = await this.#file.size();
    for (;;) {
      const line = await reader.readThrough(LF);
      if (line.length === 0) return;
      const n = this.lines + 1;
      const offset = this.end;
      if (line.at(-1) !== LF) {
        this.tornBytes = line.length;
        return;
      }
      let record: JournalRecord;
      try {
        record = decodeRecord(line.subarray(0, -1), n);
      } catch (error) {
        // The system may have written the end of a line and not its middle, which reads as zeros then. A line without any
        // has been there whole: it was synced, and changed since.
        if (offset + line.length < size || !line.includes(NUL)) {
          throw new DamageError(this.#name, offset, (error as Error).message, error);
        }
        this.tornBytes = line.length;
        return;
      }
      this.lines = n;
      this.end += line.length;
      yield { n, offset, record };
    }
  }
}
