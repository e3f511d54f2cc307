import { fc, test } from '@fast-check/vitest';
import { describe, expect, vi } from 'vitest';
import { ByteQueue } from '../../src/wire/byte-queue.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (view: Uint8Array): string => Buffer.from(view).toString();

test('bytes and numbers are peeked at an offset from the first unconsumed byte', () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(1, 2, 0xff, 0xfe));
  queue.push(Uint8Array.of(0xfd, 0xfc, 0, 0, 1, 0));
  expect(queue.byteAt(0)).toBe(1);
  expect(queue.u32At(2)).toBe(0xfffefdfc);
  queue.take(2);
  expect(queue.byteAt(0)).toBe(0xff);
  expect(queue.u32At(0)).toBe(0xfffefdfc);
  expect(queue.u32At(4)).toBe(256);
  expect(queue.length).toBe(8);
});

test('numbers above 2^31 are not negative', () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0));
  expect([queue.u32At(0), queue.u32At(4)]).toEqual([4_294_967_295, 2_147_483_648]);
});

test('a chunk that is taken whole is not copied: the view shares its buffer', () => {
  const queue = new ByteQueue();
  const piece = bytes('abcdef');
  queue.push(piece);
  expect(queue.take(6).buffer).toBe(piece.buffer);
});

test('a chunk is never written to, and may be overwritten after the next push', () => {
  const queue = new ByteQueue();
  const first = bytes('abc');
  queue.push(first);
  queue.take(1);
  queue.push(bytes('defgh'));
  expect(text(first)).toBe('abc');
  first.fill(0);
  expect(text(queue.take(7))).toBe('bcdefgh');
});

describe('any pushes and takes', () => {
  const action = fc.oneof(
    fc.record({ push: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ push: fc.uint8Array({ minLength: 50, maxLength: 200 }) }),
    fc.record({ take: fc.nat(40), skip: fc.nat(10) }),
    fc.record({ take: fc.nat(300), skip: fc.nat(10) }),
  );

  test.prop([fc.array(action, { maxLength: 60 })], { numRuns: 2000 })(
    'match a list of bytes, even when old chunks are overwritten',
    actions => {
      const queue = new ByteQueue();
      const expected: number[] = [];
      let given: Uint8Array | undefined;
      for (const what of actions) {
        if ('push' in what) {
          const piece = Uint8Array.from(what.push);
          queue.push(piece);
          given?.fill(0xee);
          given = piece;
          expected.push(...what.push);
        } else {
          const length = Math.min(what.take, expected.length);
          const skip = Math.min(what.skip, length);
          if (expected.length > 0) expect(queue.byteAt(0)).toBe(expected[0]);
          if (expected.length >= 4) {
            expect(queue.u32At(0)).toBe(Buffer.from(expected.slice(0, 4)).readUInt32BE());
          }
          expect([...queue.take(length, skip)]).toEqual(expected.splice(0, length).slice(skip));
        }
        expect(queue.length).toBe(expected.length);
      }
    },
  );
});

test('a mebibyte that arrives byte by byte is copied a bounded number of times', () => {
  const set = vi.spyOn(Uint8Array.prototype, 'set');
  const copyWithin = vi.spyOn(Uint8Array.prototype, 'copyWithin');
  const queue = new ByteQueue();
  const size = 1024 * 1024;
  for (let at = 0; at < size; at += 1) queue.push(Uint8Array.of(at % 251));
  const copied = set.mock.calls.reduce((sum, [source]) => sum + source.length, 0);
  vi.restoreAllMocks();
  expect(copyWithin).not.toHaveBeenCalled();
  // Once when it arrives, and less than twice while the buffer doubles.
  expect(copied).toBeLessThan(3 * size);
  expect(
    Buffer.compare(
      queue.take(size),
      Uint8Array.from({ length: size }, (_, at) => at % 251),
    ),
  ).toBe(0);
});
