import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvSource } from '../../src/agency/csv-source.ts';
import { CsvReader } from '../../src/lottery/csv-reader.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const COMMA = 0x2c;
/** How much the source reads at a time; records lie across multiples of it. */
const CHUNK_BYTES = 256 * 1024;
/** What the agency takes for the longest line. */
const LINE_BYTES_MAX = 8 * 1024;

interface FileRecord {
  readonly line: number;
  /** `broken` when the line is no CSV. */
  readonly fields: readonly string[] | 'broken';
}

interface Options {
  readonly delimiter?: number;
}

async function readFile(
  content: string | Uint8Array,
  options: Options = {},
): Promise<FileRecord[]> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, content);
  return recordsOf(path, options);
}

async function recordsOf(path: string, { delimiter = COMMA }: Options = {}): Promise<FileRecord[]> {
  const source = await CsvSource.open({ path, delimiter: delimiter, encoding: 'utf-8' });
  const records: FileRecord[] = [];
  try {
    for await (const reader of readers(source)) {
      for (let step = reader.next(); step === 'record' || step === 'broken'; step = reader.next()) {
        const { line, bytes, starts, ends, fieldCount } = reader;
        const texts = Array.from({ length: Math.min(fieldCount, starts.length) }, (_, field) =>
          Buffer.from(bytes.subarray(starts[field], ends[field])).toString('utf8'),
        );
        records.push({ line, fields: step === 'broken' ? 'broken' : texts });
      }
    }
  } finally {
    await source.close();
  }
  return records;
}

/**
 * The reader, each time with the records of another chunk, as the batcher uses it for a dialect
 * without a faster way.
 */
async function* readers(source: CsvSource): AsyncGenerator<CsvReader> {
  const reader = new CsvReader({ delimiter: source.delimiter, recordBytesMax: LINE_BYTES_MAX });
  for await (const chunk of source.chunks()) {
    reader.push(chunk);
    yield reader;
  }
  reader.end();
  yield reader;
}

/** Lines of `bytes` bytes in all, each with one field of the letter x. */
function filler(bytes: number): string {
  const line = `${'x'.repeat(63)}\n`;
  const rest = bytes % line.length;
  return (
    line.repeat((bytes - rest) / line.length) + (rest === 0 ? '' : `${'x'.repeat(rest - 1)}\n`)
  );
}

const TWO: FileRecord[] = [
  { line: 1, fields: ['a', 'b'] },
  { line: 2, fields: ['c', 'd'] },
];

