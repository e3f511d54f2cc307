import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { betsOf } from '../../src/lottery/bet-batch.ts';
import { type FieldRanges, fieldsOf } from '../../src/lottery/bet-rules.ts';
import {
  appendRow,
  decodeRows,
  formatRow,
  ROW_OVERHEAD_BYTES_MAX,
  RowDecoder,
} from '../../src/lottery/bet-row.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { batchOf, betWith, rowOf, rowsOf, textsOf, validBet } from './bets.ts';
import { cutAt, everyCut, places } from './cuts.ts';

/** The row that `appendRow` writes, in a buffer with as much room as its contract asks for and not one byte more. */
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
  ['plain fields are written as they are', {}, '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n'],
  [
    'a field with the delimiter stands in quotes',
    { firstName: 'Lorca, Jr.' },
    '1,"Lorca, Jr.",Lorca,30904465,1999-03-17,7574\r\n',
  ],
  [
    'a field with quotes stands in quotes and they are doubled',
    { lastName: '"O"Hara""' },
    '1,Santiago Lionel,"""O""Hara""""",30904465,1999-03-17,7574\r\n',
  ],
  [
    'other special characters, spaces and accents need no quotes',
    { firstName: " Ñandú 'x' ", lastName: ';|\\😀' },
    "1, Ñandú 'x' ,;|\\😀,30904465,1999-03-17,7574\r\n",
  ],
  [
    'a document keeps its zeros, a number has none',
    { agency: 65_535, document: '0007', number: 7 },
    '65535,Santiago Lionel,Lorca,0007,1999-03-17,7\r\n',
  ],
  ['the number 0 is one digit', { number: 0 }, '1,Santiago Lionel,Lorca,30904465,1999-03-17,0\r\n'],
];

