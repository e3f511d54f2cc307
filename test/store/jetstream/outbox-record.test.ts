import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  assertKeepable,
  decodeHead,
  encodeKept,
  HEAD_BYTES_MAX,
  HEAD_START,
  isBodyOf,
  type KeptRecord,
  PART_BYTES_MAX,
} from '../../../src/store/jetstream/outbox-record.ts';
import { recordNumbered } from './outbox-disk.ts';

const RECORD: KeptRecord = {
  position: 4711,
  writer: 'central-a',
  n: 3,
  facts: '[{"kind":"stored","name":"Peña"}]',
  rows: Buffer.from('1,Ana,Peña,30904465,1999-03-17,7574\r\n'),
};

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** A head with its checksum, made without the encoder. */
const sealed = (body: string): Buffer => Buffer.from(`${body},"check":"${hex(crc32(body))}"}`);

describe('a record', () => {
  test('is a line, its facts and its rows, each with a line end', () => {
    const facts = '[{"kind":"stored","name":"Peña"}]'; // 34 bytes, the ñ has two
    const rows = '1,Ana,Peña,30904465,1999-03-17,7574\r\n'; // 38 bytes
    const head =
      '{"number":12,"first":11,"position":4711,"writer":"central-a","n":3,"facts":34,"rows":38' +
      `,"crc32":"${hex(crc32(`${facts}\n${rows}\n`))}"`;
    const expected = `${sealed(head).toString()}\n${facts}\n${rows}\n`;
    expect(Buffer.concat(encodeKept(RECORD, 12, 11)).toString()).toBe(expected);
  });

  test('has its rows written from where they are', () => {
    expect(encodeKept(RECORD, 1, 1)).toContain(RECORD.rows);
  });

  test('with the longest of everything has a head that is read', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const record = { ...RECORD, position: most, n: most, writer: '"'.repeat(64) };
    expect(() => assertKeepable(record)).not.toThrow();
    const bytes = Buffer.concat(encodeKept(record, most, most));
    const line = bytes.subarray(0, bytes.indexOf('\n'));
    expect(line.length).toBeLessThan(HEAD_BYTES_MAX - 100);
    expect(decodeHead(line)).toMatchObject({ position: most, n: most, writer: record.writer });
    expect(line.toString().startsWith(HEAD_START)).toBe(true);
  });

  test('is told from one with another body', () => {
    const bytes = Buffer.concat(encodeKept(RECORD, 1, 1));
    const start = bytes.indexOf('\n') + 1;
    const head = decodeHead(bytes.subarray(0, start - 1));
    for (let at = start; at < bytes.length; at += 1) {
      expect(isBodyOf(head, bytes.subarray(start))).toBe(true);
      bytes[at]! ^= 0x20;
      expect(isBodyOf(head, bytes.subarray(start))).toBe(false);
      bytes[at]! ^= 0x20;
    }
  });

  test('is told from one with another head', () => {
    const bytes = Buffer.concat(encodeKept(RECORD, 1, 1));
    const line = bytes.subarray(0, bytes.indexOf('\n'));
    for (let at = 0; at < line.length; at += 1) {
      line[at]! ^= 0x01;
      expect(() => decodeHead(line), `byte ${at}`).toThrow(/head of the record/);
      line[at]! ^= 0x01;
    }
  });
});

describe('a head', () => {
  const body = (changes: Record<string, unknown>): Buffer => {
    const values = { number: 1, first: 1, position: 1, writer: 'a', n: 1, facts: 2, rows: 0, crc32: '0' };
    return sealed(JSON.stringify({ ...values, ...changes }).slice(0, -1));
  };

  test.each([
    ['facts', PART_BYTES_MAX + 1, /a part of the record has 16777217 bytes/],
    ['rows', -1, /a part of the record has -1 bytes/],
    ['rows', 0.5, /a part/],
    ['facts', null, /a part/],
    ['writer', '', /writer "" is no short ASCII text/],
    ['n', 0, /n 0 is no number/],
    ['position', '7', /position 7 is none/],
  ])('is not believed with %s %s, even with its checksum', (name, value, reason) => {
    expect(() => decodeHead(body({}))).not.toThrow();
    expect(() => decodeHead(body({ [name]: value }))).toThrow(reason);
  });

  test('is not looked for in a line that is too long', () => {
    expect(() => decodeHead(Buffer.alloc(HEAD_BYTES_MAX + 1, ' '))).toThrow('has no end');
  });
});

test.each([
  ['a writer that is not ASCII', { writer: 'peña' }],
  ['a long writer', { writer: 'a'.repeat(65) }],
  ['no n', { n: 0 }],
  ['half a position', { position: 0.5 }],
  ['large rows', { rows: Buffer.alloc(PART_BYTES_MAX + 1) }],
  ['large facts', { facts: ' '.repeat(PART_BYTES_MAX + 1) }],
])('%s cannot be kept', (_, change) => {
  expect(() => assertKeepable({ ...recordNumbered(1), ...change })).toThrow(RangeError);
});
