/**
 * Finds the usual rows of `bets.csv`, nearly all of a file, many at a time; the others are left to
 * `CsvReader`. The grammar is narrower than that of a row, so that one look at each byte is enough:
 *
 *     usual row = agency "," text "," text "," text "," text "," number CR LF
 *     agency    = 1*5digit
 *     text      = *( any byte but "," | quote | 00..0d )
 *     number    = 1*5digit
 */
export interface RowScanner {
  /**
   * What was found, until the next `scan` or `load`: three numbers for each row, its place in the
   * window, its agency and its number. After the last row comes the place where it ends.
   */
  readonly found: Int32Array;
  /**
   * Takes the bytes that are to be scanned, at most `WINDOW_BYTES_MAX`; they stay what they are
   * until the last `scan`.
   */
  load(window: Uint8Array): void;
  /**
   * Finds the consecutive usual rows from `from` on and returns their number; the last is complete.
   */
  scan(from: number): number;
}

/** Numbers of `found` for each row. */
export const NUMBERS_PER_ROW = 3;

/**
 * The window becomes a text, and one that is much longer gets pages of the heap to itself: that
 * takes several times as long.
 */
export const WINDOW_BYTES_MAX = 64 * 1024;

/**
 * Digits of an agency or a number: those of 65535. What has more needs more care than a usual row
 * gets.
 */
export const DIGITS_MAX = 5;

/** The shortest usual row is `0,,,,,0` and its line end. */
const ROW_BYTES_MIN = 9;

/** Length that `found` needs for a window. */
export function foundLength(windowBytes: number): number {
  return Math.floor(windowBytes / ROW_BYTES_MIN) * NUMBERS_PER_ROW + 1;
}
