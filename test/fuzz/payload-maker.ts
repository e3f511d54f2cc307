import type { SeededRandom } from '../../src/dataset/random.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/row-reader.ts';
import { words } from '../support/words.ts';

/**
 * Generates payloads of batches from a seed: valid ones, those with one invalid byte, field or
 * limit, and noise. Most bets of a payload are valid, so that a fault follows any number of rows.
 */

const SEPARATOR = 0x7c;

/** One in this many fields is invalid. */
const ODD_FIELDS = 40;

/** Longest runs of bets: around a client's, and as many as fit into 1 MiB. */
const BETS_USUAL_MAX = 140;
const BETS_MANY_MAX = 20_000;

/** Changed places of a payload, of at most two bytes each. */
const EDITS_MAX = 3;

const NAMES = [
  'Santiago Lionel',
  'Lorca',
  'Tiago Nicolás',
  'Núñez',
  'María José',
  'Ñ',
  'Ana',
  'Li',
  "D'Angelo",
  'de la Fuente y Álvarez',
  'Agüero',
  'Ωμέγα',
  'Жанна',
  '王',
  '😀',
  'Smith, John',
  'Juan "Tito"',
  '"',
  ',',
  ' ',
];

/** Valid and invalid sequences at the limits of UTF-8 and of names. */
const SEQUENCES = words(`
  00 09 0a 0d 1f 20 21 22 2c 7b 7d 7e 7f 80 bf c0 c1 ff fe
  c080 c1bf c27f c280 c285 c29f c2a0 c2bf c2c0 c2 c3 c380 c3bf c3c3 c3c380
  c37f c3a9a9 a9 c3a9c3a9 df80 dfbf df dfc0 c37c
  e0 e080 e08080 e09fbf e0a080 e0bfbf e18080 e180 ecbfbf ed8080 ed9fbf eda080 edbfbf ee8080 efbfbf efbbbf efbf7f efbfc0
  e2807c e28028 f0 f0808080 f08fbfbf f0908080 f09f9880 f09f98 f09f987c f0bfbfbf f1808080 f3bfbfbf
  f4808080 f48fbfbf f4908080 f4bfbfbf f5808080 f7bfbfbf f8888080
`).map(hex => Buffer.from(hex, 'hex'));

const NAME_LENGTHS = words(
  '1 2 3 14 15 16 17 30 31 32 33 47 48 49 62 63 64 65 127 128 254 255 256 257 300',
).map(Number);

const YEARS = words('0000 0001 0004 0100 0400 1582 1900 1999 2000 2001 2004 2100 2400 9999');
const MONTHS = words('00 01 02 03 04 06 09 11 12 13 20 99');
const DAYS = words('00 01 10 28 29 30 31 32 39 99');
const DATES = [
  '1999-3-17',
  '1999-03-7',
  '1999/03/17',
  '1999-03-17 ',
  '17-03-1999',
  '19990317',
  '+999-03-17',
  '1999-03-1x',
  '١٩٩٩',
];
/** Days that not every month or year has. */
const LAST_DAYS = words(
  '2000-02-29 1996-02-29 0004-02-29 1999-12-31 1987-04-30 0001-01-31 9999-12-31',
);
const NUMBERS = words('0 00 7 07 007 0042 9999 09999 10000 0000009999 00000009999 99999 -1 1.0');

/** Bytes with a meaning, and their neighbours. */
const BYTES = Buffer.from('||||00112345678999/:-,"\'; \r\n\0\u007fzñÑ', 'utf8');

const AGENCIES = [1, 2, 5, 9, 10, 42, 99, 100, 999, 1000, 9999, 10_000, 65_535];

export class PayloadMaker {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  agency(): number {
    return this.#random.pick(AGENCIES);
  }

