import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_FILES, type ReadableFile } from '../../src/store/csv/files.ts';
import { JournalReader, type JournalLine } from '../../src/store/csv/journal-reader.ts';
import { encodeRecord } from '../../src/store/csv/journal-record.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { damageOf } from './store-folder.ts';

const finished = (n: number): Buffer =>
  Buffer.from(encodeRecord(n, { type: 'finished', agency: n, upload: 'Ñ'.repeat(n) }));

const FIRST = finished(1);
const SECOND = finished(2);
const THIRD = finished(3);
const WHOLE = Buffer.concat([FIRST, SECOND, THIRD]);
const THIRD_AT = FIRST.length + SECOND.length;

interface Read {
  readonly offsets: readonly number[];
  readonly agencies: readonly number[];
  readonly end: number;
  readonly tornBytes: number;
}

/** Reads a journal of some bytes from a real file. */
async function read(bytes: Uint8Array): Promise<Read> {
  const path = join(await temporaryFolder(), 'bets.journal');
  await writeFile(path, bytes);
  const file = await NODE_FILES.openToRead(path);
  try {
    return await readFrom(file);
  } finally {
    await file.close();
  }
}

async function readFrom(file: ReadableFile): Promise<Read> {
  const reader = new JournalReader('bets.journal', file);
  const lines: JournalLine[] = [];
  for await (const line of reader.read()) lines.push(line);
  expect(reader.lines).toBe(lines.length);
  return {
    offsets: lines.map(({ offset }) => offset),
    agencies: lines.map(({ record }) => ('agency' in record ? record.agency : 0)),
    end: reader.end,
    tornBytes: reader.tornBytes,
  };
}

/** A copy with other bytes from `at` on. */
function withBytes(bytes: Buffer, at: number, ...values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, at);
  return copy;
}

const TWO_LINES: Omit<Read, 'tornBytes'> = {
  offsets: [0, FIRST.length],
  agencies: [1, 2],
  end: THIRD_AT,
};

describe('JournalReader', () => {
  test('returns the lines with their offsets', async () => {
    expect(await read(WHOLE)).toEqual({
      offsets: [0, FIRST.length, THIRD_AT],
      agencies: [1, 2, 3],
      end: WHOLE.length,
      tornBytes: 0,
    });
  });

  test('returns the same lines from short reads', async () => {
    for (const most of [1, 7, THIRD.length]) {
      const file: ReadableFile = {
        size: async () => WHOLE.length,
        read: async (into, position) =>
          WHOLE.copy(
            into,
            0,
            position,
            Math.min(WHOLE.length, position + Math.min(most, into.length)),
          ),
        close: async () => {},
      };
      expect(await readFrom(file)).toMatchObject({ agencies: [1, 2, 3], tornBytes: 0 });
    }
  });

  test('returns a line longer than the read buffer', async () => {
    const documents = Array.from({ length: 200_000 }, (_, index) => String(index));
    const draw = {
      type: 'draw',
      time: '',
      end: 0,
      sha256: '',
      bets: 0,
      winners: [[1, documents]],
    } as const;
    const line = encodeRecord(2, draw);
    expect(line.length).toBeGreaterThan(1024 * 1024);
    expect(await read(Buffer.concat([FIRST, line, THIRD]))).toMatchObject({
      offsets: [0, FIRST.length, FIRST.length + line.length],
      agencies: [1, 0, 3],
    });
  });
});

describe('the end of a journal', () => {
  test('is torn without a line end, wherever the last line was cut', async () => {
    for (let length = 1; length < THIRD.length; length += 1) {
      expect(await read(WHOLE.subarray(0, THIRD_AT + length))).toEqual({
        ...TWO_LINES,
        tornBytes: length,
      });
    }
  });

  test('is torn when zeros precede the line end: a part was not written', async () => {
    for (const [at, length] of [
      [0, 1],
      [0, THIRD.length - 1],
      [5, 9],
      [THIRD.length - 2, 1],
    ] as const) {
      const torn = withBytes(WHOLE, THIRD_AT + at, ...new Uint8Array(length));
      expect(await read(torn)).toEqual({ ...TWO_LINES, tornBytes: THIRD.length });
    }
  });

  test('is torn when it is all zeros: the file grew before the write', async () => {
    const zeros = Buffer.alloc(5000);
    expect(await read(Buffer.concat([FIRST, SECOND, zeros]))).toEqual({
      ...TWO_LINES,
      tornBytes: 5000,
    });
  });
});

describe('the middle of a journal', () => {
  test('is damaged by an empty line', async () => {
    const lines = [FIRST, Buffer.from('\n'), SECOND];
    expect(await damageOf(read(Buffer.concat(lines)))).toMatchObject({
      offset: FIRST.length,
      reason: 'the line has no checksum',
    });
  });
});
