import { CsvReader, type CsvStep } from '../lottery/csv-reader.ts';

const LF = 0x0a;

/** Longer than any line with a valid bet; a longer one is refused without being held in memory. */
const LINE_BYTES_MAX = 8 * 1024;

/** The records of a file of which some lines pass by the reader of CSV. */
export class RecordFeed {
  readonly reader: CsvReader;
  #isUsedUp = true;

  constructor(delimiter: number) {
    this.reader = new CsvReader({ delimiter, recordBytesMax: LINE_BYTES_MAX });
  }

  /**
   * Whether the reader has certainly nothing left of what it was given: only then may lines pass
   * by. It may say no where it could say yes, as behind an empty line; that comes out with the line
   * after it.
   */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  /** The reader is not given so many lines. It must be used up. */
  passBy(lines: number): void {
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