  payload(): Buffer {
    const payload = (this.#oneIn(25) ? this.#noise() : this.#batch()).subarray(
      0,
      PAYLOAD_BYTES_MAX - EDITS_MAX * 2,
    );
    if (this.#oneIn(3)) return this.#edited(payload);
    return this.#oneIn(12) ? payload.subarray(0, this.#random.between(0, payload.length)) : payload;
  }

  /** A bet, nearly always of five fields. */
  bet(): Buffer {
    const fields = [
      this.#name(),
      this.#name(),
      this.#document(),
      this.#birthdate(),
      this.#number(),
    ];
    if (this.#oneIn(200)) fields.splice(this.#random.between(0, 4), 1);
    if (this.#oneIn(200)) fields.splice(this.#random.between(0, 5), 0, this.#name());
    return joined(fields);
  }

  #batch(): Buffer {
    const length = this.#oneIn(20_000)
      ? this.#random.between(1000, BETS_MANY_MAX)
      : this.#random.between(0, this.#oneIn(20) ? BETS_USUAL_MAX : 6);
    const bets = Array.from({ length }, () => this.bet());
    const trailing = this.#oneIn(30) ? [Buffer.alloc(0)] : [];
    return joined([this.#count(length), ...(length === 0 ? [Buffer.alloc(0)] : bets), ...trailing]);
  }

  /** The payload's count of bets. */
  #count(bets: number): Buffer {
    if (!this.#oneIn(15)) return Buffer.from(String(bets).padStart(this.#oneIn(10) ? 6 : 1, '0'));
    const wrong = [
      bets + 1,
      Math.max(0, bets - 1),
      0,
      999_999,
      1_000_000,
      4_294_967_296 + bets,
      '',
      'x',
      '-1',
      '1 ',
      '+1',
    ];
    return Buffer.from(String(this.#random.pick(wrong)));
  }

  #name(): Buffer {
    if (!this.#oneIn(ODD_FIELDS)) return Buffer.from(this.#random.pick(NAMES));
    if (this.#oneIn(3)) {
      const text = Buffer.from('abcdefgh'.repeat(5)).subarray(0, this.#random.between(0, 40));
      const place = this.#random.between(0, text.length);
      return Buffer.concat([
        text.subarray(0, place),
        this.#random.pick(SEQUENCES),
        text.subarray(place),
      ]);
    }
    if (this.#oneIn(10)) return Buffer.alloc(0);
    const length = this.#random.pick(NAME_LENGTHS);
    const filled = Buffer.alloc(length, this.#random.pick(['x', 'ñ', '€', '😀', '"', ',', 'ab"']));
    // It may divide a character at the end.
    return this.#oneIn(2) ? filled : Buffer.from(filled.toString('utf8').replaceAll('\ufffd', ''));
  }

  #document(): Buffer {
    return this.#digits(
      this.#oneIn(ODD_FIELDS) ? this.#random.between(0, 12) : this.#random.between(1, 10),
    );
  }

  #birthdate(): Buffer {
    const random = this.#random;
    if (this.#oneIn(ODD_FIELDS)) return Buffer.from(random.pick([...DATES, '']));
    if (this.#oneIn(ODD_FIELDS))
      return Buffer.from([YEARS, MONTHS, DAYS].map(parts => random.pick(parts)).join('-'));
    if (this.#oneIn(8)) return Buffer.from(random.pick(LAST_DAYS));
    const two = (value: number): string => String(value).padStart(2, '0');
    const year = random.between(1900, 2010);
    return Buffer.from(`${year}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`);
  }

  #number(): Buffer {
    if (this.#oneIn(ODD_FIELDS)) return Buffer.from(this.#random.pick(NUMBERS));
    if (this.#oneIn(ODD_FIELDS)) return this.#digits(this.#random.between(0, 11));
    return Buffer.from(String(this.#random.between(0, 9999)));
  }

  #digits(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => String(this.#random.between(0, 9))).join(''));
  }

  /** Replaces, inserts or removes a few bytes. */
  #edited(payload: Buffer): Buffer {
    const bytes = [...payload];
    for (let edits = this.#random.between(1, EDITS_MAX); edits > 0; edits -= 1) {
      const added = Array.from({ length: this.#random.between(0, 2) }, () => this.#byte());
      bytes.splice(this.#random.between(0, bytes.length), this.#random.between(0, 2), ...added);
    }
    return Buffer.from(bytes);
  }

  #noise(): Buffer {
    return Buffer.from(Array.from({ length: this.#random.between(0, 200) }, () => this.#byte()));
  }

  #byte(): number {
    return this.#oneIn(3) ? this.#random.between(0, 255) : this.#random.pick([...BYTES]);
  }

  #oneIn(times: number): boolean {
    return this.#random.next() % times === 0;
  }
}

function joined(fields: readonly Buffer[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field, index) => (index === 0 ? [field] : [Buffer.of(SEPARATOR), field])),
  );
}
