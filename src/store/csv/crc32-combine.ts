/**
 * The polynomial of CRC-32 (ISO 3309), its lowest power in the highest bit, as all polynomials
 * here.
 */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** x, x², x⁴, x⁸, … */
const POWERS = [0x40000000];
while (POWERS.length < 56) POWERS.push(multiply(POWERS.at(-1)!, POWERS.at(-1)!));

/**
 * CRC-32 of a concatenation from the checksums of its parts: the first is multiplied by x once for
 * each bit of the second, in some twenty multiplications.
 *
 * @param length of the second, in bytes
 */
export function combineCrc32(first: number, second: number, length: number): number {
  let shifted = first;
  // Bits are bytes times 8.
  for (let [left, power] = [length, 3]; left > 0; left = Math.floor(left / 2), power += 1)
    if (left % 2 === 1) shifted = multiply(POWERS[power]!, shifted);
  return (shifted ^ second) >>> 0;
}

/** The product of two polynomials, modulo that of CRC-32. */
function multiply(one: number, other: number): number {
  let product = 0;
  let shifted = other;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((one & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}
