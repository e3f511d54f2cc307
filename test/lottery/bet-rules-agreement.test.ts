import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { findFault } from '../../src/lottery/bet-rules.ts';
import { expectedFault } from './bet-oracle.ts';
import { textsOf, validBet } from './bets.ts';
import { rangesOf } from './field-ranges.ts';

/** The rules agree with an independent implementation. */

const fieldBytes = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> =>
  fc.array(bytes, { minLength: 5, maxLength: 5 });

const validFields = fc
  .tuple(validBet, fc.integer({ min: 1, max: 10 }))
  .map(([bet, digits]) => textsOf(bet, digits).map((text): Uint8Array => Buffer.from(text)));

/** A byte similar to those of fields, or any byte. */
const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('0123456789-/: \u007f\u0080é€\n')),
  fc.constantFrom(
    0xc0,
    0xc1,
    0xc2,
    0xe0,
    0xed,
    0xf0,
    0xf4,
    0xf5,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
  ),
  fc.integer({ min: 0, max: 255 }),
);

const edit = fc.record({
  field: fc.nat(4),
  place: fc.nat(300),
  removed: fc.nat(2),
  added: fc.array(byte, { maxLength: 2 }),
});

const nearlyValidFields = fc
  .tuple(validFields, fc.array(edit, { minLength: 1, maxLength: 3 }))
  .map(([fields, edits]) => {
    const edited = fields.map(field => [...field]);
    for (const { field, place, removed, added } of edits) {
      const bytes = edited[field]!;
      bytes.splice(place % (bytes.length + 1), removed, ...added);
    }
    return edited.map(field => Uint8Array.from(field));
  });

const agree = (fields: readonly Uint8Array[], between: Uint8Array): void => {
  const found = findFault(rangesOf(fields, between));
  const expected = expectedFault(fields);
  expect(found?.field).toBe(expected?.[0]);
  if (expected !== undefined) expect(expected[1]).toContain(found?.reason);
};

const gap = fc.uint8Array({ maxLength: 4 });

test.prop([validFields, gap])('valid bets have no fault', (fields, between) => {
  expect(expectedFault(fields)).toBeUndefined();
  expect(findFault(rangesOf(fields, between))).toBeUndefined();
});

test.prop([nearlyValidFields, gap], { numRuns: 5000 })(
  'both rules agree on nearly valid bets',
  agree,
);

test.prop([fieldBytes(fc.uint8Array({ maxLength: 12 })), gap], { numRuns: 2000 })(
  'both rules agree on random bytes',
  agree,
);

test.prop([validFields, fc.nat(1), fc.uint8Array({ minLength: 1, maxLength: 5 }), gap], {
  numRuns: 5000,
})('both rules agree on names of random bytes', (fields, index, name, between) =>
  agree(fields.with(index, name), between),
);

test.prop(
  [
    validFields,
    fc.array(fc.constantFrom(...Array.from('0123456789-')), { minLength: 9, maxLength: 11 }),
    gap,
  ],
  {
    numRuns: 2000,
  },
)('both rules agree on dates of random digits', (fields, characters, between) => {
  agree(fields.with(3, Buffer.from(characters.join(''))), between);
});

test.prop([validFields, fc.nat(9999), fc.nat(19), fc.nat(39), gap], { numRuns: 5000 })(
  'both rules agree on dates of any year, month and day',
  (fields, year, month, day, between) => {
    const date = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
    agree(fields.with(3, Buffer.from(date)), between);
  },
);

test('both rules agree on names of one or two bytes, and on longer sequences', () => {
  const rest = ['Lorca', '30904465', '1999-03-17', '7574'].map(text => Buffer.from(text));
  const disagreements: string[] = [];
  const check = (name: Uint8Array): void => {
    const found = findFault(rangesOf([name, ...rest]))?.reason;
    const reasons = expectedFault([name, ...rest])?.[1];
    const same =
      reasons === undefined ? found === undefined : found !== undefined && reasons.includes(found);
    if (!same) disagreements.push(Buffer.from(name).toString('hex'));
  };
  for (let first = 0; first < 256; first += 1) {
    check(Uint8Array.of(first));
    for (let second = 0; second < 256; second += 1) check(Uint8Array.of(first, second));
  }
  for (const first of [0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef]) {
    for (let second = 0x7f; second <= 0xc0; second += 1) {
      for (const third of [0x41, 0x7f, 0x80, 0xbf, 0xc0])
        check(Uint8Array.of(first, second, third));
    }
  }
  for (const first of [0xf0, 0xf1, 0xf3, 0xf4, 0xf5]) {
    for (let second = 0x7f; second <= 0xc0; second += 1) {
      for (const third of [0x7f, 0x80, 0xbf, 0xc0]) {
        for (const fourth of [0x7f, 0x80, 0xbf, 0xc0])
          check(Uint8Array.of(first, second, third, fourth));
      }
    }
  }
  expect(disagreements).toEqual([]);
});
