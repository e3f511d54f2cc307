/**
 * Writers for the fields of a bet. Each writes at `at`, where there is room, and returns the place
 * after it. They create no views: a batch has hundreds of fields.
 */

export function putBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  let next = at;
  for (let index = start; index < end; index += 1) to[next++] = from[index]!;
  return next;
}

/** Big-endian. */
export function putU16(to: Uint8Array, at: number, value: number): number {
  to[at] = value >>> 8;
  to[at + 1] = value;
  return at + 2;
}

/** Big-endian. */
export function putU32(to: Uint8Array, at: number, value: number): number {
  return putU16(to, putU16(to, at, value >>> 16), value & 0xff_ff);
}

/** The decimal digits of an integer from 0 on. */
export function putDigits(to: Uint8Array, at: number, value: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
  let rest = value;
  for (let index = end - 1; index >= at; index -= 1) {
    to[index] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}
