import { CsvReader } from '../lottery/csv-reader.ts';

const LF = 0x0a;
const CR = 0x0d;

/** Longer than any line with a valid bet; a longer one is refused without being held in memory. */
const LINE_BYTES_MAX = 8 * 1024;

/**
 * The records of a file of which some lines pass by the reader of CSV. It counts the lines that the reader was given, and knows
 * so whether the reader has used them up: only then may the next one pass by.
 */
export class RecordFeed {
  readonly reader: CsvReader;
  #linesPassedBy = 0;
  #linesPushed = 0;
  /** Whether the last byte that was pushed is the end of a line; a CR is one unless an LF follows. */
  #afterLineFeed = true;
  #afterReturn = false;

  constructor(delimiter: number) {
    this.reader = new CsvReader({ delimiter, recordBytesMax: LINE_BYTES_MAX });
  }

  /** Line of the file, counted from 1, on which the reader's record starts. */
  get line(): number {
    return this.#linesPassedBy + this.reader.line;
  }

  /** The line of the file that comes next, after those that were pushed or passed by. */
  get nextLine(): number {
    return this.#linesPassedBy + this.#linesPushed + 1;
  }

  /**
   * Whether the reader, which was asked for all its records, has nothing left: the last one started on the last line that was
   * pushed, and that line is all there, so it ended there. With an empty line it has nothing left either; that comes out a line
   * later.
   */
  get isUsedUp(): boolean {
    return this.#afterLineFeed && this.reader.line === this.#linesPushed;
  }

  /** Lines that the reader is not given. It must be used up. */
  passBy(lines: number): void {
    this.#linesPassedBy += lines;
  }

  /** Gives the reader the bytes of a chunk from `at` to the end of the line, or of the chunk; returns the place behind them. */
  pushLine(chunk: Uint8Array, at: number): number {
    const lineEnd = chunk.indexOf(LF, at);
    const end = lineEnd < 0 ? chunk.length : lineEnd + 1;
    for (let place = at; place < end; place += 1) {
      const byte = chunk[place]!;
      if (byte === LF || this.#afterReturn) this.#linesPushed += 1;
      this.#afterReturn = byte === CR;
    }
    this.#afterLineFeed = lineEnd >= 0;
    this.reader.push(chunk.subarray(at, end));
    return end;
  }
}
