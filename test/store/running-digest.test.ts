import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { DamageError } from '../../src/store/csv/damage.ts';
import type { ReadableFile } from '../../src/store/csv/files.ts';
import type { Checkpoint } from '../../src/store/csv/journal-record.ts';
import { RunningDigest } from '../../src/store/csv/running-digest.ts';

/** Several reads. */
const BYTES = bytesOf(1_000_000);

function bytesOf(length: number): Buffer {
  const random = new SeededRandom(7);
  return Buffer.from(Uint8Array.from({ length }, () => random.next()));
}

const sha256 = (length: number): string =>
  createHash('sha256').update(BYTES.subarray(0, length)).digest('hex');

const checkpointAt = (end: number, digest = sha256(end)): Checkpoint => ({
  type: 'checkpoint',
  end,
  sha256: digest,
});

/** A file with the first bytes of `BYTES` that counts concurrent reads. */
class GrowingFile implements ReadableFile {
  length: number;
  /** Maximum bytes of a read. */
  readBytesMax = Number.POSITIVE_INFINITY;
  /** Called before each read. */
  onRead: (() => Promise<void> | void) | undefined;
  readonly reads: number[] = [];
  reading = 0;
  readingMax = 0;

  constructor(length = BYTES.length) {
    this.length = length;
  }

  async size(): Promise<number> {
    return this.length;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.reads.push(position);
    this.reading += 1;
    this.readingMax = Math.max(this.readingMax, this.reading);
    await this.onRead?.();
    const end = Math.min(this.length, position + Math.min(into.length, this.readBytesMax));
    into.set(BYTES.subarray(position, end));
    this.reading -= 1;
    return Math.max(0, end - position);
  }

  async close(): Promise<void> {}
}

const always = (): boolean => true;

