import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/row-reader.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';
import { PayloadMaker } from '../fuzz/payload-maker.ts';
import { isSameRead } from '../fuzz/same-read.ts';

/**
 * Both readers agree on every payload: the same rows byte for byte, or the same fault of the same
 * field of the same bet.
 */

const plain = new PlainBetReader();
const wasm = new WasmBetReader();

const LORCA = Buffer.from('Santiago Lionel|Lorca|30904465|1999-03-17|7574');
const NUNEZ = Buffer.from('Tiago Nicolás|Núñez|34407251|2000-02-29|0042');
/** Placeholder of the field under test. */
const HOLE = '\u0001';

/** Payloads with different results, in hex; expected to be empty. */
function different(payloads: Iterable<Uint8Array>, agency = 1): string[] {
  const wrong: string[] = [];
  for (const payload of payloads) {
    const same = isSameRead(plain.readBatch(payload, agency), wasm.readBatch(payload, agency));
    if (!same) wrong.push(Buffer.from(payload).toString('hex'));
  }
  return wrong;
}

/** A payload of two bets, both with these bytes in a field. */
function* around(bet: string, values: Iterable<Uint8Array>): Generator<Uint8Array> {
  const [before, after] = bet.split(HOLE).map(text => Buffer.from(text)) as [Buffer, Buffer];
  for (const value of values) {
    yield Buffer.concat([Buffer.from('1|'), before, value, after]);
    yield Buffer.concat([
      Buffer.from('3|'),
      LORCA,
      ...[1, 2].flatMap(() => [Buffer.from('|'), before, value, after]),
    ]);
  }
}

