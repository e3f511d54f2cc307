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
  /** Whether the file ends with it. */
  readonly isLast: boolean;
}

/** Reads the lines of a journal, and tells a torn tail from damage. */
export class JournalReader {
  /** Number of lines read. */
  lines = 0;
  /** End of the last line read, in bytes. */
  end = 0;
  /** Length of the torn tail. */
  tornBytes = 0;
  readonly #name: string;
  readonly #file: ReadableFile;

  /** @param name of the file, for errors */
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
      const isLast = offset + line.length >= size;
      let record: JournalRecord;
      try {
        record = decodeLine(line, n);
      } catch (error) {
        if (!isLast || !mayBeTorn(line, n)) {
          throw new DamageError(this.#name, offset, (error as Error).message, error);
        }
        this.tornBytes = line.length;
        return;
      }
      this.lines = n;
      this.end += line.length;
      yield { n, offset, record, isLast };
    }
  }
}

/** @throws Error with the reason why it is no line */
function decodeLine(line: Uint8Array, n: number): JournalRecord {
  if (line.at(-1) !== LF) throw new Error('the line has no end');
  return decodeRecord(line.subarray(0, -1), n);
}

/**
 * Whether the last bytes can be a torn write: a prefix of a line, or one with zeros where the
 * system wrote later blocks first. Anything else was synced and changed since.
 */
function mayBeTorn(line: Uint8Array, n: number): boolean {
  const zeros = line.indexOf(NUL);
  if (zeros < 0) return line.at(-1) !== LF && !isWhole(line.subarray(0, -1), n);
  const rest = line.subarray(zeros);
  return rest.every(byte => byte === NUL) || !isWhole(line.subarray(0, zeros), n);
}

function isWhole(line: Uint8Array, n: number): boolean {
  try {
    decodeRecord(line, n);
    return true;
  } catch {
    return false;
  }
}
