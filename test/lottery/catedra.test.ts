import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import {
  hasWon,
  loadBets,
  LOTTERY_WINNER_NUMBER,
  STORAGE_FILEPATH,
  storeBets,
} from '../../src/lottery/catedra.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { betWith, birthdate, document, plainBet, rowsOf, textsOf } from './bets.ts';
import { askPython, needsPython } from './python.ts';

/**
 * Names for the course's functions: any text, including line breaks. Without NUL, which Python's
 * csv module accepts only since 3.11.
 */
const anyName = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          ...Array.from('aé,"\r\n\t \u2028\u0085\ufeff'),
          '\r\n',
          '""',
          "'",
        ),
      },
    ),
    { maxLength: 12 },
  )
  .map(characters => characters.join('').replaceAll('\0', ''));

const anyBet: fc.Arbitrary<Bet> = fc.record({
  agency: fc.integer({ min: 1, max: 65_535 }),
  firstName: anyName,
  lastName: anyName,
  document,
  birthdate,
  number: fc.integer({ min: 0, max: 9999 }),
});

const anyBets = fc.array(anyBet, { maxLength: 10 });

/** The open files of this process with the given path, as descriptors. */
function descriptorsOf(path: string): string[] {
  return readdirSync('/proc/self/fd').filter(descriptor => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  });
}

const HAS_PROC = process.platform === 'linux';

describe('the constants of the course', () => {
  test('the storage file is ./bets.csv', () => {
    expect(STORAGE_FILEPATH).toBe('./bets.csv');
  });

  test('the winning number is 7574', () => {
    expect(LOTTERY_WINNER_NUMBER).toBe(7574);
  });
});

test('only the number 7574 wins', () => {
  const winning = Array.from({ length: 10_000 }, (_, number) => number).filter(number =>
    hasWon(betWith({ number })),
  );
  expect(winning).toEqual([7574]);
});

describe('storeBets', () => {
  test('creates the file and appends rows', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    storeBets([betWith({ number: 7 })], path);
    storeBets([], path);
    storeBets(
      [betWith({ agency: 2, firstName: 'Ñ, "x"' }), betWith({ agency: 3, document: '007' })],
      path,
    );
    expect(readFileSync(path, 'utf8')).toBe(
      '1,Santiago Lionel,Lorca,30904465,1999-03-17,7\r\n' +
        '2,"Ñ, ""x""",Lorca,30904465,1999-03-17,7574\r\n' +
        '3,Santiago Lionel,Lorca,007,1999-03-17,7574\r\n',
    );
  });

  test('writes many bets in chunks, without loss or repetition', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    const bets = Array.from({ length: 20_000 }, (_, number) =>
      betWith({
        firstName: 'ñ'.repeat(1 + (number % 7)),
        document: String(number),
        number: number % 10_000,
      }),
    );
    storeBets(bets.values(), path);
    expect(readFileSync(path).equals(rowsOf(bets))).toBe(true);
  });

  test('throws when the file cannot be written', async () => {
    const folder = await temporaryFolder();
    expect(() => storeBets([betWith()], join(folder, 'missing', 'bets.csv'))).toThrow(/ENOENT/);
  });

  test.skipIf(!HAS_PROC)('closes the file, even when the bets throw', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    function* failing(): Generator<Bet> {
      yield betWith();
      throw new Error('no more bets');
    }
    expect(() => storeBets(failing(), path)).toThrow('no more bets');
    storeBets([betWith()], path);
    expect(descriptorsOf(path)).toEqual([]);
  });
});

