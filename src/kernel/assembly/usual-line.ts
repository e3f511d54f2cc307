import { CR, DASH, DELETE, LF, QUOTE, SEPARATOR, SPACE } from './bytes.ts';
import { isDay } from './calendar.ts';
import { areTwoByteLetters, hasLength, isNonDigit, mask } from './usual-bet.ts';

/**
 * The lines that nearly all of an agency's file are, 64 bytes at a time and with masks as in
 * `usual-bet.ts`:
 *
 *     line = first "," last "," document "," birthdate "," number [ CR ] LF
 *
 * of at most 64 bytes, in which every field is valid and none needs the reader of CSV: no quote, no
 * control character, none of the separators of a payload. Instead of the comma it may be any other
 * delimiter. What this does not accept may be a bet all the same, and is read again by those who
 * know all the rules.
 */

const BIRTHDATE_BYTES = 10;
const DOCUMENT_DIGITS_MAX = 10;
/** A number of so many digits is 0..9999, with zeros before it or without. */
const NUMBER_DIGITS_MAX = 4;
/**
 * What is no digit from the delimiter before the birthdate to the one after it: these two and the
 * dashes.
 */
const BIRTHDATE_NON_DIGITS: u64 = 0b100100100001;
const FIRST_DASH = 4;
const SECOND_DASH = 7;
const DELIMITERS = 4;

/**
 * Of the last line that was copied: its fields with the separators between them, and all of it with
 * its end.
 */
export let fieldsLength = 0;
export let lineLength = 0;

/**
 * Writes a separator and the fields of the line at `at` to `to`, as far as they have room before
 * `toEnd`; false when they have none, or the line is not a usual one that ends before `end`. Reads
 * 64 bytes and writes 65.
 */
export function copyUsualLine(at: i32, end: i32, delimiter: u8, to: i32, toEnd: i32): bool {
  const block0 = v128.load(at);
  const block1 = v128.load(at, 16);
  const block2 = v128.load(at, 32);
  const block3 = v128.load(at, 48);
  const ends = mask(isByte(block0, LF), isByte(block1, LF), isByte(block2, LF), isByte(block3, LF));
  const lineEnd = <i32>ctz(ends);
  if (ends == 0 || lineEnd == 0 || at + lineEnd >= end) return false;
  const length = lineEnd - i32(load<u8>(at + lineEnd - 1) == CR);
  if (to + 1 + length > toEnd) return false;

  const delimiters0 = isByte(block0, delimiter);
  const delimiters1 = isByte(block1, delimiter);
  const delimiters2 = isByte(block2, delimiter);
  const delimiters3 = isByte(block3, delimiter);
  const delimiters =
    mask(delimiters0, delimiters1, delimiters2, delimiters3) & (((<u64>1) << length) - 1);
  if (popcnt(delimiters) != DELIMITERS) return false;
  const firstNameEnd = <i32>ctz(delimiters);
  let rest = delimiters & (delimiters - 1);
  const lastNameEnd = <i32>ctz(rest);
  rest &= rest - 1;
  const documentEnd = <i32>ctz(rest);
  rest &= rest - 1;
  const birthdateEnd = <i32>ctz(rest);

  const names = (((<u64>1) << lastNameEnd) - 1) & ~delimiters;
  const special = mask(isSpecial(block0), isSpecial(block1), isSpecial(block2), isSpecial(block3));
  if (firstNameEnd == 0 || lastNameEnd == firstNameEnd + 1 || (special & names) != 0) return false;
  const beyondAscii = mask(block0, block1, block2, block3) & names;
  if (beyondAscii != 0 && !areTwoByteLetters(at, names, beyondAscii)) return false;

  // Everything from the document on: the bits below `length` without those up to the last name's
  // end.
  const numerals = ((<u64>1) << length) - ((<u64>2) << lastNameEnd);
  const nonDigits = mask(
    isNonDigit(block0),
    isNonDigit(block1),
    isNonDigit(block2),
    isNonDigit(block3),
  );
  if ((nonDigits & numerals) != BIRTHDATE_NON_DIGITS << documentEnd) return false;
  if (!hasLength(lastNameEnd, documentEnd, DOCUMENT_DIGITS_MAX)) return false;
  if (birthdateEnd != documentEnd + 1 + BIRTHDATE_BYTES) return false;
  if (!hasLength(birthdateEnd, length, NUMBER_DIGITS_MAX)) return false;

  const birthdate = at + documentEnd + 1;
  if (load<u8>(birthdate, FIRST_DASH) != DASH || load<u8>(birthdate, SECOND_DASH) != DASH)
    return false;
  if (!isDay(birthdate)) return false;

  const change = i8x16.splat(delimiter ^ SEPARATOR);
  store<u8>(to, SEPARATOR);
  v128.store(to, v128.xor(block0, v128.and(delimiters0, change)), 1);
  v128.store(to, v128.xor(block1, v128.and(delimiters1, change)), 17);
  v128.store(to, v128.xor(block2, v128.and(delimiters2, change)), 33);
  v128.store(to, v128.xor(block3, v128.and(delimiters3, change)), 49);
  fieldsLength = length;
  lineLength = lineEnd + 1;
  return true;
}

function isByte(bytes: v128, byte: u8): v128 {
  return i8x16.eq(bytes, i8x16.splat(byte));
}

/**
 * What a name cannot hold or cannot be copied with: control characters of ASCII, quotes, and the
 * payload's separator.
 */
function isSpecial(bytes: v128): v128 {
  const control = v128.or(i8x16.lt_u(bytes, i8x16.splat(SPACE)), isByte(bytes, DELETE));
  return v128.or(control, v128.or(isByte(bytes, QUOTE), isByte(bytes, SEPARATOR)));
}
