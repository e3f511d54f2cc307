import { COMMA, isDigit, LINE_END, QUOTE, ZERO } from './bytes.ts';

/**
 * `scan` of `lottery/plain-row-scanner.ts`, 64 bytes at a time. A comparison of all 64 bytes at
 * once becomes a 64-bit mask with one bit per byte: the row ends at the lowest bit of one mask, and
 * the commas before it are counted in another.
 *
 *     bit     0                                              47
 *     bytes   1,Santiago Lionel,Lorca,30904465,1999-03-17,7574␍␊2,…
 *     ends    ...............................................11....
 *     commas  .1...............1.....1........1..........1.........
 *
 * The window lies from 0 to `end`, and `found` at `to`. Up to 64 bytes after the window are read,
 * whatever they are.
 */

const COMMAS_PER_ROW = 5;
const DIGITS_MAX = 5;
const BLOCK_BYTES = 64;
/** What stands below this ends a row, or makes it an unusual one. */
const FIRST_OF_TEXT: u8 = 0x0e;
const LINE_END_BYTES = 2;
const SLOT_BYTES = 12;

export function scanRows(from: i32, end: i32, to: i32): i32 {
  let at = from;
  let slot = to;
  for (;;) {
    store<i32>(slot, at);
    const lineEnd = findLineEnd(at, end);
    if (lineEnd < 0) break;
    const agency = digitsFrom(at);
    const number = digitsBefore(lineEnd);
    if ((agency | number) < 0) break;
    store<i32>(slot, agency, 4);
    store<i32>(slot, number, 8);
    slot += SLOT_BYTES;
    at = lineEnd + LINE_END_BYTES;
  }
  return (slot - to) / SLOT_BYTES;
}

/**
 * The place of the line end of the row at `start`; -1 when that, or the number of its commas, is
 * not that of a usual row.
 */
function findLineEnd(start: i32, end: i32): i32 {
  let commas = 0;
  for (let at = start; at < end; at += BLOCK_BYTES) {
    const block0 = v128.load(at);
    const block1 = v128.load(at, 16);
    const block2 = v128.load(at, 32);
    const block3 = v128.load(at, 48);
    const ends = mask(isNoText(block0), isNoText(block1), isNoText(block2), isNoText(block3));
    const ofBlock = mask(isComma(block0), isComma(block1), isComma(block2), isComma(block3));
    if (ends == 0) {
      commas += <i32>popcnt(ofBlock);
      continue;
    }
    const place = <i32>ctz(ends);
    const lineEnd = at + place;
    commas += <i32>popcnt(ofBlock & (((<u64>1) << place) - 1));
    const isWhole = lineEnd + LINE_END_BYTES <= end && load<u16>(lineEnd) == LINE_END;
    return isWhole && commas == COMMAS_PER_ROW ? lineEnd : -1;
  }
  return -1;
}

/** The value of the digits between `start` and a comma; -1 when they are too many or none. */
function digitsFrom(start: i32): i32 {
  let at = start;
  let value = 0;
  while (isDigit(load<u8>(at)) && at - start < DIGITS_MAX) {
    value = value * 10 + <i32>(load<u8>(at) - ZERO);
    at += 1;
  }
  return at > start && load<u8>(at) == COMMA ? value : -1;
}

/** The value of the digits between a comma and `end`; -1 when they are too many or none. */
function digitsBefore(end: i32): i32 {
  let at = end - 1;
  let value = 0;
  let weight = 1;
  while (isDigit(load<u8>(at)) && end - at <= DIGITS_MAX) {
    value += <i32>(load<u8>(at) - ZERO) * weight;
    weight *= 10;
    at -= 1;
  }
  return weight > 1 && load<u8>(at) == COMMA ? value : -1;
}

function isComma(bytes: v128): v128 {
  return i8x16.eq(bytes, i8x16.splat(COMMA));
}

function isNoText(bytes: v128): v128 {
  return v128.or(i8x16.lt_u(bytes, i8x16.splat(FIRST_OF_TEXT)), i8x16.eq(bytes, i8x16.splat(QUOTE)));
}

/** The highest bit of each of 64 bytes, the first byte's in bit 0. */
function mask(bytes0: v128, bytes1: v128, bytes2: v128, bytes3: v128): u64 {
  const low = <u32>(i8x16.bitmask(bytes0) | (i8x16.bitmask(bytes1) << 16));
  const high = <u32>(i8x16.bitmask(bytes2) | (i8x16.bitmask(bytes3) << 16));
  return <u64>low | ((<u64>high) << 32);
}
