import * as fc from 'fast-check';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';

/**
 * Arbitrary valid bets, and their rows and fields, encoded independently of the code under test.
 */

/** C0, DEL and C1. */
const CONTROL = /\p{Cc}/u;

/** Code points of names; those special in CSV, on the wire or in UTF-8 are frequent. */
const nameCharacter = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Array.from('aeLz Ññáüé')) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...Array.from(',"\';|\\/ \u00a0\u07ff\u0800\u2028\ud7ff\ufeff\ufffd😀\u{10ffff}'),
    ),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
);

/** Names of at most 255 bytes, some of exactly 255. */
const name: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .array(nameCharacter, { minLength: 1, maxLength: 63 })
      .map(characters => characters.join(''))
      .filter(text => !CONTROL.test(text)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'x'.repeat(255),
      `${'ñ'.repeat(127)}x`,
      '"'.repeat(255),
      ','.repeat(255),
    ),
  },
);

/** Names without the separator of the base protocol. */
const wireName = name.map(text => text.replaceAll('|', '/'));

export const document: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...Array.from('0123456789')),
  minLength: 1,
  maxLength: 10,
});

export const birthdate: fc.Arbitrary<string> = fc
  .date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  .map(date => date.toISOString().slice(0, 10));

const agency = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 65_535 }));
const number = fc.oneof(fc.constant(7574), fc.integer({ min: 0, max: 9999 }));

export const validBet: fc.Arbitrary<Bet> = fc.record({
  agency,
  firstName: name,
  lastName: name,
  document,
  birthdate,
  number,
});

/** A valid bet that the base protocol can encode. */
export const wireBet: fc.Arbitrary<Bet> = fc.record({
  agency,
  firstName: wireName,
  lastName: wireName,
  document,
  birthdate,
  number,
});

/**
 * The five fields as in an agency's file or a payload. `numberDigits` pads the number with zeros.
 */
export function textsOf(bet: Bet, numberDigits = 1): string[] {
  const { firstName, lastName, birthdate: born } = bet;
  return [firstName, lastName, bet.document, born, String(bet.number).padStart(numberDigits, '0')];
}

/** The row that the course's `store_bets` writes: minimal quotes, CR LF. */
export function rowOf(bet: Bet): string {
  const fields: string[] = [];
  for (const text of [String(bet.agency), ...textsOf(bet)]) {
    const special =
      text.includes(',') || text.includes('"') || text.includes('\r') || text.includes('\n');
    fields.push(special ? ['"', text.split('"').join('""'), '"'].join('') : text);
  }
  return fields.join(',').concat('\r\n');
}

export function rowsOf(bets: readonly Bet[]): Buffer {
  return Buffer.from(bets.map(rowOf).join(''));
}

/** A batch of an agency's bets, as a payload's parser would return it. */
export function batchOf(bets: readonly Bet[], ofAgency = bets[0]?.agency ?? 1): BetBatch {
  return { agency: ofAgency, count: bets.length, rows: rowsOf(bets) };
}

/** Any valid bet, with the given values. */
export function betWith(values: Partial<Bet> = {}): Bet {
  return {
    agency: 1,
    firstName: 'Santiago Lionel',
    lastName: 'Lorca',
    document: '30904465',
    birthdate: '1999-03-17',
    number: 7574,
    ...values,
  };
}

/** The bet as a plain object, for comparisons: stored bets decode their texts lazily. */
export function plainBet(bet: Bet): Bet {
  return {
    agency: bet.agency,
    firstName: bet.firstName,
    lastName: bet.lastName,
    document: bet.document,
    birthdate: bet.birthdate,
    number: bet.number,
  };
}