const texts = (values: readonly string[]): Buffer[] => values.map(text => Buffer.from(text));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('the plain and the WebAssembly reader', () => {
  test.prop([fc.integer()], { numRuns: 1000 })('agree on fuzzed payloads', seed => {
    const maker = new PayloadMaker(new SeededRandom(seed));
    expect(
      different(
        upTo(30).map(() => maker.payload()),
        maker.agency(),
      ),
    ).toEqual([]);
    const bet = maker.bet();
    expect(isSameRead(plain.readBet(bet, 1), wasm.readBet(bet, 1))).toBe(true);
  });

  test.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 2000 })(
    'agree on random bytes',
    payload => {
      expect(different([payload, Buffer.concat([Buffer.from('1|'), payload])])).toEqual([]);
      expect(isSameRead(plain.readBet(payload, 7), wasm.readBet(payload, 7))).toBe(true);
    },
  );

  test.each([LORCA, NUNEZ])('agree on a bet with any byte replaced by any other', bet => {
    const payloads = upTo(bet.length).flatMap(place =>
      upTo(256).map(byte =>
        Buffer.concat([
          Buffer.from('1|'),
          bet.subarray(0, place),
          Buffer.of(byte),
          bet.subarray(place + 1),
        ]),
      ),
    );
    expect(different(payloads)).toEqual([]);
  });

  test.each([LORCA, NUNEZ])('agree on a bet with any byte inserted or removed', bet => {
    const payloads = upTo(bet.length + 1).flatMap(place => [
      Buffer.concat([Buffer.from('1|'), bet.subarray(0, place), bet.subarray(place + 1)]),
      ...upTo(256).map(byte =>
        Buffer.concat([
          Buffer.from('1|'),
          bet.subarray(0, place),
          Buffer.of(byte),
          bet.subarray(place),
        ]),
      ),
    ]);
    expect(different(payloads)).toEqual([]);
  });

  test('agree on a batch that is cut at any place', () => {
    const maker = new PayloadMaker(new SeededRandom(7574));
    for (const payload of upTo(40).map(() => maker.payload().subarray(0, 2000))) {
      expect(
        different(upTo(payload.length + 1).map(length => payload.subarray(0, length))),
      ).toEqual([]);
    }
  });

  test('agree on any two bytes within a name and at its end', () => {
    const pairs = upTo(65_536).map(pair => Buffer.of(pair >> 8, pair & 0xff));
    expect(different(around(`A${HOLE}z|Paz|1|2000-02-29|1`, pairs))).toEqual([]);
    expect(different(around(`Ana|P${HOLE}|1|2000-02-29|1`, pairs))).toEqual([]);
  });

  test('agree on UTF-8 sequences of three and four bytes at their edges', () => {
    const edges = [
      0x00, 0x7c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xc3, 0xdf, 0xe0, 0xed,
      0xef, 0xf0, 0xf4, 0xf5, 0xff,
    ];
    const firsts = upTo(0x40).map(byte => 0xc0 + byte);
    const threes = firsts.flatMap(a => edges.flatMap(b => edges.map(c => Buffer.of(a, b, c))));
    const fours = firsts
      .slice(0x30)
      .flatMap(a =>
        edges.flatMap(b =>
          [0x7f, 0x80, 0xbf, 0xc0].flatMap(c => edges.map(d => Buffer.of(a, b, c, d))),
        ),
      );
    expect(different(around(`A${HOLE}|Paz|1|2000-02-29|1`, [...threes, ...fours]))).toEqual([]);
  });

  test('agree on days that are written YYYY-MM-DD', () => {
    const two = (value: number): string => String(value).padStart(2, '0');
    const days = upTo(14).flatMap(month => upTo(34).map(day => `${two(month)}-${two(day)}`));
    const years = ['0000', '0001', '1900', '1999', '2000', '2004', '2100', '9999'];
    const ofYears = years.flatMap(year => days.map(day => `${year}-${day}`));
    const februaries = upTo(10_000).flatMap(year =>
      ['28', '29', '30'].map(day => `${String(year).padStart(4, '0')}-02-${day}`),
    );
    expect(different(around(`Ana|Paz|1|${HOLE}|1`, texts([...ofYears, ...februaries])))).toEqual(
      [],
    );
  });

  test('agree on documents and numbers of any length, with leading zeros and near-digits', () => {
    const lengths = upTo(13).flatMap(zeros =>
      upTo(13).map(digits => '0'.repeat(zeros) + '9'.repeat(digits)),
    );
    const odd = lengths.flatMap(digits =>
      ['/', ':', '-', ' ', '\u0660'].flatMap(byte => [digits + byte, byte + digits]),
    );
    const values = texts([...lengths, ...odd]);
    expect(different(around(`Ana|Paz|${HOLE}|2000-02-29|1`, values))).toEqual([]);
    expect(different(around(`Ana|Paz|1|2000-02-29|${HOLE}`, values))).toEqual([]);
  });

  test.each(['x', 'ñ', '€', '😀', '"', ','])(
    'agree on names of %j of any length up to and beyond the longest',
    character => {
      const names = texts(upTo(260).map(length => character.repeat(length)));
      expect(different(around(`${HOLE}|Paz|1|2000-02-29|1`, names))).toEqual([]);
      expect(different(around(`Ana|${HOLE}|1|2000-02-29|1`, names))).toEqual([]);
      expect(different(around(`${HOLE}z|Paz|1|2000-02-29|1`, names))).toEqual([]);
    },
  );

  test('agree for every agency', () => {
    const payload = Buffer.concat([Buffer.from('2|'), LORCA, Buffer.from('|'), NUNEZ]);
    const wrong = upTo(65_535)
      .map(index => index + 1)
      .filter(agency => different([payload], agency).length > 0);
    expect(wrong).toEqual([]);
  });

  test('agree on the longest payload, with a right and with a wrong count', () => {
    const bets = Math.floor((PAYLOAD_BYTES_MAX - 6) / (LORCA.length + 1));
    for (const count of [bets, bets - 1, bets + 1]) {
      const payload = Buffer.alloc(PAYLOAD_BYTES_MAX, Buffer.concat([LORCA, Buffer.from('|')]));
      payload.write(`${count}|`);
      LORCA.copy(payload, String(count).length + 1);
      expect(
        different([payload, payload.subarray(0, String(count).length + bets * (LORCA.length + 1))]),
      ).toEqual([]);
    }
  });

  test('agree on a truncated payload that is the first one read', () => {
    const fresh = new WasmBetReader();
    const payload = Buffer.concat([Buffer.from('2|'), LORCA]);
    expect(fresh.readBatch(payload, 1)).toEqual(plain.readBatch(payload, 1));
  });

  test('agree on a shorter payload after a longer one', () => {
    const long = Buffer.concat([
      Buffer.from('3|'),
      ...upTo(3).flatMap(() => [LORCA, Buffer.from('|')]),
    ]).subarray(0, -1);
    const wrong = upTo(long.length).flatMap(length => {
      wasm.readBatch(long, 1);
      return different([long.subarray(0, length)]);
    });
    expect(wrong).toEqual([]);
  });
});

describe.each([plain, wasm])('the $constructor.name', reader => {
  test('refuses a payload longer than any limit', () => {
    const payload = Buffer.alloc(PAYLOAD_BYTES_MAX + 1, '1|');
    expect(() => reader.readBatch(payload, 1)).toThrow(RangeError);
  });
});
