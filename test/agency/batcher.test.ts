import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineFault, readBatches } from '../../src/agency/batcher.ts';
import { CsvSource } from '../../src/agency/csv-source.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const PACKET_BYTES_MAX = 8192;

interface Sent {
  readonly firstLine: number;
  readonly bytes: number;
  /** The bets of a batch as their five fields. */
  readonly bets: string[][];
}

interface Options {
  readonly amountMax?: number;
  readonly delimiter?: number;
}

async function batchesOf(content: string | Uint8Array, options: Options = {}) {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, content);
  return readFile(path, options);
}

async function readFile(
  path: string,
  { amountMax = 130, delimiter = 0x2c }: Options,
): Promise<{ batches: Sent[]; faults: LineFault[] }> {
  const { batch } = createBaseDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1);
  const source = await CsvSource.open(
    { path, delimiter, encoding: 'utf-8' },
    new AbortController().signal,
  );
  const batches: Sent[] = [];
  const faults: LineFault[] = [];
  try {
    for await (const { frame, count, firstLine } of readBatches(
      source,
      batch,
      () => amountMax,
      fault => faults.push(fault),
    )) {
      const bets = decodeNbet(frame);
      expect(bets).toHaveLength(count);
      batches.push({ firstLine, bytes: frame.length, bets });
    }
  } finally {
    await source.close();
  }
  return { batches, faults };
}

/** Decodes the bets of an `NBET` frame, independently of the product's codec. */
function decodeNbet(frame: Uint8Array): string[][] {
  const bytes = Buffer.from(frame);
  expect(bytes.toString('hex', 0, 4)).toBe('4e424554');
  expect(bytes.readUInt32BE(4)).toBe(bytes.length - 8);
  const [count, ...fields] = bytes.toString('utf8', 8).split('|');
  expect(fields).toHaveLength(Number(count) * 5);
  return Array.from({ length: Number(count) }, (_, index) =>
    fields.slice(index * 5, index * 5 + 5),
  );
}

function bet(index: number): string[] {
  return ['Ana', `Pérez ${index}`, String(1_000_000 + index), '1990-01-02', String(index % 10_000)];
}

function fileOf(bets: readonly (readonly string[])[]): string {
  return bets.map(fields => `${fields.join(',')}\r\n`).join('');
}

const BETS = Array.from({ length: 1_000 }, (_, index) => bet(index));

describe('batches', () => {
  test('record the line of their first bet', async () => {
    const { batches } = await batchesOf(
      `\nnot a bet\n${fileOf(BETS.slice(0, 4))}x\n${fileOf(BETS.slice(4, 7))}`,
      {
        amountMax: 2,
      },
    );
    expect(batches.map(({ firstLine, bets }) => [firstLine, bets[0]])).toEqual([
      [3, BETS[0]],
      [5, BETS[2]],
      [8, BETS[4]],
      [10, BETS[6]],
    ]);
  });
});