describe('loadBets', () => {
  test('returns what storeBets stored, with any text as names', async () => {
    const folder = await temporaryFolder();
    let run = 0;
    fc.assert(
      fc.property(anyBets, anyBets, (first, second) => {
        const path = join(folder, `${(run += 1)}.csv`);
        storeBets(first, path);
        storeBets(second, path);
        expect(Array.from(loadBets(path), plainBet)).toEqual([...first, ...second]);
      }),
      { numRuns: 300 },
    );
  });

  test('returns none for an empty file', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    writeFileSync(path, '');
    expect(Array.from(loadBets(path), plainBet)).toEqual([]);
  });

  test('throws when the file is missing', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    expect(() => [...loadBets(path)]).toThrow(/ENOENT/);
  });

  test('reports the file and the line of an invalid row', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    writeFileSync(
      path,
      `${rowsOf([betWith(), betWith({ firstName: 'a\nb' })]).toString()}1,2,3\r\n`,
    );
    expect(() => [...loadBets(path)]).toThrow(`line 4 of ${path} `);
  });

  test('reads an open file from its first byte on each call, whatever its path names', async () => {
    const path = join(await temporaryFolder(), 'bets.csv');
    writeFileSync(path, rowsOf([betWith({ document: '1' }), betWith({ document: '2' })]));
    const file = openSync(path, 'r');
    writeFileSync(`${path}.new`, rowsOf([betWith({ document: '3' })]));
    renameSync(`${path}.new`, path);
    for (let time = 0; time < 2; time += 1) {
      const read: Uint8Array[] = [];
      const bets = [...loadBets(file, chunk => read.push(chunk.slice()))];
      expect(bets.map(bet => bet.document)).toEqual(['1', '2']);
      expect(Buffer.concat(read).equals(rowsOf(bets))).toBe(true);
    }
    closeSync(file);
    expect(Array.from(loadBets(path), bet => bet.document)).toEqual(['3']);
  });

  describe('on a file of 300,000 rows', () => {
    const COUNT = 300_000;
    const fileOfMany = async (): Promise<string> => {
      const path = join(await temporaryFolder(), 'bets.csv');
      const row = '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n';
      writeFileSync(path, row.repeat(COUNT));
      return path;
    };

    test('returns each row', async () => {
      const path = await fileOfMany();
      let count = 0;
      for (const bet of loadBets(path)) {
        count += 1;
        if (bet.number !== 7574 || bet.document !== '30904465')
          expect.fail(`bet ${count} is ${bet.document}`);
      }
      expect(count).toBe(COUNT);
    });

    test.skipIf(!HAS_PROC)('reads only its beginning for the first bet', async () => {
      const path = await fileOfMany();
      const bets = loadBets(path);
      expect(descriptorsOf(path)).toEqual([]);
      expect(plainBet(bets.next().value!)).toEqual(betWith());
      const [descriptor] = descriptorsOf(path);
      const [, position] =
        /^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
      expect(Number(position)).toBeGreaterThan(0);
      expect(Number(position)).toBeLessThan(1024 * 1024);
      bets.return?.();
      expect(descriptorsOf(path)).toEqual([]);
    });

    test.skipIf(!HAS_PROC)('closes it at the end, after a break, and after an error', async () => {
      const path = await fileOfMany();
      for (const bet of loadBets(path)) {
        expect(bet.agency).toBe(1);
        expect(descriptorsOf(path)).toHaveLength(1);
        break;
      }
      expect(descriptorsOf(path)).toEqual([]);
      expect(() => {
        for (const bet of loadBets(path)) throw new Error(`no interest in ${bet.document}`);
      }).toThrow('no interest in 30904465');
      expect(descriptorsOf(path)).toEqual([]);
      writeFileSync(path, 'no bet\r\n');
      expect(() => [...loadBets(path)]).toThrow('line 1');
      expect(descriptorsOf(path)).toEqual([]);
    });
  });
});

describe('agreement with Python', () => {
  /** The fields of a bet in the order of the course's `store_bets`. */
  const fieldsOf = (bet: Bet): (string | number)[] => [
    bet.agency,
    ...textsOf(bet).slice(0, 4),
    bet.number,
  ];

  const manyBets = fc.array(anyBet, { minLength: 1, maxLength: 1500, size: 'max' });

  test('its csv module reads the fields that storeBets stored', async context => {
    needsPython(context);
    const path = join(await temporaryFolder(), 'bets.csv');
    const program = `
import csv
def answer(path):
    with open(path, 'r', encoding='utf-8', newline='') as file:
        return [row for row in csv.reader(file, quoting=csv.QUOTE_MINIMAL)]
`;
    fc.assert(
      fc.property(manyBets, bets => {
        writeFileSync(path, '');
        storeBets(bets, path);
        const [rows] = askPython<string[][]>(program, [path]);
        expect(rows).toEqual(bets.map(bet => fieldsOf(bet).map(String)));
      }),
      { numRuns: 5, interruptAfterTimeLimit: 15_000 },
    );
  });

  test('its csv module writes the same bytes as storeBets', async context => {
    needsPython(context);
    const folder = await temporaryFolder();
    const [ours, theirs] = [join(folder, 'ours.csv'), join(folder, 'theirs.csv')];
    const program = `
import csv
def answer(case):
    with open(case['path'], 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
        for row in case['rows']:
            writer.writerow(row)
`;
    fc.assert(
      fc.property(manyBets, bets => {
        writeFileSync(ours, '');
        storeBets(bets, ours);
        askPython(program, [{ path: theirs, rows: bets.map(fieldsOf) }]);
        expect(readFileSync(ours, 'utf8')).toBe(readFileSync(theirs, 'utf8'));
      }),
      { numRuns: 5, interruptAfterTimeLimit: 15_000 },
    );
  });

  test("loadBets reads what Python's csv module wrote", async context => {
    needsPython(context);
    const path = join(await temporaryFolder(), 'bets.csv');
    const program = `
import csv
def answer(case):
    with open(case['path'], 'a+', encoding='utf-8', newline='') as file:
        csv.writer(file, quoting=csv.QUOTE_MINIMAL).writerows(case['rows'])
`;
    fc.assert(
      fc.property(manyBets, bets => {
        writeFileSync(path, '');
        askPython(program, [{ path, rows: bets.map(fieldsOf) }]);
        expect(Array.from(loadBets(path), plainBet)).toEqual(bets);
      }),
      { numRuns: 5, interruptAfterTimeLimit: 15_000 },
    );
  });
});
