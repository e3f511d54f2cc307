import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type FieldRanges, fieldsOf } from '../../src/lottery/bet-rules.ts';
import { appendRow, formatRow, ROW_OVERHEAD_BYTES_MAX } from '../../src/lottery/bet-row.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { decodeRows } from '../../src/lottery/row-decoder.ts';
import { betWith, plainBet, rowOf, textsOf, validBet } from './bets.ts';

/** The row that `appendRow` writes, in a buffer of exactly the required size. */
function appendedRow(agency: number, fields: FieldRanges, at = 0): string {
  const room = (fields.ends[4]! - fields.starts[0]!) * 2 + ROW_OVERHEAD_BYTES_MAX;
  const out = Buffer.alloc(at + room + 8, 0x23);
  const limited = out.subarray(0, at + room);
  const end = appendRow(limited, at, Buffer.from(`${agency},`), fields);
  expect(end).toBeLessThanOrEqual(limited.length);
  expect(out.subarray(0, at).every(byte => byte === 0x23)).toBe(true);
  expect(out.subarray(end).every(byte => byte === 0x23)).toBe(true);
  return out.toString('utf8', at, end);
}

const EXAMPLES: readonly [string, Partial<Bet>, string][] = [
  ['writes plain fields unchanged', {}, '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n'],
  [
    'quotes a field with the delimiter',
    { firstName: 'Lorca, Jr.' },
    '1,"Lorca, Jr.",Lorca,30904465,1999-03-17,7574\r\n',
  ],
  [
    'quotes a field with quotes and doubles them',
    { lastName: '"O"Hara""' },
    '1,Santiago Lionel,"""O""Hara""""",30904465,1999-03-17,7574\r\n',
  ],
  [
    'does not quote other special characters, spaces and accents',
    { firstName: " Ñandú 'x' ", lastName: ';|\\😀' },
    "1, Ñandú 'x' ,;|\\😀,30904465,1999-03-17,7574\r\n",
  ],
  [
    'keeps the leading zeros of a document, not those of a number',
    { agency: 65_535, document: '0007', number: 7 },
    '65535,Santiago Lionel,Lorca,0007,1999-03-17,7\r\n',
  ],
  [
    'writes the number 0 as one digit',
    { number: 0 },
    '1,Santiago Lionel,Lorca,30904465,1999-03-17,0\r\n',
  ],
];

describe('the row format', () => {
  test.each(EXAMPLES)('%s', (_, values, row) => {
    const bet = betWith(values);
    expect(formatRow(bet)).toBe(row);
    expect(appendedRow(bet.agency, fieldsOf(textsOf(bet)))).toBe(row);
    expect(Array.from(decodeRows([Buffer.from(row)], 'a test'), plainBet)).toEqual([bet]);
  });

  test('never exceeds its documented room, even with names of 255 quotes', () => {
    const quotes = '"'.repeat(255);
    const fields = fieldsOf([quotes, quotes, '0123456789', '2000-02-29', '0000009999']);
    expect(appendedRow(65_535, fields)).toHaveLength(6 + 2 * 513 + 11 + 11 + 4 + 2);
  });

  test.prop([validBet, fc.integer({ min: 1, max: 10 }), fc.nat(20)])(
    'is the same from bytes, from a bet, and in the code of the course',
    (bet, numberDigits, at) => {
      const row = rowOf(bet);
      expect(formatRow(bet)).toBe(row);
      expect(appendedRow(bet.agency, fieldsOf(textsOf(bet, numberDigits)), at)).toBe(row);
    },
  );

  test.prop([validBet, fc.uint8Array({ maxLength: 5 })])(
    'depends on the fields alone, not on the bytes between them',
    (bet, between) => {
      let bytes = Buffer.from(between);
      const starts: number[] = [];
      const ends: number[] = [];
      for (const text of textsOf(bet)) {
        starts.push(bytes.length);
        bytes = Buffer.concat([bytes, Buffer.from(text), between]);
        ends.push(bytes.length - between.length);
      }
      const fields = { bytes, starts: Int32Array.from(starts), ends: Int32Array.from(ends) };
      expect(appendedRow(bet.agency, fields)).toBe(rowOf(bet));
    },
  );
});
