import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { betsOf } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { decodeRows, RowDecoder } from '../../src/lottery/row-decoder.ts';
import { StoredBet } from '../../src/lottery/stored-bet.ts';
import { batchOf, betWith, plainBet, rowOf, rowsOf, validBet } from './bets.ts';
import { cutAt, everyCut, places } from './cuts.ts';

describe('rows', () => {
  const BETS = [
    betWith({ firstName: 'Ñandú "el rápido"', lastName: 'a,b' }),
    betWith({ agency: 65_535, lastName: '"', document: '0', number: 0 }),
    betWith({ agency: 2, firstName: 'x\r\ny\n', lastName: '😀' }),
  ];

  test('are the same bets at every cut', () => {
    for (const pieces of everyCut(rowsOf(BETS)))
      expect(Array.from(decodeRows(pieces, 'a test'), plainBet)).toEqual(BETS);
  });

  test.prop([fc.array(validBet, { maxLength: 8 }), places])(
    'return any bets, in any chunks',
    (bets, cuts) => {
      expect(Array.from(decodeRows(cutAt(rowsOf(bets), cuts), 'a test'), plainBet)).toEqual(bets);
    },
  );

  test('are read lazily', () => {
    const taken: number[] = [];
    function* pieces(): Generator<Uint8Array> {
      for (let piece = 0; piece < 3; piece += 1) {
        taken.push(piece);
        yield rowsOf(BETS);
      }
    }
    const bets = decodeRows(pieces(), 'a test');
    expect(taken).toEqual([]);
    expect(plainBet(bets.next().value!)).toEqual(BETS[0]);
    expect(taken).toEqual([0]);
    for (let more = 0; more < 3; more += 1) bets.next();
    expect(taken).toEqual([0, 1]);
  });

  test('stay unchanged when the next rows are read into the same buffer', () => {
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
    expect(plainBet(read(second)!)).toEqual(second);
    expect(plainBet(kept!)).toEqual(first);
  });

  test('in plain form decode their fields lazily', () => {
    const bets = [
      ...decodeRows([rowsOf([betWith(), betWith({ firstName: 'a,b' }), betWith()])], 'a test'),
    ];
    expect(bets.map(bet => bet instanceof StoredBet)).toEqual([true, false, true]);
  });

  test('of a batch are its bets', () => {
    const bets = BETS.map(bet => ({ ...bet, agency: 9 }));
    expect(Array.from(betsOf(batchOf(bets)), plainBet)).toEqual(bets);
    expect([...betsOf({ agency: 9, count: 0, rows: new Uint8Array(0) })]).toEqual([]);
  });

  const ROW = '1,Ana,Paz,11,1990-01-02,7574\r\n';

  test.each([
    ['fewer fields', '1,Ana,Paz,11,1990-01-02\r\n'],
    ['more fields', '1,Ana,Paz,11,1990-01-02,7574,x\r\n'],
    ['a single word', 'hola\r\n'],
    ['the row torn before its last field', '1,Ana,Paz,11,1990'],
    ['an unclosed quote', '1,"Ana,Paz,11,1990-01-02,7574\r\n'],
    ['more than a mebibyte', `1,${'x'.repeat(1024 * 1024)},Paz,11,1990-01-02,7574\r\n`],
  ])('with %s throw an error with source and line, after the bets before it', (_, broken) => {
    const bets = decodeRows([Buffer.from(`${ROW}\r\n${ROW}${broken}`)], 'some/bets.csv');
    expect(bets.next().value?.firstName).toBe('Ana');
    expect(bets.next().value?.firstName).toBe('Ana');
    expect(() => bets.next()).toThrow(/^line 4 of some\/bets\.csv is not a row of a bet$/);
  });

  test('with line ends in a name count these lines', () => {
    const bets = decodeRows([Buffer.from(`1,"A\r\nn\na",Paz,11,1990-01-02,7574\r\nhola\r\n`)], 'x');
    expect(bets.next().value?.firstName).toBe('A\r\nn\na');
    expect(() => bets.next()).toThrow(/^line 4 of x /);
  });

  test.each([
    ['a header', 'agency,first_name,last_name,document,birthdate,number\r\n'],
    ['no agency', ',Ana,Paz,11,1990-01-02,7574\r\n'],
    ['no number', '1,Ana,Paz,11,1990-01-02,\r\n'],
    ['a negative number', '1,Ana,Paz,11,1990-01-02,-7574\r\n'],
    ['a number with a fraction', '1,Ana,Paz,11,1990-01-02,75.4\r\n'],
  ])('with %s throw an error with the line, and yield no other number', (_, broken) => {
    const bets = decodeRows([Buffer.from(`${ROW}${broken}`)], 'x');
    expect(bets.next().value?.firstName).toBe('Ana');
    expect(() => bets.next()).toThrow(/^line 2 of x /);
  });
});