describe('a row', () => {
  test.each(EXAMPLES)('%s', (_, values, row) => {
    const bet = betWith(values);
    expect(formatRow(bet)).toBe(row);
    expect(appendedRow(bet.agency, fieldsOf(textsOf(bet)))).toBe(row);
    expect([...decodeRows([Buffer.from(row)], 'a test')]).toEqual([bet]);
  });

  test('with a line end in a name stands in quotes, whatever the line end', () => {
    expect(formatRow(betWith({ firstName: 'a\nb', lastName: 'c\rd' }))).toBe(
      '1,"a\nb","c\rd",30904465,1999-03-17,7574\r\n',
    );
    expect(formatRow(betWith({ firstName: 'a\r\nb' }))).toBe('1,"a\r\nb",Lorca,30904465,1999-03-17,7574\r\n');
  });

  test.each(['007', '0000000007', '7'])('stores the number %s as 7', number => {
    const fields = fieldsOf(['Ana', 'Paz', '1', '2000-02-29', number]);
    expect(appendedRow(3, fields)).toBe('3,Ana,Paz,1,2000-02-29,7\r\n');
  });

  test.each(['0', '00', '0000000000'])('stores the number %s as 0', number => {
    const fields = fieldsOf(['Ana', 'Paz', '1', '2000-02-29', number]);
    expect(appendedRow(3, fields)).toBe('3,Ana,Paz,1,2000-02-29,0\r\n');
  });

  test('never needs more room than it is said to need, not even with names of 255 quotes', () => {
    const quotes = '"'.repeat(255);
    const fields = fieldsOf([quotes, quotes, '0123456789', '2000-02-29', '0000009999']);
    expect(appendedRow(65_535, fields)).toHaveLength(6 + 2 * 513 + 11 + 11 + 4 + 2);
  });

  test.prop([validBet, fc.integer({ min: 1, max: 10 }), fc.nat(20)])(
    'is the same from bytes, from a bet, and as the course writes it',
    (bet, numberDigits, at) => {
      const row = rowOf(bet);
      expect(formatRow(bet)).toBe(row);
      expect(appendedRow(bet.agency, fieldsOf(textsOf(bet, numberDigits)), at)).toBe(row);
    },
  );

  test.prop([validBet, fc.uint8Array({ maxLength: 5 })])(
    'is made of the fields alone, whatever lies between them',
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

describe('rows', () => {
  const BETS = [
    betWith({ firstName: 'Ñandú "el rápido"', lastName: 'a,b' }),
    betWith({ agency: 65_535, lastName: '"', document: '0', number: 0 }),
    betWith({ agency: 2, firstName: 'x\r\ny\n', lastName: '😀' }),
  ];

  test('are the same bets however the bytes are cut', () => {
    for (const pieces of everyCut(rowsOf(BETS))) expect([...decodeRows(pieces, 'a test')]).toEqual(BETS);
  });

  test.prop([fc.array(validBet, { maxLength: 8 }), places])(
    'give back any bets, in any pieces',
    (bets, cuts) => {
      expect([...decodeRows(cutAt(rowsOf(bets), cuts), 'a test')]).toEqual(bets);
    },
  );

  test('are read only as far as they are asked for', () => {
    const taken: number[] = [];
    function* pieces(): Generator<Uint8Array> {
      for (let piece = 0; piece < 3; piece += 1) {
        taken.push(piece);
        yield rowsOf(BETS);
      }
    }
    const bets = decodeRows(pieces(), 'a test');
    expect(taken).toEqual([]);
    expect(bets.next().value).toEqual(BETS[0]);
    expect(taken).toEqual([0]);
    for (let more = 0; more < 3; more += 1) bets.next();
    expect(taken).toEqual([0, 1]);
  });

  test('stay what they are when the next rows are read into the same buffer', () => {
    const [first, second] = [
      betWith({ firstName: 'María José de la Concepción' }),
      betWith({ firstName: 'Bartolomé' }),
    ];
    const buffer = Buffer.alloc(Buffer.byteLength(rowOf(first)));
    const decoder = new RowDecoder('a test');
    const read = (bet: Bet): Bet | undefined => {
      buffer.fill('\n');
      buffer.write(rowOf(bet));
      decoder.push(buffer);
      const found = decoder.next();
      expect(decoder.next()).toBeUndefined();
      return found;
    };
    const kept = read(first);
    expect(read(second)).toEqual(second);
    expect(kept).toEqual(first);
  });

  test.each([
    ['accents after plain rows', [betWith({}), betWith({ lastName: 'Núñez' }), betWith({})]],
    ['quotes between plain rows', [betWith({}), betWith({ lastName: 'Paz, Jr.' }), betWith({})]],
    [
      'quotes, then accents',
      [betWith({ lastName: '"Paz"' }), betWith({ firstName: 'Ñandú 𝄞' }), betWith({})],
    ],
  ])('are right in one chunk: %s', (_, bets) => {
    expect([...decodeRows([rowsOf(bets)], 'a test')]).toEqual(bets);
  });

  test('of a batch are its bets', () => {
    const bets = BETS.map(bet => ({ ...bet, agency: 9 }));
    expect([...betsOf(batchOf(bets))]).toEqual(bets);
    expect([...betsOf({ agency: 9, count: 0, rows: new Uint8Array(0) })]).toEqual([]);
  });

  const ROW = '1,Ana,Paz,11,1990-01-02,7574\r\n';

  test.each([
    ['fewer fields', '1,Ana,Paz,11,1990-01-02\r\n'],
    ['more fields', '1,Ana,Paz,11,1990-01-02,7574,x\r\n'],
    ['a single word', 'hola\r\n'],
    ['the row torn before its last field', '1,Ana,Paz,11,1990'],
    ['a quote that is never closed', '1,"Ana,Paz,11,1990-01-02,7574\r\n'],
    ['more than a mebibyte', `1,${'x'.repeat(1024 * 1024)},Paz,11,1990-01-02,7574\r\n`],
  ])('with %s are an error that names the source and the line, after the bets before it', (_, broken) => {
    const bets = decodeRows([Buffer.from(`${ROW}\r\n${ROW}${broken}`)], 'some/bets.csv');
    expect(bets.next().value?.firstName).toBe('Ana');
    expect(bets.next().value?.firstName).toBe('Ana');
    expect(() => bets.next()).toThrow(/^some\/bets\.csv, line 4: /);
  });

  test('of which one has a name with line ends count its lines', () => {
    const bets = decodeRows([Buffer.from(`1,"A\r\nn\na",Paz,11,1990-01-02,7574\r\nhola\r\n`)], 'x');
    expect(bets.next().value?.firstName).toBe('A\r\nn\na');
    expect(() => bets.next()).toThrow(/^x, line 4: /);
  });

  test.each([
    ['a header', 'agency,first_name,last_name,document,birthdate,number\r\n'],
    ['no agency', ',Ana,Paz,11,1990-01-02,7574\r\n'],
    ['no number', '1,Ana,Paz,11,1990-01-02,\r\n'],
    ['a negative number', '1,Ana,Paz,11,1990-01-02,-7574\r\n'],
    ['a number with a fraction', '1,Ana,Paz,11,1990-01-02,75.4\r\n'],
  ])('with %s are an error that names the line, not a bet of another number', (_, broken) => {
    const bets = decodeRows([Buffer.from(`${ROW}${broken}`)], 'x');
    expect(bets.next().value?.firstName).toBe('Ana');
    expect(() => bets.next()).toThrow(/^x, line 2: /);
  });
});
