import * as fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { combineCrc32 } from '../../src/store/csv/crc32-combine.ts';

test('combineCrc32 returns the CRC-32 of the concatenation', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ size: 'max', maxLength: 70_000 }),
  );
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const both = crc32(Buffer.concat([first, second]));
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(both);
    }),
    { numRuns: 300 },
  );
});
