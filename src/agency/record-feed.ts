import { CsvReader, type CsvStep } from '../lottery/csv-reader.ts';

const LF = 0x0a;

/** Longer than any line with a valid bet; a longer one is refused without being held in memory. */
const LINE_BYTES_MAX = 8 * 1024;

/** The records of a file, of which some lines bypass the CSV reader. */
export class RecordFeed {
  readonly reader: CsvReader;
  #isUsedUp = true;

  constructor(delimiter: number) {
    this.reader = new CsvReader({ delimiter, recordBytesMax: LINE_BYTES_MAX });
  }

  /**
   * Whether the reader has certainly consumed everything: only then may lines bypass it. False
   * negatives, as after an empty line, end with the next line.
   */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  /** Counts lines that bypass the reader, which must be used up. */
  skipLines(lines: number): void {
    this.reader.skip(0, lines);
  }

  push(bytes: Uint8Array): void {
    this.#isUsedUp = false;
    this.reader.push(bytes);
  }

  /**
   * Pushes the bytes of a chunk from `at` to the first end of a line after at least `bytesMin`, or
   * to the end of the chunk. Returns the place after them.
   */
  pushLines(chunk: Uint8Array, at: number, bytesMin: number): number {
    const lineEnd = chunk.indexOf(LF, at + bytesMin);
    const end = lineEnd < 0 ? chunk.length : lineEnd + 1;
    this.push(chunk.subarray(at, end));
    return end;
  }

  /** The next step of the reader. */
  next(): CsvStep {
    const step = this.reader.next();
    if (step === 'record') this.#isUsedUp = this.reader.unreadBytes === 0;
    else if (step === 'broken') this.#isUsedUp = false;
    return step;
  }
}
