import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DatasetShape,
  type ExpectedResult,
  generateDataset,
} from '../../src/dataset/generate.ts';
import { SeededRandom } from '../../src/dataset/random.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** The program's rules, implemented independently. */
const NAME = /^\p{Lu}['\p{L}]+(?: \p{Lu}['\p{L}]+)*$/u;
const DOCUMENT = /^[1-9]\d{6,7}$/;

interface Dataset {
  /** By file name, in order. */
  readonly files: Map<string, Buffer>;
  readonly expected: ExpectedResult;
}

async function generate(shape: DatasetShape): Promise<Dataset> {
  const folder = join(await temporaryFolder(), 'made', 'here');
  await generateDataset(folder, shape);
  const names = (await readdir(folder)).filter(name => name.endsWith('.csv'));
  const files = new Map<string, Buffer>();
  for (const name of names.toSorted()) files.set(name, await readFile(join(folder, name)));
  const json = await readFile(join(folder, 'expected.json'), 'utf8');
  return { files, expected: JSON.parse(json) as ExpectedResult };
}

function linesOf(file: Buffer): string[] {
  const text = file.toString('utf8');
  return text === '' ? [] : text.split('\r\n').slice(0, -1);
}

function isRealDay(text: string): boolean {
  const [year, month, day] = text.split('-').map(Number);
  const date = new Date(Date.UTC(year!, month! - 1, day));
  return (
    /^\d{4}-\d\d-\d\d$/.test(text) &&
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month! - 1 &&
    date.getUTCDate() === day
  );
}

