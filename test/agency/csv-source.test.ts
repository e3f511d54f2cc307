import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvSource } from '../../src/agency/csv-source.ts';
import { CsvReader } from '../../src/lottery/csv-reader.ts';
import { drain, type Read } from '../lottery/csv-reading.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { formatOf } from './start-agency.ts';

const NO_STOP = new AbortController().signal;

/** The source's read size; records cross its multiples. */
const CHUNK_BYTES = 256 * 1024;

async function readFile(content: string | Uint8Array): Promise<Read[]> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, content);
  return recordsOf(path);
}

async function recordsOf(path: string): Promise<Read[]> {
  const source = await CsvSource.open(formatOf(path), NO_STOP);
  const reader = new CsvReader({ delimiter: source.delimiter, recordBytesMax: 8 * 1024 });
  const records: Read[] = [];
  for await (const chunk of source.chunks()) {
    reader.push(chunk);
    drain(reader, records);
  }
  reader.end();
  drain(reader, records);
  await source.close();
  return records;
}

/** Lines of `bytes` bytes in all, each with one field of the letter x. */
function filler(bytes: number): string {
  const line = `${'x'.repeat(63)}\n`;
  const rest = bytes % line.length;
  return (
    line.repeat((bytes - rest) / line.length) + (rest === 0 ? '' : `${'x'.repeat(rest - 1)}\n`)
  );
}

const TWO: Read[] = [
  [1, ['a', 'b']],
  [2, ['c', 'd']],
];

describe('CsvSource', () => {
  test.each([
    ['plain lines', 'a,b\nc,d\n'],
    ['a byte order mark', '\ufeffa,b\r\nc,d\r\n'],
    ['a byte order mark and quotes', '\ufeff"a",b\r\nc,"d"'],
  ])('reads a file with %s', async (_, content) => {
    expect(await readFile(content)).toEqual(TWO);
  });

  test.each([
    ['one byte', 'a', ['a']],
    ['two bytes', 'ab', ['ab']],
    ['half a byte order mark', Buffer.from([0xef, 0xbb]), ['\ufffd']],
  ])('reads a file shorter than a byte order mark (%s)', async (_, content, fields) => {
    expect(await readFile(content)).toEqual([[1, fields]]);
  });

  test('skips a byte order mark at the beginning only', async () => {
    expect(await readFile('a\n\ufeffb\n')).toEqual([
      [1, ['a']],
      [2, ['\ufeffb']],
    ]);
    expect(await readFile(`${filler(CHUNK_BYTES)}\ufeffb\n`)).toContainEqual([
      CHUNK_BYTES / 64 + 1,
      ['\ufeffb'],
    ]);
  });

  test('reports the bytes read', async () => {
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, filler(CHUNK_BYTES + 64));
    const source = await CsvSource.open(formatOf(path), NO_STOP);
    const read: number[] = [];
    for await (const chunk of source.chunks()) {
      expect(chunk).toHaveLength(
        Math.min(CHUNK_BYTES, source.bytesRead - read.length * CHUNK_BYTES),
      );
      read.push(source.bytesRead);
    }
    await source.close();
    expect(read).toEqual([CHUNK_BYTES, CHUNK_BYTES + 64]);
  });
});

test('a record across a chunk border is read whole at every cut', async () => {
  const path = join(await temporaryFolder(), 'agency.csv');
  const record = '"Ñ🎲, ""x""","a\r\nb","",\r\n';
  const fields = ['Ñ🎲, "x"', 'a\r\nb', '', ''];
  const length = Buffer.byteLength(record);
  for (let before = 0; before <= length + 1; before += 1) {
    // A record begins `before` bytes before the first and the second boundary.
    const first = filler(CHUNK_BYTES - before);
    const second = filler(CHUNK_BYTES - length);
    await writeFile(path, first + record + second + record + 'end');
    const records = await recordsOf(path);
    const lines = first.split('\n').length;
    const again = lines + 2 + second.split('\n').length - 1;
    // Filler with no letters is an empty line and no record.
    expect(records.filter(([, found]) => !/^x+$/.test(found?.[0] ?? ''))).toEqual([
      [lines, fields],
      [again, fields],
      [again + 2, ['end']],
    ]);
  }
});
