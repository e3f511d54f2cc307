import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/row-reader.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';
import type { BatchFault, BetBatch } from '../../src/lottery/bet-batch.ts';
import { expectedFault } from '../lottery/bet-oracle.ts';
import { rowsOf, textsOf, wireBet } from '../lottery/bets.ts';

const LORCA = 'Santiago Lionel|Lorca|30904465|1999-03-17|7574';
const PAZ = 'Ana|Paz|007|2000-02-29|0042';
const PAZ_READ = { agency: 1, count: 1, rows: '1,Ana,Paz,007,2000-02-29,42\r\n' };

/** The result of reading, with rows as text. */
function plain(read: BetBatch | BatchFault): object {
  return 'rows' in read ? { ...read, rows: Buffer.from(read.rows).toString() } : read;
}

/** Number of bets of a payload according to the grammar; undefined if it is no batch. */
function expectedCount(payload: Uint8Array): number | undefined {
  const [count, ...fields] = Buffer.from(payload)
    .toString('latin1')
    .split('|')
    .map(text => Buffer.from(text, 'latin1'));
  const number = count!.toString('latin1');
  if (fields.length === 0 || !/^[0-9]{1,6}$/.test(number)) return undefined;
  if (Number(number) === 0) return fields.length === 1 && fields[0]!.length === 0 ? 0 : undefined;
  if (fields.length !== 5 * Number(number)) return undefined;
  const bets = Array.from({ length: Number(number) }, (_, index) =>
    fields.slice(index * 5, index * 5 + 5),
  );
  return bets.every(bet => expectedFault(bet) === undefined) ? bets.length : undefined;
}

const wireBets = fc.array(wireBet, { maxLength: 12 });
const digits = fc.integer({ min: 1, max: 10 });

