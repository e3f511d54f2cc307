import { inspect } from 'node:util';
import type { Bet } from './bet.ts';

/** Places of the fields in a row of `bets.csv`. */
const FIRST_NAME = 1;
const LAST_NAME = 2;
const DOCUMENT = 3;
const BIRTHDATE = 4;

/**
 * A bet of `bets.csv` whose texts are found in its row on demand (lazily): a draw needs the
 * document of one bet in ten thousand. The text of some hundred rows that it references never
 * changes.
 */
export class StoredBet implements Bet {
  readonly agency: number;
  readonly number: number;
  readonly #rows: string;
  readonly #row: number;

  /**
   * @param rows bytes of a file, a character each
   * @param row where the row, a usual one (`row-scanner.ts`), begins in them
   */
  constructor(rows: string, row: number, agency: number, number: number) {
    this.agency = agency;
    this.number = number;
    this.#rows = rows;
    this.#row = row;
  }

  get firstName(): string {
    return this.#field(FIRST_NAME);
  }

  get lastName(): string {
    return this.#field(LAST_NAME);
  }

  get document(): string {
    return this.#field(DOCUMENT);
  }

  get birthdate(): string {
    return this.#field(BIRTHDATE);
  }

  /** The bet as an object of its own: getters are neither spread nor compared nor made JSON of. */
  toJSON(): Bet {
    const { agency, firstName, lastName, document, birthdate, number } = this;
    return { agency, firstName, lastName, document, birthdate, number };
  }

  [inspect.custom](): Bet {
    return this.toJSON();
  }

  #field(index: number): string {
    const rows = this.#rows;
    let start = this.#row;
    for (let field = 0; field < index; field += 1) start = rows.indexOf(',', start) + 1;
    const bytes = rows.slice(start, rows.indexOf(',', start));
    return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
  }
}
