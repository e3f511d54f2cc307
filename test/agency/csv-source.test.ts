import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvSource } from '../../src/agency/csv-source.ts';
import { CsvReader } from '../../src/lottery/csv-reader.ts';
import { drain, type Read } from '../lottery/csv-reading.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { formatOf } from './start-agency.ts';

/** How much the source reads at a time; records lie across multiples of it. */
const CHUNK_BYTES = 256 * 1024;

async function readFile(content: string | Uint8Array): Promise<Read[]> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, content);
  return recordsOf(path);
}

async function recordsOf(path: string): Promise<Read[]> {
  const source = await CsvSource.open(formatOf(path));
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
    ['LF', 'a,b\nc,d\n'],
    ['CR LF', 'a,b\r\nc,d\r\n'],
    ['CR', 'a,b\rc,d\r'],
    ['a byte order mark', '\ufeffa,b\r\nc,d\r\n'],
    ['a byte order mark and quotes', '\ufeff"a",b\r\nc,"d"'],
  ])('reads a file with %s', async (_, content) => {
    expect(await readFile(content)).toEqual(TWO);
  });

  test.each([
    ['no bytes', ''],
    ['a byte order mark', '\ufeff'],
    ['empty lines', '\n\r\n\r\n\n\r'],
  ])('reads no records from a file of %s', async (_, content) => {
    expect(await readFile(content)).toEqual([]);
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
    const source = await CsvSource.open(formatOf(path));
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

describe('a record across a chunk border', () => {
  const RECORDS = [
    ['with multi-byte characters', 'Ñandú,Peña,🎲\r\n', ['Ñandú', 'Peña', '🎲']],
    ['with quotes', '"Ñ, ""x""",b,"c"\r\n', ['Ñ, "x"', 'b', 'c']],
    ['with quoted line ends', '"a\r\nb","\r","\n"\r\n', ['a\r\nb', '\r', '\n']],
    ['with empty fields', ',"",\r\n', ['', '', '']],
  ] as const;

  test.each(RECORDS)('%s is read whole at every cut', async (_, record, fields) => {
    const path = join(await temporaryFolder(), 'agency.csv');
    const length = Buffer.byteLength(record);
    const linesOfRecord = record === RECORDS[2][1] ? 4 : 1;
    for (let before = 0; before <= length + 1; before += 1) {
      // The record begins `before` bytes before the first border, and once more before the second.
      const first = filler(CHUNK_BYTES - before);
      const second = filler(CHUNK_BYTES - length);
      await writeFile(path, first + record + second + record + 'end');
      const records = await recordsOf(path);
      const lines = first.split('\n').length;
      const again = lines + linesOfRecord + second.split('\n').length - 1;
      // Filler that ends on a line of no letters is an empty line and no record.
      expect(records.filter(([, found]) => !/^x+$/.test(found?.[0] ?? ''))).toEqual([
        [lines, fields],
        [again, fields],
        [again + linesOfRecord, ['end']],
      ]);
    }
  });
});
