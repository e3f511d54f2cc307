import { COMMA, DASH, DELETE, QUOTE, SEPARATOR, SPACE, ZERO } from './bytes.ts';
import { isDay } from './calendar.ts';

/**
 * The bets that nearly all of a file are, 64 bytes at a time. A comparison of all 64 bytes at once
 * becomes a 64-bit mask with one bit per byte, and the rules become arithmetic on such masks. What
 * this accepts is valid; what it does not accept may be valid all the same and is read again, field
 * by field (`fields.ts`).
 *
 *     bit       0        first     last      document      birthdate      number
 *     bytes     Santiago Lionel|Lorca|30904465|1999-03-17|7574|…
 *     separators .............. 1 .... 1 ....... 1 ......... 1 ... 1
 */

const DOCUMENT_DIGITS_MAX = 10;
/** Digits of a number that needs no care: without zeros before it, it is 0..9999. */
const NUMBER_DIGITS_MAX = 4;
/**
 * What is no digit from the separator before the birthdate to the one after it: these two and the
 * dashes.
 */
const BIRTHDATE_NON_DIGITS: u64 = 0b100100100001;
const FIRST_DASH = 4;
const SECOND_DASH = 7;

const LEAD_MIN: u8 = 0xc3;
const LEADS: u8 = 0xe0 - 0xc3;
const CONTINUATION_MIN: u8 = 0x80;
const CONTINUATIONS: u8 = 0xc0 - 0x80;

/**
 * Copies the fields of the bet at `at` to `to`, with commas between them, and returns their length;
 * 0 when the bet is not a usual one. Reads 64 bytes and writes 64.
 */
export function copyUsualBet(at: i32, end: i32, to: i32): i32 {
  const block0 = v128.load(at);
  const block1 = v128.load(at, 16);
  const block2 = v128.load(at, 32);
  const block3 = v128.load(at, 48);
  const separators0 = i8x16.eq(block0, i8x16.splat(SEPARATOR));
  const separators1 = i8x16.eq(block1, i8x16.splat(SEPARATOR));
  const separators2 = i8x16.eq(block2, i8x16.splat(SEPARATOR));
  const separators3 = i8x16.eq(block3, i8x16.splat(SEPARATOR));

  let separators = mask(separators0, separators1, separators2, separators3);
  const firstNameEnd = <i32>ctz(separators);
  separators &= separators - 1;
  const lastNameEnd = <i32>ctz(separators);
  separators &= separators - 1;
  const documentEnd = <i32>ctz(separators);
  separators &= separators - 1;
  const birthdateEnd = <i32>ctz(separators);
  separators &= separators - 1;
  const length = <i32>ctz(separators);
  if (separators == 0 || at + length > end) return 0;

  const names = ((<u64>1) << lastNameEnd) - 1;
  const special = mask(isSpecial(block0), isSpecial(block1), isSpecial(block2), isSpecial(block3));
  if (firstNameEnd == 0 || lastNameEnd == firstNameEnd + 1 || (special & names) != 0) return 0;
  const beyondAscii = mask(block0, block1, block2, block3) & names;
  if (beyondAscii != 0 && !areTwoByteLetters(at, names, beyondAscii)) return 0;

  // Everything from the document on: the bits below `length` without those up to the last name's
  // end.
  const numerals = ((<u64>1) << length) - ((<u64>2) << lastNameEnd);
  const nonDigits = mask(
    isNonDigit(block0),
    isNonDigit(block1),
    isNonDigit(block2),
    isNonDigit(block3),
  );
  if ((nonDigits & numerals) != BIRTHDATE_NON_DIGITS << documentEnd) return 0;
  if (!hasLength(lastNameEnd, documentEnd, DOCUMENT_DIGITS_MAX)) return 0;
  if (!hasLength(birthdateEnd, length, NUMBER_DIGITS_MAX)) return 0;
  if (load<u8>(at + birthdateEnd, 1) == ZERO && length - birthdateEnd > 2) return 0;

  // With its dashes where they belong, the birthdate can only end at the last of its non-digits.
  const birthdate = at + documentEnd + 1;
  if (load<u8>(birthdate, FIRST_DASH) != DASH || load<u8>(birthdate, SECOND_DASH) != DASH) return 0;
  if (!isDay(birthdate)) return 0;

  v128.store(to, withCommas(block0, separators0));
  v128.store(to, withCommas(block1, separators1), 16);
  v128.store(to, withCommas(block2, separators2), 32);
  v128.store(to, withCommas(block3, separators3), 48);
  return length;
}

/** The highest bit of each of 64 bytes, the first byte's in bit 0. */
export function mask(bytes0: v128, bytes1: v128, bytes2: v128, bytes3: v128): u64 {
  const low = <u32>(i8x16.bitmask(bytes0) | (i8x16.bitmask(bytes1) << 16));
  const high = <u32>(i8x16.bitmask(bytes2) | (i8x16.bitmask(bytes3) << 16));
  return <u64>low | ((<u64>high) << 32);
}

/** Control characters of ASCII, and what makes a field of a row stand in quotes. */
function isSpecial(bytes: v128): v128 {
  const control = v128.or(
    i8x16.lt_u(bytes, i8x16.splat(SPACE)),
    i8x16.eq(bytes, i8x16.splat(DELETE)),
  );
  const quoted = v128.or(i8x16.eq(bytes, i8x16.splat(COMMA)), i8x16.eq(bytes, i8x16.splat(QUOTE)));
  return v128.or(control, quoted);
}

export function isNonDigit(bytes: v128): v128 {
  return i8x16.gt_u(i8x16.sub(bytes, i8x16.splat(ZERO)), i8x16.splat(9));
}

/** Whether 1 to `max` bytes lie between two separators. */
export function hasLength(separator: i32, next: i32, max: u32): bool {
  return <u32>(next - separator - 2) < max;
}

/**
 * Whether what is not ASCII in the names is well-formed sequences of two bytes from U+00C0 to
 * U+07FF, which are letters and no control characters: Á, é, ñ, ü.
 *
 *     lead          C3..DF
 *     continuation  80..BF, one after every lead and nowhere else
 *
 * Loads the bytes once more: names of ASCII alone should not have to keep them ready for this.
 */
export function areTwoByteLetters(at: i32, names: u64, beyondAscii: u64): bool {
  const block0 = v128.load(at);
  const block1 = v128.load(at, 16);
  const block2 = v128.load(at, 32);
  const block3 = v128.load(at, 48);
  const leads = mask(isLead(block0), isLead(block1), isLead(block2), isLead(block3)) & names;
  const continuations = beyondAscii & ~leads;
  const wellFormed = mask(
    isContinuation(block0),
    isContinuation(block1),
    isContinuation(block2),
    isContinuation(block3),
  );
  return continuations == leads << 1 && (continuations & ~wellFormed) == 0;
}

function isLead(bytes: v128): v128 {
  return i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(LEAD_MIN)), i8x16.splat(LEADS));
}

function isContinuation(bytes: v128): v128 {
  return i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(CONTINUATION_MIN)), i8x16.splat(CONTINUATIONS));
}

function withCommas(bytes: v128, separators: v128): v128 {
  return v128.xor(bytes, v128.and(separators, i8x16.splat(SEPARATOR ^ COMMA)));
}
