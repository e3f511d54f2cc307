import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  BET_FIELDS,
  type BetFault,
  fieldsOf,
  findFault,
  parseAgency,
} from '../../src/lottery/bet-rules.ts';
import { words } from '../support/words.ts';
import { rangesOf } from './field-ranges.ts';

const VALID = {
  first_name: 'Santiago Lionel',
  last_name: 'Lorca',
  document: '30904465',
  birthdate: '1999-03-17',
  number: '7574',
} as const;

type Values = Partial<Record<keyof typeof VALID, string | Uint8Array>>;

/** The verdict on a valid bet with some fields replaced, by text or bytes. */
function faultWith(values: Values): BetFault | undefined {
  const fields = { ...VALID, ...values };
  return findFault(rangesOf(BET_FIELDS.map(field => Buffer.from(fields[field] as Uint8Array))));
}

test('a valid bet has no fault', () => {
  expect(faultWith({})).toBeUndefined();
});

test('the first fault in the order of the fields is reported', () => {
  expect(faultWith({ last_name: '', document: 'x', number: '' })).toEqual({
    field: 'last_name',
    reason: 'empty',
  });
  expect(faultWith({ first_name: '\n', last_name: '' })).toEqual({
    field: 'first_name',
    reason: 'control-character',
  });
});

test.each(BET_FIELDS)('an empty %s is refused', field => {
  expect(faultWith({ [field]: '' })).toEqual({ field, reason: 'empty' });
});

test('fieldsOf returns the range of each text, accents and empty ones included', () => {
  const texts = ['Ñandú', '', '1', '😀', 'z'];
  const { bytes, starts, ends } = fieldsOf(texts);
  expect(texts.map((_, i) => Buffer.from(bytes.subarray(starts[i], ends[i])).toString())).toEqual(
    texts,
  );
});

describe.each(['first_name', 'last_name'] as const)('%s', field => {
  test.each([
    ['one letter', 'x'],
    ['one space', ' '],
    ['accents', 'María de los Ángeles Ñúñez Güiraldes'],
    ['CSV and wire delimiters', 'O"Hara, Jr.|;\''],
    ['a byte order mark', '\ufeff'],
    ['the last character of all', '\u{10ffff}'],
    ['255 bytes', 'x'.repeat(255)],
    ['255 bytes in two-byte characters', `${'ñ'.repeat(127)}x`],
  ])('may be %s', (_, name) => {
    expect(faultWith({ [field]: name })).toBeUndefined();
  });

  test.each([
    ['256 letters', 'x'.repeat(256)],
    ['128 characters of two bytes', 'ñ'.repeat(128)],
  ])('is too long with %s: bytes count, not characters', (_, name) => {
    expect(faultWith({ [field]: name })).toEqual({ field, reason: 'too-long' });
  });
});

describe('document', () => {
  test.each(['0', '7', '30904465', '0000000000', '9999999999'])('may be %s', document => {
    expect(faultWith({ document })).toBeUndefined();
  });

  test('is too long with 11 digits, zeros included', () => {
    expect(faultWith({ document: '00000000000' })).toEqual({
      field: 'document',
      reason: 'too-long',
    });
  });

  test.each([...words('30.904.465 -1 +1 1e3 0x1 abc 3090446५ １ / :'), ' 1', '1 ', '1\n'])(
    'may have digits only, not %j',
    document => {
      expect(faultWith({ document })).toEqual({ field: 'document', reason: 'not-digits' });
    },
  );
});

describe('birthdate', () => {
  const dates = words(`
    0001-01-01 0004-02-29 1582-10-10 1900-02-28 1904-02-29 2000-02-29 2023-12-31
    2024-02-29 2400-02-29 9999-12-31
  `);
  test.each(dates)('may be %s', birthdate => {
    expect(faultWith({ birthdate })).toBeUndefined();
  });

  test.each([
    ...words(`
      0000-01-01 1900-02-29 2100-02-29 2023-02-29 2023-02-30 2024-02-30 2023-04-31
      2023-00-10 2023-13-10 2023-01-00 2023-01-32 23-01-01 2023-1-1 2023-1-01 2023/01/01
      2023-01-01T 17-03-1999 20230101 +123-01-01 -123-01-01 202a-01-01 2023-0x-01 2023-01-:0
      2023-01-0/ ２023-01-
    `),
    ' 2023-01-0',
    '2023-01-0 ',
  ])('may not be %j', birthdate => {
    expect(faultWith({ birthdate })).toEqual({ field: 'birthdate', reason: 'not-a-date' });
  });
});

describe('number', () => {
  test.each(['0', '7', '007', '7574', '9999', '00009999', '0000009999', '0000000000'])(
    'may be %s',
    number => {
      expect(faultWith({ number })).toBeUndefined();
    },
  );

  test.each(['10000', '010000', '99999', '1000000000', '9999999999'])(
    '%s is out of range',
    number => {
      expect(faultWith({ number })).toEqual({ field: 'number', reason: 'out-of-range' });
    },
  );

  test('is too long with 11 digits, zeros included', () => {
    expect(faultWith({ number: '00000000007' })).toEqual({ field: 'number', reason: 'too-long' });
  });

  test.each(['-1', '+7', '7.0', '7,5', ' 7', '7 ', '0x7', '1e3', 'siete', '7\r'])(
    'may have digits only, not %j',
    number => {
      expect(faultWith({ number })).toEqual({ field: 'number', reason: 'not-digits' });
    },
  );
});

describe('agency', () => {
  test.each([
    ['1', 1],
    ['5', 5],
    ['65535', 65_535],
    ['0000000001', 1],
    ['0000065535', 65_535],
  ])('%s is the agency %i', (text, agency) => {
    expect(parseAgency(text)).toBe(agency);
  });

  const wrong = [...words('0 4294967297 00000000001 -1 +1 1.0 1e3 १ １'), '', ' 1', '1\n', '1\0'];
  test.each(wrong)('%j is refused', text => {
    expect(parseAgency(text)).toBeUndefined();
  });

  test.prop([fc.integer({ min: -70_000, max: 140_000 })])('is a number from 1 to 65535', number => {
    expect(parseAgency(String(number))).toBe(number >= 1 && number <= 65_535 ? number : undefined);
  });
});
