import { DASH, DELETE, isDigit, SPACE, ZERO } from './bytes.ts';
import { isDay } from './calendar.ts';
import {
  CONTROL_CHARACTER,
  EMPTY,
  NONE,
  NOT_A_DATE,
  NOT_DIGITS,
  NOT_UTF_8,
  OUT_OF_RANGE,
  TOO_LONG,
} from './faults.ts';

/**
 * The rules of `lottery/bet-rules.ts` once more, in the same order, for a field from `start` to the
 * separator at `end`.
 */

const NAME_BYTES_MAX = 255;
const DOCUMENT_DIGITS_MAX = 10;
const NUMBER_DIGITS_MAX = 10;
/** Digits of the largest number. */
const NUMBER_VALUE_DIGITS_MAX = 4;
const BIRTHDATE_BYTES = 10;
const FIRST_DASH = 4;
const SECOND_DASH = 7;

export function nameFault(start: i32, end: i32): i32 {
  if (start == end) return EMPTY;
  if (end - start > NAME_BYTES_MAX) return TOO_LONG;
  let at = start;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte < 0x80) {
      if (byte < SPACE || byte == DELETE) return CONTROL_CHARACTER;
      at += 1;
    } else {
      const length = sequenceLength(at);
      if (length == 0) return NOT_UTF_8;
      if (byte == 0xc2 && load<u8>(at, 1) < 0xa0) return CONTROL_CHARACTER;
      at += length;
    }
  }
  return NONE;
}

/**
 * Length of the well-formed UTF-8 sequence of two to four bytes at `at`, 0 when it is none. The
 * separator after the name continues no sequence.
 */
function sequenceLength(at: i32): i32 {
  const first = load<u8>(at);
  const second = load<u8>(at, 1);
  if (first >= 0xc2 && first <= 0xdf) return isContinuation(second) ? 2 : 0;
  const third = load<u8>(at, 2);
  if (first >= 0xe0 && first <= 0xef) {
    const low: u8 = first == 0xe0 ? 0xa0 : 0x80;
    const high: u8 = first == 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isContinuation(third) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low: u8 = first == 0xf0 ? 0x90 : 0x80;
    const high: u8 = first == 0xf4 ? 0x8f : 0xbf;
    const inRange = second >= low && second <= high;
    return inRange && isContinuation(third) && isContinuation(load<u8>(at, 3)) ? 4 : 0;
  }
  return 0;
}

function isContinuation(byte: u8): bool {
  return byte >= 0x80 && byte <= 0xbf;
}

export function documentFault(start: i32, end: i32): i32 {
  if (start == end) return EMPTY;
  if (!areDigits(start, end)) return NOT_DIGITS;
  return end - start > DOCUMENT_DIGITS_MAX ? TOO_LONG : NONE;
}

export function birthdateFault(start: i32, end: i32): i32 {
  if (start == end) return EMPTY;
  if (end - start != BIRTHDATE_BYTES) return NOT_A_DATE;
  const firstDash = start + FIRST_DASH;
  const secondDash = start + SECOND_DASH;
  if (load<u8>(firstDash) != DASH || load<u8>(secondDash) != DASH) return NOT_A_DATE;
  const digits =
    areDigits(start, firstDash) &&
    areDigits(firstDash + 1, secondDash) &&
    areDigits(secondDash + 1, end);
  return digits && isDay(start) ? NONE : NOT_A_DATE;
}

export function numberFault(start: i32, end: i32): i32 {
  if (start == end) return EMPTY;
  if (!areDigits(start, end)) return NOT_DIGITS;
  if (end - start > NUMBER_DIGITS_MAX) return TOO_LONG;
  return end - skipZeros(start, end) > NUMBER_VALUE_DIGITS_MAX ? OUT_OF_RANGE : NONE;
}

/** Where the number without its leading zeros begins; `000` keeps its last digit. */
export function skipZeros(start: i32, end: i32): i32 {
  let at = start;
  while (at < end - 1 && load<u8>(at) == ZERO) at += 1;
  return at;
}

function areDigits(start: i32, end: i32): bool {
  for (let at = start; at < end; at += 1) {
    if (!isDigit(load<u8>(at))) return false;
  }
  return true;
}
