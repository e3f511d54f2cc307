import { expect, test } from 'vitest';
import type { ReadableFile } from '../../src/store/csv/files.ts';
import { JournalReader } from '../../src/store/csv/journal-reader.ts';
import { encodeRecord, type JournalRecord } from '../../src/store/csv/journal-record.ts';

const finished = (n: number): Uint8Array =>
  encodeRecord(n, { type: 'finished', agency: n, upload: 'Ñ'.repeat(n) });

/** Offset and type of each line of a journal, read in chunks of at most this size. */
async function read(lines: readonly Uint8Array[], most: number): Promise<[number, string][]> {
  const bytes = Buffer.concat(lines);
  const file: ReadableFile = {
    size: async () => bytes.length,
    read: async (into, position) =>
      bytes.copy(into, 0, position, position + Math.min(most, into.length)),
    close: async () => {},
  };
  const reader = new JournalReader('bets.journal', file);
  const found: [number, string][] = [];
  for await (const { offset, record } of reader.read()) found.push([offset, record.type]);
  expect([reader.lines, reader.end, reader.tornBytes]).toEqual([lines.length, bytes.length, 0]);
  return found;
}

test.each([1, 7, 100])('JournalReader reads lines in reads of %i bytes', async most => {
  const lines = [finished(1), finished(2), finished(3)];
  const [first, second] = lines.map(({ length }) => length) as [number, number];
  expect(await read(lines, most)).toEqual([
    [0, 'finished'],
    [first, 'finished'],
    [first + second, 'finished'],
  ]);
});

test('JournalReader reads a line longer than its buffer', async () => {
  const documents = Array.from({ length: 200_000 }, (_, index) => String(index));
  const winners: JournalRecord & { type: 'draw' } = {
    type: 'draw',
    time: '',
    end: 0,
    sha256: '',
    bets: 0,
    winners: [[1, documents]],
  };
  const lines = [finished(1), encodeRecord(2, winners), finished(3)];
  const [first, second] = lines.map(({ length }) => length) as [number, number];
  expect(second).toBeGreaterThan(1024 * 1024);
  expect(await read(lines, Infinity)).toEqual([
    [0, 'finished'],
    [first, 'draw'],
    [first + second, 'finished'],
  ]);
});
