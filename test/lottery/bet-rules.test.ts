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

/** The verdict on a valid bet in which some fields have other values, as text or as bytes. */
function faultWith(values: Values): BetFault | undefined {
  const fields = { ...VALID, ...values };
  return findFault(rangesOf(BET_FIELDS.map(field => Buffer.from(fields[field] as Uint8Array))));
}

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

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
    ['the first character after C0', '\u0020'],
    ['the last character before DEL', '\u007e'],
    ['the first character after C1', '\u00a0'],
    ['the last of two bytes', '\u07ff'],
    ['the first of three bytes', '\u0800'],
    ['the last before the surrogates', '\ud7ff'],
    ['the first after the surrogates', '\ue000'],
    ['a byte order mark', '\ufeff'],
    ['the last of three bytes', '\uffff'],
    ['the first of four bytes', '\u{10000}'],
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

  const controls = [...Array.from({ length: 0x20 }, (_, i) => i), 0x7f];
  controls.push(...Array.from({ length: 0x20 }, (_, i) => 0x80 + i));

  test('may not contain any of the 65 control characters, at any position', () => {
    const refusals = controls.flatMap(code =>
      [
        `${String.fromCodePoint(code)}a`,
        `a${String.fromCodePoint(code)}`,
        `ñ${String.fromCodePoint(code)}b`,
      ].map(name => faultWith({ [field]: name })),
    );
    expect(refusals).toHaveLength(195);
    expect(new Set(refusals.map(fault => JSON.stringify(fault)))).toEqual(
      new Set([JSON.stringify({ field, reason: 'control-character' })]),
    );
  });

  test.each([
    ['a continuation byte alone', '80'],
    ['a second continuation byte', '41 c3b1 b1'],
    ['a slash in two bytes (overlong)', 'c0af'],
    ['NUL in two bytes (overlong)', 'c080'],
    ['a letter in two bytes (overlong)', 'c1bf'],
    ['U+07FF in three bytes (overlong)', 'e09fbf'],
    ['U+FFFF in four bytes (overlong)', 'f08fbfbf'],
    ['the first surrogate', 'eda080'],
    ['the last surrogate', 'edbfbf'],
    ['a pair of surrogates (CESU-8)', 'eda0bd edb880'],
    ['U+110000', 'f4908080'],
    ['a first byte of U+140000', 'f5808080'],
    ['a sequence of five bytes', 'f888808080'],
    ['the byte FE', 'fe'],
    ['the byte FF', 'ff'],
    ['one of two bytes', '41c3'],
    ['one of three bytes', '41e2'],
    ['two of three bytes', '41e282'],
    ['one of four bytes', '41f0'],
    ['two of four bytes', '41f09f'],
    ['three of four bytes', '41f09f98'],
    ['a letter inside a two-byte sequence', 'c341'],
    ['a letter inside a three-byte sequence', 'e28241'],
    ['a letter inside a four-byte sequence', 'f09f9841'],
    ['a new sequence inside a sequence', 'e2c3b1'],
    ['Latin-1', '4d6172ed61'],
  ])('is not UTF-8 with %s', (_, bytes) => {
    expect(faultWith({ [field]: hex(bytes) })).toEqual({ field, reason: 'not-utf-8' });
  });

  test('is not UTF-8 when its end cuts a sequence that the next bytes would complete', () => {
    const fields = BET_FIELDS.map(name => Buffer.from(VALID[name]));
    fields[BET_FIELDS.indexOf(field)] = Buffer.from('41e2', 'hex');
    expect(findFault(rangesOf(fields, Buffer.from('82ac', 'hex')))).toEqual({
      field,
      reason: 'not-utf-8',
    });
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

  test('may be any day of each month, in a common year and in a leap year', () => {
    const daysTaken = (year: number): number[] =>
      Array.from({ length: 14 }, (_, month) => {
        const days = Array.from({ length: 100 }, (__, day) => day);
        const texts = days.map(
          day => `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`,
        );
        return texts.filter(birthdate => faultWith({ birthdate }) === undefined).length;
      });
    expect(daysTaken(1900)).toEqual([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0]);
    expect(daysTaken(2000)).toEqual([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0]);
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

  test.each([...words('0 00 65536 99999 4294967297 00000000001 -1 +1 1.0 1e3 0x1'), ''])(
    '%j is refused',
    text => {
      expect(parseAgency(text)).toBeUndefined();
    },
  );

  test.each([' 1', '1 ', '1\n', '\n1', '1\0', '१', '１', 'uno', 'Infinity'])(
    '%j is refused',
    text => {
      expect(parseAgency(text)).toBeUndefined();
    },
  );

  test.prop([fc.integer({ min: -70_000, max: 140_000 })])('is a number from 1 to 65535', number => {
    expect(parseAgency(String(number))).toBe(number >= 1 && number <= 65_535 ? number : undefined);
  });
});
