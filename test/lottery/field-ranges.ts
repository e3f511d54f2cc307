import type { FieldRanges } from '../../src/lottery/bet-rules.ts';

/** Fields in one buffer, surrounded by bytes that would change the verdict if they were read. */
export function rangesOf(
  fields: readonly Uint8Array[],
  between: Uint8Array = Buffer.from('80', 'hex'),
): FieldRanges {
  const starts: number[] = [];
  const ends: number[] = [];
  let bytes = Buffer.from(between);
  for (const field of fields) {
    starts.push(bytes.length);
    bytes = Buffer.concat([bytes, field, between]);
    ends.push(bytes.length - between.length);
  }
  return { bytes, starts: Int32Array.from(starts), ends: Int32Array.from(ends) };
}
