import type { SeededRandom } from '../../src/dataset/random.ts';
import { PayloadMaker } from './payload-maker.ts';

/**
 * Generates agencies' files from a seed: valid and nearly valid lines, with and without quotes,
 * with every kind of line end, empty and very long lines, unclosed quotes, and changed bytes.
 */

const SEPARATOR = '|';
const LINES_MAX = 60;
const EDITS_MAX = 3;
/** Lengths of names around the reader's limit of a line. */
const LONG_NAMES = [250, 4000, 8140, 8200, 20_000];

const NAMES = [
  'Santiago Lionel',
  'Lorca',
  'Tiago Nicolás',
  'Núñez',
  'Ana',
  'Li',
  "D'Angelo",
  'María José',
];
const ODD_NAMES = [
  'Smith, John',
  'Juan "Tito"',
  '"',
  'a|b',
  'Жанна',
  '王',
  'a\rb',
  'a\nb',
  '',
  ' ',
];
const ODD_LINES = [
  '',
  '"',
  '""',
  'x',
  ',,,,',
  '"a',
  'a,b"',
  'nombre,apellido,documento,nacimiento,numero',
  '\r',
  '\r\r',
];

export class FileMaker {
  readonly #random: SeededRandom;
  readonly #payloads: PayloadMaker;
  readonly #delimiter: string;

  constructor(random: SeededRandom, delimiter: number) {
    this.#random = random;
    this.#payloads = new PayloadMaker(random);
    this.#delimiter = String.fromCharCode(delimiter);
  }

  file(): Buffer {
    const random = this.#random;
    // Most files have one kind of line end and few unusual lines.
    const lineEnd = random.pick(['\n', '\n', '\r\n', '\r\n', '\r']);
    const odd = random.pick([3, 20, 1000]);
    const parts: Buffer[] = [];
    for (let lines = random.between(0, LINES_MAX); lines > 0; lines -= 1) {
      parts.push(this.#line(odd));
      parts.push(
        Buffer.from(this.#oneIn(odd * 3) ? random.pick(['\n', '\r\n', '\r', '\n\n']) : lineEnd),
      );
    }
    if (this.#oneIn(4)) parts.pop();
    const bytes = Buffer.concat(parts);
    return this.#oneIn(3) ? this.#edited(bytes) : bytes;
  }

  /** The file in chunks, which may divide lines. */
  chunks(file: Buffer): Buffer[] {
    const chunks: Buffer[] = [];
    // Incomplete lines are copied with every chunk: tiny chunks of a long file would take all the
    // time.
    const most = this.#random.pick(file.length < 2000 ? [1, 3, 64, 500] : [64, 500, 100_000]);
    for (let at = 0; at < file.length; ) {
      const end = Math.min(file.length, at + this.#random.between(1, most));
      chunks.push(file.subarray(at, end));
      at = end;
    }
    return chunks;
  }

  #line(odd: number): Buffer {
    const random = this.#random;
    if (this.#oneIn(odd * 2)) return Buffer.from(random.pick(ODD_LINES));
    // Bytes, not text: invalid UTF-8 is preserved.
    const made = this.#oneIn(odd)
      ? this.#payloads.bet().toString('latin1').split(SEPARATOR)
      : [
          this.#name(odd),
          this.#name(odd),
          ...this.#payloads.bet().toString('latin1').split(SEPARATOR).slice(-3),
        ];
    const always = this.#oneIn(odd);
    const fields = made.map(field => {
      const needed = field.includes(this.#delimiter) || /["\r\n]/.test(field);
      return (needed && !this.#oneIn(10)) || always ? `"${field.replaceAll('"', '""')}"` : field;
    });
    return Buffer.from(fields.join(this.#delimiter), 'latin1');
  }

  #name(odd: number): string {
    const random = this.#random;
    if (this.#oneIn(odd * 20)) return 'x'.repeat(random.pick(LONG_NAMES));
    return Buffer.from(random.pick(this.#oneIn(odd) ? ODD_NAMES : NAMES)).toString('latin1');
  }

  #edited(file: Buffer): Buffer {
    const bytes = Buffer.from(file);
    for (
      let edits = this.#random.between(1, EDITS_MAX);
      edits > 0 && bytes.length > 0;
      edits -= 1
    ) {
      const byte = this.#oneIn(3)
        ? this.#random.between(0, 255)
        : this.#random.pick([...Buffer.from('"|\r\n,0-')]);
      bytes[this.#random.between(0, bytes.length - 1)] = byte;
    }
    return bytes;
  }

  #oneIn(times: number): boolean {
    return this.#random.next() % times === 0;
  }
}