describe('an invalid line', () => {
  const GOOD = 'Ana,Paz,1,2000-01-01,2';

  test.each([
    ['a,b,1,2000-01-01', 'line', 'too-few-fields'],
    ['"a,b,1,2000-01-01,2', 'line', 'not-csv'],
    ['x'.repeat(10_000), 'line', 'not-csv'],
    ['"a\nb",b,1,2000-01-01,2', 'first_name', 'control-character'],
    ['a|b,b,1,2000-01-01,2', 'first_name', 'separator'],
    ['nombre,apellido,documento,nacimiento,numero', 'document', 'not-digits'],
  ])(
    '(%j) is reported with its line, field and reason, and the others are sent',
    async (line, field, reason) => {
      const { batches, faults } = await batchesOf(`${GOOD}\r\n${line}\r\n${GOOD}\r\n`);
      expect(faults).toMatchObject([{ line: 2, lines: line.split('\n').length, isHeading: false }]);
      expect(faults[0]!.faults[0]).toMatchObject({ field, reason });
      expect(batches.flatMap(({ bets }) => bets)).toEqual([GOOD.split(','), GOOD.split(',')]);
    },
  );

  test('is also reported when it is not UTF-8', async () => {
    const content = Buffer.concat([
      Buffer.from('P'),
      Buffer.of(0xe9),
      Buffer.from(`rez,${GOOD.slice(4)}\n${GOOD}\n`),
    ]);
    expect(await batchesOf(content)).toMatchObject({
      faults: [
        {
          line: 1,
          faults: [{ field: 'first_name', value: String.raw`P\xe9rez`, reason: 'not-utf-8' }],
        },
      ],
      batches: [{ firstLine: 2 }],
    });
  });

  test('with a separator does not lose the batch that its bytes complete', async () => {
    const wide = Array.from({ length: 16 }, (_, index) => [
      'a'.repeat(254),
      'b'.repeat(254),
      ...bet(index).slice(2),
    ]);
    const separator = ['a'.repeat(254), `${'b'.repeat(253)}|`, ...bet(99).slice(2)];
    const { batches, faults } = await batchesOf(
      fileOf([...wide.slice(0, 15), separator, ...wide.slice(15)]),
      {
        amountMax: 1_000,
      },
    );
    expect(batches.flatMap(({ bets }) => bets)).toEqual(wide);
    expect(faults).toMatchObject([
      { line: 16, faults: [{ field: 'last_name', reason: 'separator' }] },
    ]);
  });
});

describe('a file', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', 'Z', 'é', 'ñ', '🎲', ',', ' ', '"', "'", '.', '-', ';'),
    minLength: 1,
    maxLength: 12,
  });
  const validBet = fc.tuple(
    word,
    word,
    fc.integer({ min: 0, max: 9_999_999_999 }).map(String),
    fc
      .date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T00:00:00Z'),
        noInvalidDate: true,
      })
      .map(date => date.toISOString().slice(0, 10)),
    // A last line without a line end is a bet if its number is complete.
    fc
      .tuple(fc.constantFrom('', '0', '000'), fc.integer({ min: 1_000, max: 9_999 }))
      .map(([zeros, number]) => `${zeros}${number}`),
  );
  const invalidLine = fc.constantFrom(
    '',
    'x',
    'a,b,c,d,e',
    'a,b,1,2000-01-01,2,3',
    ',,,,',
    'a,b,1,2000-13-01,2',
    'a|b,b,1,2000-01-01,2',
  );
  const line = fc.record({
    content: fc.oneof({ weight: 4, arbitrary: validBet }, { weight: 1, arbitrary: invalidLine }),
    quoteAll: fc.boolean(),
    lineEnd: fc.constantFrom('\n', '\r\n'),
  });

  /** A CSV line with quotes where necessary, or everywhere. */
  function write(fields: readonly string[], quoteAll: boolean): string {
    return fields
      .map(field => (quoteAll || /[,"]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
      .join(',');
  }

  test('of any content yields each valid bet once, in order', async () => {
    const path = join(await temporaryFolder(), 'agency.csv');
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 300, size: 'max' }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        fc.boolean(),
        async (lines, amountMax, mark, lastLineEnd) => {
          const text = lines
            .map(({ content, quoteAll, lineEnd }) =>
              typeof content === 'string' ? content + lineEnd : write(content, quoteAll) + lineEnd,
            )
            .join('');
          await writeFile(
            path,
            (mark ? '\ufeff' : '') + (lastLineEnd ? text : text.replace(/\r?\n$/, '')),
          );
          const { batches, faults } = await readFile(path, { amountMax });
          const valid = lines.flatMap(({ content }) =>
            typeof content === 'string' ? [] : [content],
          );
          expect(batches.flatMap(({ bets }) => bets)).toEqual(valid);
          const wrong = lines.flatMap(({ content }, index) =>
            typeof content === 'string' && content !== '' ? [index + 1] : [],
          );
          expect(faults.map(fault => fault.line)).toEqual(wrong);
          for (const { bytes, bets } of batches) {
            expect(bytes).toBeLessThanOrEqual(PACKET_BYTES_MAX);
            expect(bets.length).toBeLessThanOrEqual(amountMax);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