describe.each([new PlainBetReader(), new WasmBetReader()])('the $constructor.name', reader => {
  const readBatch = (payload: string, agency = 1): object =>
    plain(reader.readBatch(Buffer.from(payload), agency));
  const readBet = (payload: string, agency = 1): object =>
    plain(reader.readBet(Buffer.from(payload), agency));

  describe('a batch', () => {
    test('becomes rows in order, each with the agency', () => {
      expect(readBatch(`2|${LORCA}|${PAZ}`, 65_535)).toEqual({
        agency: 65_535,
        count: 2,
        rows: '65535,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n65535,Ana,Paz,007,2000-02-29,42\r\n',
      });
    });

    test.each(['0|', '00|', '000000|'])('of %j is empty', payload => {
      expect(readBatch(payload, 3)).toEqual({ agency: 3, count: 0, rows: '' });
    });

    test('may have leading zeros in its count', () => {
      expect(readBatch(`000001|${PAZ}`)).toEqual(PAZ_READ);
    });

    test('is independent of its payload', () => {
      const payload = Buffer.from(`1|${LORCA}`);
      const first = reader.readBatch(payload, 1);
      payload.fill(0x7c);
      expect(plain(first)).toEqual({
        agency: 1,
        count: 1,
        rows: '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n',
      });
    });

    test('may fill the longest payload, whatever the length of its rows', () => {
      const wrong: number[] = [];
      for (let length = 15; length <= 255; length += 15) {
        const count = Math.floor((PAYLOAD_BYTES_MAX - 7) / (2 * length + 17));
        const bet = `${'"'.repeat(length)}|${','.repeat(length)}|1|2000-02-29|7`;
        const row = `5,"${'"'.repeat(2 * length)}","${','.repeat(length)}",1,2000-02-29,7\r\n`;
        const payload = Buffer.from(`${count}${`|${bet}`.repeat(count)}`);
        const read = reader.readBatch(payload, 5);
        const isRight =
          'rows' in read &&
          read.count === count &&
          Buffer.from(row.repeat(count)).equals(read.rows);
        if (!isRight) wrong.push(length);
      }
      expect(wrong).toEqual([]);
    });

    test.prop([wireBets, fc.integer({ min: 1, max: 65_535 }), digits])(
      'of any valid bets becomes the rows that the course would write',
      (bets, agency, numberDigits) => {
        const texts = bets.flatMap(bet => textsOf(bet, numberDigits));
        const payload = bets.length === 0 ? '0|' : [bets.length, ...texts].join('|');
        const rows = rowsOf(bets.map(bet => ({ ...bet, agency }))).toString();
        expect(readBatch(payload, agency)).toEqual({ agency, count: bets.length, rows });
      },
    );
  });

  describe('a single bet', () => {
    test.each<[string, object]>([
      ['', { field: 'batch', reason: 'too-few-fields', index: 0 }],
      ['Ana', { field: 'batch', reason: 'too-few-fields', index: 0 }],
      ['Ana|Paz|007|2000-02-29', { field: 'batch', reason: 'too-few-fields', index: 0 }],
      ['Ana|Paz|007|2000-02-29|', { field: 'number', reason: 'empty', index: 0 }],
      [`${PAZ}|`, { field: 'batch', reason: 'too-many-fields', index: 1 }],
      [`${PAZ}|x`, { field: 'batch', reason: 'too-many-fields', index: 1 }],
      [`1|${PAZ}`, { field: 'document', reason: 'not-digits', index: 0 }],
      ['|Paz|007|2000-02-29|1', { field: 'first_name', reason: 'empty', index: 0 }],
      ['Ana|Paz|007|2001-02-29|1', { field: 'birthdate', reason: 'not-a-date', index: 0 }],
    ])('of %j is refused', (payload, fault) => {
      expect(readBet(payload)).toEqual({ count: 1, ...fault });
    });

    test.prop([wireBet, digits])(
      'that is valid becomes the row that the course would write',
      (bet, numberDigits) => {
        const rows = rowsOf([bet]).toString();
        expect(readBet(textsOf(bet, numberDigits).join('|'), bet.agency)).toEqual({
          agency: bet.agency,
          count: 1,
          rows,
        });
      },
    );
  });

  describe('the count', () => {
    test.each([
      '',
      '|',
      '1',
      '7574',
      'x|',
      `|${PAZ}`,
      `x|${PAZ}`,
      `-1|${PAZ}`,
      `+1|${PAZ}`,
      `1 |${PAZ}`,
      ` 1|${PAZ}`,
      `1.0|${PAZ}`,
      `1e0|${PAZ}`,
      `0x1|${PAZ}`,
      `１|${PAZ}`,
      `0000001|${PAZ}`,
      `1000000|${PAZ}`,
      `4294967297|${PAZ}`,
      `${'9'.repeat(400)}|${PAZ}`,
      PAZ,
      ':|',
      '/|',
    ])('is missing or not a number in %j', payload => {
      expect(readBatch(payload)).toEqual({
        count: 0,
        index: 0,
        field: 'batch',
        reason: 'count-not-a-number',
      });
    });

    test.each([
      [`2|${PAZ}`, 2, 1],
      [`3|${PAZ}|${LORCA}`, 3, 2],
      [`999999|${PAZ}`, 999_999, 1],
      [`2|${PAZ}|Ana|Paz|007|2000-02-29`, 2, 1],
    ])('is too large in %j, and the first incomplete bet is reported', (payload, count, index) => {
      expect(readBatch(payload)).toEqual({
        count,
        index,
        field: 'batch',
        reason: 'too-few-fields',
      });
    });

    test.each([
      [`1|${PAZ}|${LORCA}`, 1],
      [`0|${PAZ}`, 0],
      ['0|x', 0],
      ['0||', 0],
      [`1|${PAZ}|`, 1],
      [`2|${PAZ}|${LORCA}|`, 2],
      [`2|${PAZ}|${LORCA}|x`, 2],
    ])('is too small in %j', (payload, count) => {
      expect(readBatch(payload)).toEqual({
        count,
        index: count,
        field: 'batch',
        reason: 'too-many-fields',
      });
    });
  });

  describe('a bet of a batch', () => {
    test('that is invalid is reported before missing or extra fields after it', () => {
      const bad = 'Ana||007|2000-02-29|1';
      const fault = { index: 0, field: 'last_name', reason: 'empty' };
      expect(readBatch(`2|${bad}`)).toEqual({ count: 2, ...fault });
      expect(readBatch(`1|${bad}|x`)).toEqual({ count: 1, ...fault });
      expect(readBatch(`2|${bad}|${bad}`)).toEqual({ count: 2, ...fault });
    });
  });

  describe('a truncated payload', () => {
    test.prop([wireBets, digits])(
      'is a batch only when the grammar allows it',
      (bets, numberDigits) => {
        const texts = bets.flatMap(bet => textsOf(bet, numberDigits));
        const payload = Buffer.from(
          [bets.length, ...(texts.length === 0 ? [''] : texts)].join('|'),
        );
        const wrong: number[] = [];
        for (let length = 0; length <= payload.length; length += 1) {
          const rest = payload.subarray(0, length);
          const read = reader.readBatch(rest, 1);
          const count = 'rows' in read ? read.count : undefined;
          if (count !== expectedCount(rest)) wrong.push(length);
        }
        expect(wrong).toEqual([]);
      },
    );
  });

  describe('any payload', () => {
    const byte = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...Buffer.from('|||0123456789-abñ",')) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
    );

    const edited = fc
      .tuple(
        fc.array(wireBet, { minLength: 1, maxLength: 3 }),
        fc.array(
          fc.record({
            place: fc.nat(1000),
            removed: fc.nat(3),
            added: fc.array(byte, { maxLength: 3 }),
          }),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
      )
      .map(([bets, edits]) => {
        const bytes = [
          ...Buffer.from([bets.length, ...bets.flatMap(bet => textsOf(bet))].join('|')),
        ];
        for (const { place, removed, added } of edits)
          bytes.splice(place % (bytes.length + 1), removed, ...added);
        return Uint8Array.from(bytes);
      });

    const random = fc.oneof(
      fc.array(byte, { maxLength: 60 }).map(bytes => Uint8Array.from(bytes)),
      fc.uint8Array({ maxLength: 60 }),
    );

    const FAULT_FIELDS = ['first_name', 'last_name', 'document', 'birthdate', 'number', 'batch'];

    test.prop([fc.oneof(edited, random)], { numRuns: 5000 })(
      'is a batch exactly when the grammar and the rules allow it, and never throws',
      payload => {
        const read = reader.readBatch(payload, 1);
        const count = expectedCount(payload);
        if ('rows' in read) {
          expect(read.count).toBe(count);
          expect(Buffer.from(read.rows).toString('latin1').split('\r\n')).toHaveLength(
            read.count + 1,
          );
        } else {
          expect(count).toBeUndefined();
          expect(FAULT_FIELDS).toContain(read.field);
          expect(read.index).toBeLessThanOrEqual(read.count);
        }
      },
    );

    test.prop([fc.oneof(edited, random)], { numRuns: 2000 })(
      'is a single bet exactly when it is five valid fields, and never throws',
      payload => {
        const fields = Buffer.from(payload)
          .toString('latin1')
          .split('|')
          .map(text => Buffer.from(text, 'latin1'));
        const isBet = fields.length === 5 && expectedFault(fields) === undefined;
        expect('rows' in reader.readBet(payload, 1)).toBe(isBet);
      },
    );
  });
});
