const COMMA = 0x2c;
const ZERO = 0x30;
/** CR LF as a little-endian number. */
const LINE_END = 0x0a0d;
const LINE_END_BYTES = 2;

/** Four bytes at once: words with the same byte in each place. */
const COMMAS = 0x2c2c2c2c;
const QUOTES = 0x22222222;
const ONES = 0x01010101;
const LOW_BITS = 0x7f7f7f7f;
const HIGH_BITS = 0x80808080;
/** Sets the high bit of a byte of 0e to 7f that it is added to. */
const UP_TO_TEXT = 0x72727272;
const WORD_BYTES = 4;

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

/** Without the line end. The commas of a longer row could not be counted in a byte. */
const ROW_BYTES_MAX = 255;

/**
 * Finds the usual rows of a `bets.csv`, which nearly all are, for one `RowDecoder`; `CsvReader`
 * takes the others. The grammar is narrower than that of a row, so that one look at each byte is
 * enough:
 *
 *     usual row = agency "," text "," text "," text "," text "," number CR LF   ; at most 257 bytes
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
  /** The window, then zeros, at which every row ends. */
  readonly #bytes = new Uint8Array(WINDOW_BYTES_MAX + WORD_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  /** Takes the bytes to scan, at most `WINDOW_BYTES_MAX`. */
  load(window: Uint8Array): void {
    this.#bytes.set(window);
    this.#bytes.fill(0, window.length, window.length + WORD_BYTES);
    const length = foundLength(window.length);
    if (this.found.length < length) this.found = new Int32Array(length);
  }

  /**
   * Finds the consecutive usual rows from offset `from` on, and returns how many. The last one is
   * complete.
   */
  scan(from: number): number {
    const { found } = this;
    const bytes = this.#bytes;
    const view = this.#view;
    let rows = 0;
    let at = from;
    for (;;) {
      const slot = rows * NUMBERS_PER_ROW;
      found[slot] = at;
      const end = findRowEnd(view, at);
      if (end < 0) return rows;
      const agency = digitsFrom(bytes, at);
      const number = digitsBefore(bytes, end);
      if (agency < 0 || number < 0) return rows;
      found[slot + 1] = agency;
      found[slot + 2] = number;
      rows += 1;
      at = end + LINE_END_BYTES;
    }
  }
}

/**
 * The place of the CR that ends the row at `start`; -1 when its line end or its commas are not
 * those of a usual row. Compares four bytes at a time; the highest bit of each byte is the result:
 *
 *     bytes   1,Sa ntia go L ione l,Lo …
 *     commas  .1.. .... .... .... .1..
 */
function findRowEnd(view: DataView, start: number): number {
  /** Counts the commas in each of the four places. */
  let counts = 0;
  for (let at = start; ; at += WORD_BYTES) {
    const word = view.getInt32(at, true);
    const isText = ((word & LOW_BITS) + UP_TO_TEXT) | word;
    const ends = ~(isText & notZero(word ^ QUOTES)) & HIGH_BITS;
    const commas = (~notZero(word ^ COMMAS) & HIGH_BITS) >>> 7;
    if (ends === 0) {
      counts += commas;
      continue;
    }
    const first = ends & -ends;
    counts += commas & (first - 1);
    const end = at + ((31 - Math.clz32(first)) >> 3);
    const isUsual =
      end - start <= ROW_BYTES_MAX &&
      Math.imul(counts, ONES) >>> 24 === COMMAS_PER_ROW &&
      view.getUint16(end, true) === LINE_END;
    return isUsual ? end : -1;
  }
}

/** A word with the highest bit of each byte set that is not zero; its other bits have no meaning. */
function notZero(word: number): number {
  return ((word & LOW_BITS) + LOW_BITS) | word;
}

/** The value of the digits between `start` and a comma; -1 when they are too many or none. */
function digitsFrom(bytes: Uint8Array, start: number): number {
  let value = 0;
  let at = start;
  for (;;) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    at += 1;
  }
  return bytes[at] === COMMA && isCount(at - start) ? value : -1;
}

/** The value of the digits between a comma and `end`; -1 when they are too many or none. */
function digitsBefore(bytes: Uint8Array, end: number): number {
  let value = 0;
  let weight = 1;
  let at = end - 1;
  for (;;) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value += digit * weight;
    weight *= 10;
    at -= 1;
  }
  return bytes[at] === COMMA && isCount(end - 1 - at) ? value : -1;
}

function isCount(digits: number): boolean {
  return digits > 0 && digits <= DIGITS_MAX;
}

/** Length of `found` for a window. */
function foundLength(windowBytes: number): number {
  return Math.floor(windowBytes / ROW_BYTES_MIN) * NUMBERS_PER_ROW + 1;
}