describe('CsvSource', () => {
  test.each([
    ['LF', 'a,b\nc,d\n'],
    ['CR LF', 'a,b\r\nc,d\r\n'],
    ['LF and CR LF', 'a,b\r\nc,d\n'],
    ['CR', 'a,b\rc,d\r'],
    ['no final line end', 'a,b\nc,d'],
    ['a byte order mark', '\ufeffa,b\r\nc,d\r\n'],
    ['a byte order mark and quotes', '\ufeff"a",b\r\nc,"d"'],
    ['quoted fields', '"a","b"\r\n"c","d"\r\n'],
  ])('reads a file with %s', async (_, content) => {
    expect(await readFile(content)).toEqual(TWO);
  });

  test.each([
    ['no bytes', ''],
    ['a byte order mark', '\ufeff'],
    ['LF', '\n'],
    ['CR LF', '\r\n'],
    ['CR', '\r'],
    ['empty lines', '\n\r\n\r\n\n\r'],
  ])('reads no records from a file of %s', async (_, content) => {
    expect(await readFile(content)).toEqual([]);
  });

  test.each([
    ['one byte', 'a', ['a']],
    ['two bytes', 'ab', ['ab']],
    ['half a byte order mark', Buffer.from([0xef, 0xbb]), ['\ufffd']],
  ])('reads a file shorter than a byte order mark (%s)', async (_, content, fields) => {
    expect(await readFile(content)).toEqual([{ line: 1, fields }]);
  });

  test('skips a byte order mark at the beginning only', async () => {
    expect(await readFile('a\n\ufeffb\n')).toEqual([
      { line: 1, fields: ['a'] },
      { line: 2, fields: ['\ufeffb'] },
    ]);
    expect(await readFile(`${filler(CHUNK_BYTES)}\ufeffb\n`)).toContainEqual({
      line: CHUNK_BYTES / 64 + 1,
      fields: ['\ufeffb'],
    });
  });

  test('skips empty lines but counts them', async () => {
    expect(await readFile('\n\na,b\r\n\r\n\r\nc,d\n\n')).toEqual([
      { line: 3, fields: ['a', 'b'] },
      { line: 6, fields: ['c', 'd'] },
    ]);
  });

  test.each([
    [';', 'a;b\nc;d\n'],
    ['\t', 'a\tb\nc\td\n'],
    ['|', 'a|b\nc|d\n'],
    [' ', 'a b\nc d\n'],
  ])('splits fields at %j', async (delimiter, content) => {
    expect(await readFile(content, { delimiter: delimiter.charCodeAt(0) })).toEqual(TWO);
  });

  test('keeps commas within fields when the delimiter is another', async () => {
    expect(await readFile('a,b;"c;d"\n', { delimiter: 0x3b })).toEqual([
      { line: 1, fields: ['a,b', 'c;d'] },
    ]);
  });

  test('reads delimiters, quotes and line ends in quoted fields', async () => {
    expect(await readFile('"a,""b""",c\n"one\ntwo\r\nthree",d\ne,f\n')).toEqual([
      { line: 1, fields: ['a,"b"', 'c'] },
      { line: 2, fields: ['one\ntwo\r\nthree', 'd'] },
      { line: 5, fields: ['e', 'f'] },
    ]);
  });

  test('keeps quotes within an unquoted field', async () => {
    expect(await readFile('a "b" c,d"\n')).toEqual([{ line: 1, fields: ['a "b" c', 'd"'] }]);
  });

  test('reports an unclosed quote as one broken line', async () => {
    expect(await readFile('a,b\n"c,d\ne,f\n')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, fields: 'broken' },
      { line: 3, fields: ['e', 'f'] },
    ]);
  });

  test.each([8 * 1024 + 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])(
    'reports a line of %i bytes as broken and reads the next',
    async length => {
      for (const broken of [
        'x'.repeat(length),
        `"${'x'.repeat(length)}"`,
        `"${'x'.repeat(length)}`,
      ]) {
        expect(await readFile(`a,b\r\n${broken}\r\nc,d\r\n`)).toEqual([
          { line: 1, fields: ['a', 'b'] },
          { line: 2, fields: 'broken' },
          { line: 3, fields: ['c', 'd'] },
        ]);
      }
    },
  );

  test('reads a line of 8 kB', async () => {
    const long = 'x'.repeat(8 * 1024);
    expect(await readFile(`${long}\na\n`)).toEqual([
      { line: 1, fields: [long] },
      { line: 2, fields: ['a'] },
    ]);
  });

  test('reports the bytes read', async () => {
    const path = join(await temporaryFolder(), 'agency.csv');
    await writeFile(path, filler(CHUNK_BYTES + 64));
    const source = await CsvSource.open({ path, delimiter: COMMA, encoding: 'utf-8' });
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

  test('reports a missing file and the setting that names it', async () => {
    const path = join(await temporaryFolder(), 'none.csv');
    await expect(
      CsvSource.open({ path, delimiter: COMMA, encoding: 'utf-8' }),
    ).rejects.toMatchObject({
      name: 'UnreadableFile',
      message: `cannot read ${path}, it does not exist (ENOENT); file.name in config.yaml or CLI_FILE_NAME names it`,
    });
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
      const known = records.filter(
        found => !/^x+$/.test(found.fields[0]!) && found.fields !== 'broken',
      );
      expect(records.some(found => found.fields === 'broken')).toBe(false);
      // Filler that ends on a line of no letters is an empty line and no record.
      expect(known).toEqual([
        { line: lines, fields },
        { line: again, fields },
        { line: again + linesOfRecord, fields: ['end'] },
      ]);
    }
  });

  test('that is too long is reported once', async () => {
    const long = 'x'.repeat(9_000);
    for (const before of [1, 4_000, 8_191, 8_192, 8_193, 8_999, 9_000, 9_001]) {
      const start = filler(CHUNK_BYTES - before);
      const records = await readFile(`${start}${long}\r\nend\r\n`);
      const lines = start.split('\n').length;
      expect(records.slice(-2)).toEqual([
        { line: lines, fields: 'broken' },
        { line: lines + 1, fields: ['end'] },
      ]);
    }
  });
});