describe('RunningDigest', () => {
  test('is the SHA-256 of the bytes read, for any file growth and short reads', async () => {
    const growth = fc.array(fc.oneof(fc.nat(3), fc.nat(2000), fc.nat(300_000)), { maxLength: 8 });
    const readBytesMax = fc.oneof(
      fc.integer({ min: 100, max: 5000 }),
      fc.constant(Number.POSITIVE_INFINITY),
    );
    await fc.assert(
      fc.asyncProperty(growth, readBytesMax, async (lengths, max) => {
        const file = new GrowingFile(0);
        file.readBytesMax = max;
        const digest = new RunningDigest(file, []);
        for (const length of lengths) {
          file.length = Math.min(BYTES.length, file.length + length);
          await digest.advance(file.length, always);
          expect([digest.offset, digest.sha256]).toEqual([file.length, sha256(file.length)]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('reads nothing beyond the durable end that it is given', async () => {
    const digest = new RunningDigest(new GrowingFile(), [checkpointAt(700_000)]);
    for (const end of [0, 1, 300_000, 300_001]) {
      await digest.advance(end, always);
      expect([digest.offset, digest.sha256]).toEqual([end, sha256(end)]);
    }
  });

  test('does not move back to an earlier end', async () => {
    const file = new GrowingFile();
    const digest = new RunningDigest(file, []);
    await digest.advance(500, always);
    await digest.advance(100, always);
    expect([digest.offset, digest.sha256, file.reads]).toEqual([500, sha256(500), [0]]);
  });

  test('pauses on request and resumes from there', async () => {
    const file = new GrowingFile();
    const digest = new RunningDigest(file, []);
    let reads = 0;
    await digest.advance(BYTES.length, () => (reads += 1) <= 2);
    const { offset } = digest;
    expect(offset).toBeGreaterThan(0);
    expect(offset).toBeLessThan(BYTES.length);
    expect(digest.sha256).toBe(sha256(offset));
    await digest.advance(BYTES.length, () => false);
    expect([digest.offset, file.reads.length]).toEqual([offset, 2]);
    await digest.advance(BYTES.length, always);
    expect(digest.sha256).toBe(sha256(BYTES.length));
  });

  test('serves concurrent calls one after the other, in order', async () => {
    const file = new GrowingFile();
    file.onRead = () => new Promise(resolve => setImmediate(resolve));
    const digest = new RunningDigest(file, []);
    const seen: [number, string][] = [];
    const look = (): void => {
      seen.push([digest.offset, digest.sha256]);
    };
    const ends = [400_000, 400_001, 200_000, BYTES.length];
    await Promise.all(ends.map(end => digest.advance(end, always).then(look)));
    expect(seen[0]).toEqual([400_000, sha256(400_000)]);
    expect(seen.at(-1)).toEqual([BYTES.length, sha256(BYTES.length)]);
    expect(file.readingMax).toBe(1);
    // Nothing was read twice.
    expect(new Set(file.reads).size).toBe(file.reads.length);
  });

  test('reports stopped only after the current read has ended, even with an error', async () => {
    for (const fails of [false, true]) {
      const file = new GrowingFile(1000);
      const gate = Promise.withResolvers<void>();
      file.onRead = () => gate.promise;
      const digest = new RunningDigest(file, []);
      const advancing = digest.advance(1000, always).catch((error: unknown) => String(error));
      let stopped = false;
      const stopping = digest.stopped().then(() => {
        stopped = true;
      });
      await new Promise(resolve => setImmediate(resolve));
      expect([file.reading, stopped]).toEqual([1, false]);
      if (fails) gate.reject(new Error('EIO'));
      else gate.resolve();
      await stopping;
      expect(await advancing).toBe(fails ? 'Error: EIO' : undefined);
    }
  });
});

describe('RunningDigest with checkpoints', () => {
  test('accepts correct checkpoints at any offset', async () => {
    const ends = fc.array(
      fc.oneof(fc.nat(BYTES.length), fc.constantFrom(0, 262_144, BYTES.length)),
      {
        maxLength: 5,
      },
    );
    await fc.assert(
      fc.asyncProperty(ends, async places => {
        const checkpoints = places.toSorted((a, b) => a - b).map(end => checkpointAt(end));
        const digest = new RunningDigest(new GrowingFile(), checkpoints);
        await digest.advance(BYTES.length, always);
        expect(digest.sha256).toBe(sha256(BYTES.length));
      }),
      { numRuns: 20 },
    );
  });

  test.each([0, 1, 262_144, 300_001, BYTES.length])(
    'detects a wrong checkpoint at %i',
    async end => {
      const wrong = checkpointAt(end, sha256(end === 0 ? 1 : end - 1));
      const around = [end - 1, end + 1].filter(place => place > 0 && place <= BYTES.length);
      const checkpoints = [...around.map(place => checkpointAt(place)), wrong].toSorted(
        (a, b) => a.end - b.end,
      );
      const digest = new RunningDigest(new GrowingFile(), checkpoints);
      const error = await digest.advance(BYTES.length, always).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DamageError);
      expect(error).toMatchObject({
        code: 'unusable',
        file: 'bets.csv',
        offset: 0,
        reason: `the SHA-256 of its first ${end} bytes is not that of the checkpoint`,
      });
    },
  );

  test('detects a wrong checkpoint at the same offset as a correct one', async () => {
    const digest = new RunningDigest(new GrowingFile(), [
      checkpointAt(100),
      checkpointAt(100, sha256(99)),
    ]);
    await expect(digest.advance(100, always)).rejects.toBeInstanceOf(DamageError);
  });

  test('does not check a checkpoint that it has not reached', async () => {
    const digest = new RunningDigest(new GrowingFile(), [checkpointAt(100, sha256(99))]);
    await digest.advance(99, always);
    expect(digest.sha256).toBe(sha256(99));
    await expect(digest.advance(100, always)).rejects.toBeInstanceOf(DamageError);
  });

  test('stays failed after damage and reads no further', async () => {
    const file = new GrowingFile();
    const digest = new RunningDigest(file, [checkpointAt(100, sha256(99))]);
    const calls = [100, 200].map(end =>
      digest.advance(end, always).catch((reason: unknown) => reason),
    );
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(DamageError);
    await expect(digest.advance(BYTES.length, always)).rejects.toBeInstanceOf(DamageError);
    expect([digest.offset, file.reads]).toEqual([100, [0]]);
  });

  test('reports the end of a file that is too short', async () => {
    const digest = new RunningDigest(new GrowingFile(500), []);
    await expect(digest.advance(501, always)).rejects.toMatchObject({
      name: 'DamageError',
      file: 'bets.csv',
      offset: 500,
    });
  });
});
