import type { SeededRandom } from '../../src/dataset/random.ts';

/**
 * Generates a `bets.csv` from a seed: mostly usual rows, some unusual valid ones (with quotes,
 * other line ends, empty lines), and rarely an invalid one, after which nothing is read.
 */

/** One in this many rows is valid but unusual. */
const UNUSUAL_ROWS = 12;
const BROKEN_ROWS = 60;
const ROWS_USUAL_MAX = 30;
/** Exceeds the scanner's window. */
const ROWS_MANY = 3_000;

const TEXTS = [
  'Santiago Lionel',
  'Lorca',
  'Núñez',
  'María José',
  "D'Angelo",
  'Ωμέγα',
  '王',
  '😀',
  '',
  ' ',
  '-',
  '\u007f',
  '\u0085',
  '\u2028',
];

/** Bytes in a name that resemble delimiters, or are no UTF-8. */
const ODD_BYTES = [
  0x00, 0x09, 0x0b, 0x0c, 0x0e, 0x1f, 0x20, 0x21, 0x23, 0x2b, 0x2d, 0x80, 0x8d, 0xac, 0xc3, 0xff,
];
const QUOTED = ['"a,b"', '"a""b"', '""', '"\r\n"', '"\n"', '"\r"', '"a"b', 'a"b', '"', '"a"",'];
const INTEGERS =
  '0 00 7 007 00007 7574 9999 65535 65536 99999 000007 100000 2147483647 2147483648 4294967297 99999999999999999999'.split(
    ' ',
  );
const NO_INTEGERS = '| 1|1 |-1|+1|1.0|1e3|x|١|/|:|1:|/1|12345x|x12345'.split('|');
const LINE_ENDS = ['\n', '\r', '\r\n\r\n', '\n\r', '\r\r\n', '\n\n'];

/** Bytes with a meaning, and their neighbours. */
const BYTES = Buffer.from(',,,\r\n\r\n\r\n"0123456789-a+!#\u000c\u000eñ');

export class RowsMaker {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A file; it may end within a row. */
  file(): Buffer {
    const random = this.#random;
    const length = this.#oneIn(500) ? ROWS_MANY : random.between(0, ROWS_USUAL_MAX);
    const odd = this.#oneIn(2);
    let bytes: Buffer = Buffer.concat(
      Array.from({ length }, () => (odd ? this.#row() : this.#usualRow())),
    );
    if (this.#oneIn(3)) bytes = this.#edited(bytes);
    return this.#oneIn(3) ? bytes.subarray(0, random.between(0, bytes.length)) : bytes;
  }

  /** Offsets of cuts: none, near the beginning, or anywhere. */
  places(): number[] {
    const random = this.#random;
    const farthest = this.#oneIn(2) ? 200 : 2 ** 17;
    return Array.from({ length: random.between(0, 6) }, () => random.between(0, farthest));
  }

  #row(): Buffer {
    if (this.#oneIn(BROKEN_ROWS)) return this.#brokenRow();
    return this.#oneIn(UNUSUAL_ROWS) ? this.#unusualRow() : this.#usualRow();
  }

  #usualRow(): Buffer {
    const agency = this.#random.between(0, 99_999);
    return Buffer.concat([
      Buffer.from(`${agency},`),
      this.#texts(),
      Buffer.from(`,${this.#number()}\r\n`),
    ]);
  }

  #unusualRow(): Buffer {
    const random = this.#random;
    const texts = Buffer.from(
      [this.#text(), random.pick(QUOTED), this.#text(), this.#text()].join(','),
    );
    const inQuotes = this.#oneIn(3);
    return Buffer.concat([
      Buffer.from(`${random.pick(INTEGERS)},`),
      inQuotes ? texts : this.#texts(),
      Buffer.from(`,${random.pick(INTEGERS)}`),
      Buffer.from(this.#oneIn(2) ? '\r\n' : random.pick(LINE_ENDS)),
    ]);
  }

  #brokenRow(): Buffer {
    const random = this.#random;
    const integer = (): string => random.pick(this.#oneIn(2) ? NO_INTEGERS : INTEGERS);
    const texts = Array.from({ length: random.between(2, 6) }, () => this.#text());
    return Buffer.from(`${[integer(), ...texts, integer()].join(',')}\r\n`);
  }

  /** Four fields with a total length around one or several vector blocks. */
  #texts(): Buffer {
    const random = this.#random;
    const texts = Array.from({ length: 4 }, () => this.#text());
    if (this.#oneIn(4))
      texts[random.between(0, 3)] = 'x'.repeat(random.between(0, this.#oneIn(4) ? 300 : 70));
    const bytes = Buffer.from(texts.join(','));
    if (this.#oneIn(20) && bytes.length > 3)
      bytes[random.between(0, bytes.length - 1)] = random.pick(ODD_BYTES);
    return bytes;
  }

  #text(): string {
    return this.#random.pick(TEXTS);
  }

  #number(): number {
    return this.#random.between(0, this.#oneIn(20) ? 99_999 : 9_999);
  }

  /** Replaces, inserts or removes a few bytes. */
  #edited(bytes: Buffer): Buffer {
    const random = this.#random;
    const edited = [...bytes];
    for (let edits = random.between(1, 3); edits > 0; edits -= 1) {
      const added = Array.from({ length: random.between(0, 2) }, () => random.pick([...BYTES]));
      edited.splice(random.between(0, edited.length), random.between(0, 2), ...added);
    }
    return Buffer.from(edited);
  }

  #oneIn(times: number): boolean {
    return this.#random.next() % times === 0;
  }
}
