import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import { RowCheck } from '../../src/lottery/row-check.ts';
import { betWith, rowOf } from './bets.ts';

const ROW = rowOf(betWith({ agency: 3 }));

interface Checked {
  readonly bets: readonly Bet[];
  readonly fault: string | undefined;
  readonly tornRow: string | undefined;
}

/** The faults of a file read in chunks of a length. */
function check(file: string, chunkBytes: number): Checked {
  const bytes = Buffer.from(file, 'latin1');
  const bets: Bet[] = [];
  const rows = new RowCheck(bet => bets.push(bet));
  for (let at = 0; at < bytes.length; at += chunkBytes)
    rows.push(bytes.subarray(at, at + chunkBytes));
  const { tornRow } = rows;
  rows.end();
  return { bets, fault: rows.fault, tornRow };
}

describe.each([1, 7, 65_536])('the rows of a bets.csv in chunks of %i bytes', chunkBytes => {
  test('are valid with CR LF and LF, with quotes, and without a last line end', () => {
    const file = `${ROW}${ROW.replace('\r', '')}3,"Paz, h.","x""y",2,1999-01-01,7574`;
    const { bets, fault, tornRow } = check(file, chunkBytes);
    expect(bets).toEqual([
      betWith({ agency: 3 }),
      betWith({ agency: 3 }),
      {
        agency: 3,
        firstName: 'Paz, h.',
        lastName: 'x"y',
        document: '2',
        birthdate: '1999-01-01',
        number: 7574,
      },
    ]);
    expect(fault).toBeUndefined();
    expect(tornRow).toBe('line 3 of bets.csv has no line end; add it, or remove the row');
  });

  test.each([
    ['"3",Ana,Paz,1,2000-02-29,7\r\n', 'does not begin with 3 and a comma'],
    ['03,Ana,Paz,1,2000-02-29,7\r\n', 'does not begin with 3 and a comma'],
    ['0,Ana,Paz,1,2000-02-29,7\r\n', 'is not a row of a bet'],
    ['65536,Ana,Paz,1,2000-02-29,7\r\n', 'is not a row of a bet'],
    ['99999999999999999999999,Ana,Paz,1,2000-02-29,7\r\n', 'is not a row of a bet'],
    ['3,Ana,Paz,1,2000-02-29\r\n', 'is not a row of a bet'],
    ['3,Ana,Paz,1|2,2000-02-29,7574\r\n', 'is no valid bet, document not-digits'],
    ['3,Ana,Paz,,2000-02-29,7574\r\n', 'is no valid bet, document empty'],
    ['3,Ana,Paz,1,2000-02-30,7574\r\n', 'is no valid bet, birthdate not-a-date'],
    ['3,Ana,Paz,1,2000-02-29,17574\r\n', 'is no valid bet, number out-of-range'],
    ['3,An\xff,Paz,1,2000-02-29,7\r\n', 'is no valid bet, first_name not-utf-8'],
    ['3,"An\r\na",Paz,1,2000-02-29,7\r\n', 'is no valid bet, first_name control-character'],
    [`3,${'x'.repeat(256)},Paz,1,2000-02-29,7\r\n`, 'is no valid bet, first_name too-long'],
    ['3,Ana,Paz,1,2000-02-29,7\r', 'ends with CR alone'],
    ['\r\n', 'is blank'],
    ['\n\r\n', 'is blank'],
  ])('end at the line %j', (line, why) => {
    const { bets, fault } = check(`${ROW}${line}${ROW}`, chunkBytes);
    expect(fault).toBe(`line 2 of bets.csv ${why}`);
    expect(bets).toHaveLength(1);
  });
});

test('what follows a row that is none is not kept', () => {
  const rows = new RowCheck(() => {});
  rows.push(Buffer.from('no bet\r\n'));
  rows.push(Buffer.from(ROW));
  rows.push(Buffer.from('a line without its end'));
  expect(rows).toMatchObject({
    fault: 'line 1 of bets.csv is not a row of a bet',
    tornRow: undefined,
  });
});
