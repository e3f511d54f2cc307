import * as fc from 'fast-check';

/** A stream arrives in pieces of any size. These helpers cut it. */

/**
 * The bytes cut at each of the places, which may be given in any order and larger than the stream
 * is long.
 */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.map(place => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...sorted].map((start, index) => bytes.slice(start, sorted[index] ?? bytes.length));
}

/** Places for `cutAt`; the same place twice makes an empty piece. */
export const places: fc.Arbitrary<number[]> = fc.array(fc.nat(4096), { maxLength: 12 });

/**
 * Each way to cut the stream in two, the empty pieces at both ends included, and the stream byte by
 * byte.
 */
export function everyCut(bytes: Uint8Array): Uint8Array[][] {
  const inTwo = Array.from({ length: bytes.length + 1 }, (_, place) => cutAt(bytes, [place]));
  return [...inTwo, Array.from(bytes, byte => Uint8Array.of(byte))];
}
