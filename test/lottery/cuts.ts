import * as fc from 'fast-check';

/** Helpers that cut a stream into pieces. */

/** Cuts bytes at offsets, which may be unordered and beyond the end. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.map(place => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...sorted].map((start, index) => bytes.slice(start, sorted[index] ?? bytes.length));
}

/** Offsets for `cutAt`; a repeated offset makes an empty piece. */
export const places: fc.Arbitrary<number[]> = fc.array(fc.nat(4096), { maxLength: 12 });

/**
 * Each division of the stream into two pieces, including empty ones, and the stream byte by byte.
 */
export function everyCut(bytes: Uint8Array): Uint8Array[][] {
  const inTwo = Array.from({ length: bytes.length + 1 }, (_, place) => cutAt(bytes, [place]));
  return [...inTwo, Array.from(bytes, byte => Uint8Array.of(byte))];
}
