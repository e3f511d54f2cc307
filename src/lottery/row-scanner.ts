const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;

const COMMAS_PER_ROW = 5;

/** Numbers of `found` for each row. */
export const NUMBERS_PER_ROW = 3;

/**
 * The window becomes a string; V8 gives a much longer one heap pages of its own, at several times
 * the cost.
 */
export const WINDOW_BYTES_MAX = 64 * 1024;

/** Digits of an agency or a number: those of 65535. */
const DIGITS_MAX = 5;

/** The shortest usual row is `0,,,,,0` and its line end. */
const ROW_BYTES_MIN = 9;

/**
 * Finds the usual rows of a `bets.csv`, which nearly all are, for one `RowDecoder`; `CsvReader`
 * takes the others. The grammar is narrower than that of a row, so that one look at each byte is
 * enough:
 *
 *     usual row = agency "," text "," text "," text "," text "," number CR LF
 *     agency    = 1*5digit
 *     text      = *( any byte but "," | quote | 00..0d )
 *     number    = 1*5digit
 */
export class RowScanner {
  /**
   * Result of the last `scan`: `NUMBERS_PER_ROW` for each row (offset in the window, agency,
   * number), then the offset where the last row ends.
   */
  found = new Int32Array(0);
  #window: Uint8Array = new Uint8Array(0);

  /**
   * Takes the bytes to scan, at most `WINDOW_BYTES_MAX`. They must not change until the last
   * `scan`.
   */
  load(window: Uint8Array): void {
    this.#window = window;
    const length = foundLength(window.length);
    if (this.found.length < length) this.found = new Int32Array(length);
  }

  /**
   * Finds the consecutive usual rows from offset `from` on, and returns how many. The last one is
   * complete.
   */
  scan(from: number): number {
    const { found } = this;
    const window = this.#window;
    let rows = 0;
    let at = from;
    for (;;) {
      const slot = rows * NUMBERS_PER_ROW;
      found[slot] = at;
      const end = findRowEnd(window, at);
      if (end < 0) return rows;
      const agency = digitsFrom(window, at);
      const number = digitsBefore(window, end);
      if (agency < 0 || number < 0) return rows;
      found[slot + 1] = agency;
      found[slot + 2] = number;
      rows += 1;
      at = end + 2;
    }
  }
}

/**
 * The place of the CR that ends the row at `start`; -1 when its line end or its commas are not
 * those of a usual row.
 */
function findRowEnd(window: Uint8Array, start: number): number {
  const { length } = window;
  let commas = 0;
  for (let at = start; at < length; at += 1) {
    const byte = window[at]!;
    // One comparison for most bytes of a file.
    if (byte > COMMA) continue;
    if (byte === COMMA) {
      commas += 1;
    } else if (byte <= CR || byte === QUOTE) {
      return byte === CR && window[at + 1] === LF && commas === COMMAS_PER_ROW ? at : -1;
    }
  }
  return -1;
}

/** The value of the digits between `start` and a comma; -1 when they are too many or none. */
function digitsFrom(window: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start; at <= start + DIGITS_MAX; at += 1) {
    const byte = window[at]!;
    if (byte === COMMA) return at === start ? -1 : value;
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return -1;
}

/** The value of the digits between a comma and `end`; -1 when they are too many or none. */
function digitsBefore(window: Uint8Array, end: number): number {
  let value = 0;
  let weight = 1;
  for (let at = end - 1; at >= end - DIGITS_MAX - 1; at -= 1) {
    const byte = window[at]!;
    if (byte === COMMA) return at === end - 1 ? -1 : value;
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value += digit * weight;
    weight *= 10;
  }
  return -1;
}

/** Length of `found` for a window. */
function foundLength(windowBytes: number): number {
  return Math.floor(windowBytes / ROW_BYTES_MIN) * NUMBERS_PER_ROW + 1;
}
