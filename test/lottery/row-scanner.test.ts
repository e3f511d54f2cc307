import { isDeepStrictEqual } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { NUMBERS_PER_ROW, RowScanner, WINDOW_BYTES_MAX } from '../../src/lottery/row-scanner.ts';
import { readRows, readRowsAsCsv } from '../fuzz/read-rows.ts';
import { RowsMaker } from '../fuzz/rows-maker.ts';

const LORCA = '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n';
const NUNEZ = '65535,Tiago Nicolás,Núñez,34407251,2000-02-29,42\r\n';

const scanner = new RowScanner();

/** The rows that a scanner finds from an offset, and where it stops. */
function found(window: Uint8Array, from = 0): number[] {
  scanner.load(window);
  const rows = scanner.scan(from);
  return [...scanner.found.subarray(0, rows * NUMBERS_PER_ROW + 1)];
}

/** Whether reading a file gives the same bets or the same error with and without the scanner. */
function isReadTheSame(bytes: Uint8Array, places: readonly number[] = []): boolean {
  return isDeepStrictEqual(readRows(bytes, places), readRowsAsCsv(bytes));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const seeds = fc.integer();

describe('RowScanner', () => {
  test('finds consecutive rows, up to an incomplete one', () => {
    const window = Buffer.from(`${LORCA}${NUNEZ}${LORCA.slice(0, -1)}`);
    const second = LORCA.length;
    const third = second + Buffer.byteLength(NUNEZ);
    expect(found(window)).toEqual([0, 1, 7574, second, 65_535, 42, third]);
    expect(found(window, second)).toEqual([second, 65_535, 42, third]);
    expect(found(window, third)).toEqual([third]);
    expect(found(window, window.length)).toEqual([window.length]);
  });

  test.each([
    ['quotes', '1,"Ana",Paz,1,2000-02-29,7\r\n'],
    ['quotes within a field', '1,A"na,Paz,1,2000-02-29,7\r\n'],
    ['another line end', '1,Ana,Paz,1,2000-02-29,7\n'],
    ['an empty line before it', '\r\n1,Ana,Paz,1,2000-02-29,7\r\n'],
    ['a missing field', '1,Ana,Paz,1,7\r\n'],
    ['an extra field', '1,Ana,Paz,1,2000-02-29,x,7\r\n'],
    ['a control character', '1,A\tna,Paz,1,2000-02-29,7\r\n'],
    ['no agency', ',Ana,Paz,1,2000-02-29,7\r\n'],
    ['no number', '1,Ana,Paz,1,2000-02-29,\r\n'],
    ['a long agency', '000001,Ana,Paz,1,2000-02-29,7\r\n'],
    ['a long number', '1,Ana,Paz,1,2000-02-29,000007\r\n'],
    ['a signed number', '1,Ana,Paz,1,2000-02-29,-7\r\n'],
  ])('skips a row with %s', (_, row) => {
    const window = Buffer.from(`${LORCA}${row}${LORCA}`);
    expect(found(window)).toEqual([0, 1, 7574, LORCA.length]);
  });

  test('has room for a window of the shortest rows, and for none', () => {
    const rows = Math.floor(WINDOW_BYTES_MAX / 9);
    const window = Buffer.from('0,,,,,0\r\n'.repeat(rows));
    expect(found(window)).toHaveLength(rows * NUMBERS_PER_ROW + 1);
    expect(found(Buffer.alloc(0))).toEqual([0]);
  });

  test('finds rows of up to 255 bytes', () => {
    const rows = [255, 256].map(length => Buffer.from(`1,${'x'.repeat(length - 7)},,,,7\r\n`));
    expect(rows.map(row => found(row))).toEqual([[0, 1, 7, 257], [0]]);
    // A number of commas that is five modulo 256.
    expect(found(Buffer.from(`1${','.repeat(256 + 5)}7\r\n`))).toEqual([0]);
  });

  test('finds nothing in the bytes of an earlier, longer window', () => {
    const window = Buffer.from(LORCA);
    const wrong = upTo(window.length).filter(length => {
      found(window);
      return found(window.subarray(0, length)).length > 1;
    });
    expect(wrong).toEqual([]);
  });
});

describe('a file read with and without the scanner', () => {
  test.prop([seeds], { numRuns: 1000 })('yields the same bets or error when it is fuzzed', seed => {
    const maker = new RowsMaker(new SeededRandom(seed));
    expect(isReadTheSame(maker.file(), maker.places())).toBe(true);
  });

  test.prop([fc.uint8Array({ maxLength: 120 }), fc.array(fc.nat(300), { maxLength: 4 })], {
    numRuns: 1000,
  })('yields the same bets or error when it ends with random bytes', (bytes, places) => {
    expect(isReadTheSame(Buffer.concat([Buffer.from(LORCA), bytes]), places)).toBe(true);
  });

  test.each([
    ['plain rows', LORCA + NUNEZ + LORCA],
    ['quotes between them', `${LORCA}2,"a,b","c""d\r\ne",1,2000-02-29,7\r\n${NUNEZ}`],
    ['other line ends between them', `${LORCA.trim()}\n${NUNEZ.trim()}\r${LORCA}\r\n\n${NUNEZ}`],
    ['an error after them', `${LORCA}\r\n${NUNEZ}1,2,3\r\n${LORCA}`],
  ])('yields the same bets or error at every cut, and byte by byte: %s', (_, text) => {
    const bytes = Buffer.from(text);
    const everywhere = upTo(bytes.length + 1);
    const wrong = everywhere.filter(
      place => !isReadTheSame(bytes, [place]) || !isReadTheSame(bytes.subarray(0, place)),
    );
    expect(wrong).toEqual([]);
    expect(isReadTheSame(bytes, everywhere)).toBe(true);
  });

  test.each([0, 1, 2, 8, 9, 47, 48, 49])(
    'yields the same bets or error when a window ends %i bytes after a row',
    behind => {
      const rows = LORCA.repeat(Math.floor(WINDOW_BYTES_MAX / LORCA.length) - 3);
      const rest = WINDOW_BYTES_MAX - rows.length - behind;
      const filling = `1,${'x'.repeat(rest - 9)},,,,7\r\n`;
      expect(rows.length + filling.length).toBe(WINDOW_BYTES_MAX - behind);
      expect(isReadTheSame(Buffer.from(rows + filling + NUNEZ.repeat(2000) + LORCA))).toBe(true);
    },
  );
});