describe('a made-up dataset', () => {
  test('is the same, byte by byte, for the same seed, and another for another', async () => {
    const shape = { agencies: 3, bets: 2_000, seed: 42 };
    const first = await generate(shape);
    expect(await generate(shape)).toEqual(first);
    const other = await generate({ ...shape, seed: 43 });
    for (const [name, file] of first.files) expect(other.files.get(name)!.equals(file)).toBe(false);
  });

  test('has as many bets as were asked for, however they are shared out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 17 }), fc.nat(997), async (agencies, bets) => {
        const { files, expected } = await generate({ agencies, bets, seed: 1 });
        expect([...files.keys()].toSorted()).toEqual(
          Array.from({ length: agencies }, (_, index) => `agency-${index + 1}.csv`).toSorted(),
        );
        const counts = expected.perAgency.map(({ file }) => linesOf(files.get(file)!).length);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(bets);
        expect(expected.perAgency.map(agency => agency.bets)).toEqual(counts);
        for (const count of counts) expect(count).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 25 },
    );
  });

  test('says in expected.json who wins, in the order of each file', async () => {
    const { files, expected } = await generate({ agencies: 5, bets: 78_001, seed: 7574 });
    expect(expected).toMatchObject({ agencies: 5, bets: 78_001, seed: 7574 });
    expect(expected.perAgency.map(({ agency, file }) => [agency, file])).toEqual(
      [1, 2, 3, 4, 5].map(agency => [agency, `agency-${agency}.csv`]),
    );
    for (const agency of expected.perAgency) {
      const fields = linesOf(files.get(agency.file)!).map(line => line.split(','));
      const documents = fields
        .filter(([, , , , number]) => number === '7574')
        .map(([, , document]) => document);
      expect(agency.winners).toEqual(documents);
    }
  });

  test('has as many winners in every agency as were asked for, or one, at any seed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2 ** 32 - 1),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(300),
        fc.option(fc.nat(9), { nil: undefined }),
        async (seed, agencies, more, winners) => {
          const shape = { agencies, bets: agencies + more, seed, winners };
          const { files, expected } = await generate(shape);
          for (const { file, bets, winners: documents } of expected.perAgency) {
            const drawn = linesOf(files.get(file)!).filter(line => line.endsWith(',7574'));
            expect(drawn.map(line => line.split(',')[2])).toEqual(documents);
            expect(documents).toHaveLength(Math.min(bets, winners ?? 1));
            expect(bets).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('has one winner in 10,000 bets unless a number was asked for', async () => {
    const { expected } = await generate({ agencies: 5, bets: 78_000, seed: 7574 });
    expect(expected.perAgency.map(({ winners }) => winners.length)).toEqual([3, 3, 2, 1, 1]);
  });

  test('holds only valid bets, one a line, ended by CR LF', async () => {
    const { files } = await generate({ agencies: 2, bets: 20_000, seed: 3 });
    for (const file of files.values()) {
      expect(file.toString('latin1').endsWith('\r\n')).toBe(true);
      for (const line of linesOf(file)) {
        const fields = line.split(',');
        expect(fields).toHaveLength(5);
        const [first, last, document, birthdate, number] = fields;
        const valid =
          NAME.test(first!) &&
          NAME.test(last!) &&
          DOCUMENT.test(document!) &&
          isRealDay(birthdate!) &&
          /^(?:0|[1-9]\d{0,3})$/.test(number!);
        if (!valid) expect(line).toBe('a valid bet');
      }
    }
  });

  test('has names with accents, in UTF-8 without a byte order mark', async () => {
    const { files } = await generate({ agencies: 1, bets: 3_000, seed: 1 });
    const file = files.get('agency-1.csv')!;
    expect(file.toString('utf8')).not.toContain('\ufffd');
    expect(file[0]).not.toBe(0xef);
    for (const letter of ['á', 'é', 'í', 'ó', 'ñ', 'Á'])
      expect(file.toString('utf8')).toContain(letter);
  });

  test('draws numbers of every size, so that there are winners and losers', async () => {
    const { files } = await generate({ agencies: 1, bets: 50_000, seed: 9 });
    const numbers = linesOf(files.get('agency-1.csv')!).map(line => Number(line.split(',')[4]));
    expect(numbers.every(number => number >= 0 && number <= 9_999)).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(9_800);
  });

  test('without bets is a folder of empty files', async () => {
    const { files, expected } = await generate({ agencies: 2, bets: 0, seed: 1 });
    expect([...files.values()].map(file => file.length)).toEqual([0, 0]);
    expect(expected.perAgency.map(({ bets, winners }) => [bets, winners])).toEqual([
      [0, []],
      [0, []],
    ]);
  });

  test('tells how far it is, up to the whole', async () => {
    const told: number[] = [];
    await generateDataset(
      await temporaryFolder(),
      { agencies: 3, bets: 30_001, seed: 1 },
      written => told.push(written),
    );
    expect(told.at(-1)).toBe(30_001);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  test('that cannot be written is an error', async () => {
    const folder = await temporaryFolder();
    await generateDataset(folder, { agencies: 1, bets: 1, seed: 1 });
    const inAFile = join(folder, 'agency-1.csv');
    await expect(generateDataset(inAFile, { agencies: 1, bets: 1, seed: 1 })).rejects.toThrow(
      /EEXIST|ENOTDIR/,
    );
  });
});

describe('repeatable chance', () => {
  test('stays within its bounds, reaches both, and repeats', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 32 - 1),
        fc.integer({ min: -50, max: 50 }),
        fc.nat(5),
        (seed, min, more) => {
          const take = (): number[] => {
            const random = new SeededRandom(seed);
            return Array.from({ length: 200 }, () => random.between(min, min + more));
          };
          const numbers = take();
          expect(take()).toEqual(numbers);
          expect(Math.min(...numbers)).toBe(min);
          expect(Math.max(...numbers)).toBe(min + more);
        },
      ),
    );
  });

  test('of neighbouring seeds differs from the first number on', () => {
    const firsts = Array.from({ length: 1_000 }, (_, seed) => new SeededRandom(seed).next());
    expect(new Set(firsts).size).toBe(1_000);
    expect(firsts.filter(number => number < 2 ** 31).length / 1_000).toBeCloseTo(0.5, 1);
  });
});
