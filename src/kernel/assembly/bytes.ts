/** The bytes that the grammar of a payload, and of a row, names. */

export const SEPARATOR: u8 = 0x7c;
export const COMMA: u8 = 0x2c;
export const QUOTE: u8 = 0x22;
export const DASH: u8 = 0x2d;
export const ZERO: u8 = 0x30;
export const DELETE: u8 = 0x7f;
/** The first byte that is no control character of ASCII. */
export const SPACE: u8 = 0x20;
export const LF: u8 = 0x0a;
export const CR: u8 = 0x0d;
/** CR LF, as a little-endian word. */
export const LINE_END: u16 = 0x0a0d;

export function isDigit(byte: u8): bool {
  return <u8>(byte - ZERO) < 10;
}

/** The value of two digits. */
export function pair(at: i32): i32 {
  return (<i32>load<u8>(at) - ZERO) * 10 + <i32>load<u8>(at, 1) - ZERO;
}
