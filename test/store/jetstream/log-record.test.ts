import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { crc32 } from 'node:zlib';
import type { Fact } from '../../../src/lottery/fact.ts';
import {
  decodeParts,
  decodeRecord,
  encodeLine,
  joinBody,
  type LoggedFact,
} from '../../../src/store/jetstream/log-record.ts';
import { BATCH_FAULT_REASONS } from '../../../src/lottery/bet-batch.ts';
import { BET_FIELDS, FAULT_REASONS } from '../../../src/lottery/bet-rules.ts';

const ROW = Buffer.from('1,Ana,Peña,30904465,1999-03-17,7574\r\n'); // 38 bytes, the ñ has two
const NO_ROWS = new Uint8Array();

const checksum = (rows: Uint8Array): string => crc32(rows).toString(16).padStart(8, '0');

/** A body as somebody else writes it. */
const bodyOf = (line: unknown, rows: Uint8Array = NO_ROWS): Buffer =>
  Buffer.concat([Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`), rows]);

/** The line of a record with one batch of these rows. */
const lineOf = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  v: 1,
  writer: 'w',
  n: 1,
  crc32: checksum(ROW),
  facts: [[1, 1, ROW.length]],
  ...changes,
});

describe('the body of a message', () => {
  test('has a line of JSON, then the rows as they stand in bets.csv', () => {
    const rows = Buffer.concat([ROW, ROW, ROW]);
    const facts: LoggedFact[] = [
      { fact: { kind: 'stored', agency: 1, count: 1, place: undefined }, bytes: 38 },
      { fact: { kind: 'stored', agency: 1, count: 2, place: { upload: 'a-Z_0.9', seq: 7 } }, bytes: 76 },
      {
        fact: {
          kind: 'refused',
          agency: 2,
          place: { upload: 'u', seq: 3 },
          fault: { count: 9, index: 4, field: 'document', reason: 'not-digits' },
        },
        bytes: 0,
      },
      { fact: { kind: 'finished', agency: 2, upload: 'u' }, bytes: 0 },
      { fact: { kind: 'finished', agency: 1, upload: undefined }, bytes: 0 },
      {
        fact: {
          kind: 'drawn',
          draw: { bets: 3, winners: new Map([[1, ['30904465', '007']]]) },
          seal: { bytes: 114, sha256: 'ab'.repeat(32), time: '2026-01-02T03:04:05.000Z' },
        },
        bytes: 0,
      },
    ];
    const line = [
      `{"v":1,"writer":"0a1b2c","n":12,"crc32":"${checksum(rows)}","facts":[`,
      '[1,1,38],',
      '[1,2,76,"a-Z_0.9",7],',
      '{"refused":2,"upload":"u","seq":3,"count":9,"index":4,"field":"document","reason":"not-digits"},',
      '{"finished":2,"upload":"u"},',
      '{"finished":1},',
      `{"drawn":"2026-01-02T03:04:05.000Z","bets":3,"bytes":114,"sha256":"${'ab'.repeat(32)}",`,
      '"winners":[[1,["30904465","007"]]]}]}',
    ].join('');
    const body = joinBody(encodeLine({ writer: '0a1b2c', n: 12, facts, rows }), rows);
    expect(Buffer.from(body).toString()).toBe(`${line}\n${rows.toString()}`);
    const record = { position: 5, time: 1234, line, writer: '0a1b2c', n: 12, facts };
    expect(decodeRecord(5, body, 1234)).toEqual({ ...record, rows: expect.anything() as unknown });
    expect(Buffer.from(decodeRecord(5, body).rows).equals(rows)).toBe(true);
  });

  test('is told from hex: a record with one row', () => {
    const hex = [
      '7b2276223a312c22777269746572223a2277222c226e223a312c', // {"v":1,"writer":"w","n":1,
      '226372633332223a226536666130303334222c', // "crc32":"e6fa0034",
      '226661637473223a5b5b312c312c32355d5d7d', // "facts":[[1,1,25]]}
      '0a', // LF
      '312c412c422c372c313939392d30332d31372c373537340d0a', // 1,A,B,7,1999-03-17,7574 CR LF
    ].join('');
    const rows = Buffer.from('1,A,B,7,1999-03-17,7574\r\n');
    const facts: LoggedFact[] = [
      { fact: { kind: 'stored', agency: 1, count: 1, place: undefined }, bytes: rows.length },
    ];
    const body = joinBody(encodeLine({ writer: 'w', n: 1, facts, rows }), rows);
    expect(Buffer.from(body).toString('hex')).toBe(hex);
  });

  test('may lie anywhere in the memory that it came in', () => {
    const body = bodyOf(lineOf(), ROW);
    const memory = Buffer.concat([Buffer.from('xyz\n'), body, Buffer.from('\nxyz')]);
    const { rows, line } = decodeRecord(1, memory.subarray(4, 4 + body.length));
    expect(Buffer.from(rows).equals(ROW)).toBe(true);
    expect(line).toBe(JSON.stringify(lineOf()));
  });
});

describe('a record is refused', () => {
  const messages: [string, Buffer, RegExp][] = [
    ['without a line', Buffer.from('no line at all'), /^message 7 is no record of a lottery$/],
    ['that is empty', Buffer.alloc(0), /^message 7 is no record/],
    ['whose line is empty', Buffer.from('\n'), /^message 7 is no record/],
    ['whose line is no JSON', bodyOf('{"v":1'), /^message 7 is no record/],
    [
      'of a later version',
      bodyOf(lineOf({ v: 2 }), ROW),
      /^message 7 has format 2, written by another version/,
    ],
    ['without a version', bodyOf(lineOf({ v: undefined }), ROW), /^message 7 has format undefined/],
    [
      'with another checksum',
      bodyOf(lineOf({ crc32: '00000000' }), ROW),
      /checksum of the rows of message 7/,
    ],
    ['without a checksum', bodyOf(lineOf({ crc32: undefined }), ROW), /checksum of the rows of message 7/],
    [
      'with more rows',
      bodyOf(lineOf({ facts: [[1, 1, 37]] }), ROW),
      /^message 7 has 38 bytes of rows, its facts 37$/,
    ],
    [
      'with fewer rows',
      bodyOf(
        lineOf({
          facts: [
            [1, 1, 38],
            [1, 1, 1],
          ],
        }),
        ROW,
      ),
      /38 bytes of rows, its facts 39$/,
    ],
    ['with rows and no facts', bodyOf(lineOf({ facts: [] }), ROW), /38 bytes of rows, its facts 0$/],
  ];
  test.each(messages)('%s', (_, body, reason) => {
    expect(() => decodeRecord(7, body)).toThrow(reason);
  });

  test('when any bit of its rows is another one', () => {
    const body = bodyOf(lineOf(), ROW);
    expect(() => decodeRecord(1, body)).not.toThrow();
    for (let at = body.indexOf('\n') + 1; at < body.length; at += 1) {
      body[at]! ^= 0x04;
      expect(() => decodeRecord(1, body), `byte ${at}`).toThrow(/checksum/);
      body[at]! ^= 0x04;
    }
  });

  test('when it is cut off anywhere', () => {
    const body = bodyOf(lineOf(), ROW);
    for (let length = 0; length < body.length; length += 1) {
      expect(() => decodeRecord(1, body.subarray(0, length)), `${length} bytes`).toThrow(/message 1/);
    }
  });
});

test('nothing that is adopted can be in a record', () => {
  const facts: LoggedFact[] = [{ fact: { kind: 'adopted', bets: new Map() }, bytes: 0 }];
  expect(() => encodeLine({ writer: 'w', n: 1, facts, rows: NO_ROWS })).toThrow(/adopted/);
});

const agency = fc.integer({ min: 1, max: 65_535 });
const place = fc.record({
  upload: fc.string({ minLength: 1, maxLength: 64 }),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});
const fault = fc.record({
  count: fc.nat(),
  index: fc.nat(),
  field: fc.constantFrom(...BET_FIELDS, 'batch' as const),
  reason: fc.constantFrom(...FAULT_REASONS, ...BATCH_FAULT_REASONS),
});
const document = fc.stringMatching(/^\d{1,10}$/);
const winners = fc
  .array(fc.tuple(agency, fc.array(document, { minLength: 1, maxLength: 3 })), { maxLength: 3 })
  .map(entries => new Map(entries));
const seal = fc.record({
  bytes: fc.nat(),
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  time: fc.date({ noInvalidDate: true }).map(date => date.toISOString()),
});
const bytes = fc.uint8Array({ maxLength: 200 });
const noBytes = fc.constant(NO_ROWS);

/** A fact, and the bytes of its rows: whatever they are, they are not looked at. */
const anyFact: fc.Arbitrary<[Fact, Uint8Array]> = fc.oneof(
  fc.tuple(
    fc.record({
      kind: fc.constant('stored' as const),
      agency,
      count: fc.nat(200),
      place: fc.option(place, { nil: undefined }),
    }),
    bytes,
  ),
  fc.tuple(fc.record({ kind: fc.constant('refused' as const), agency, place, fault }), noBytes),
  fc.tuple(
    fc.record({
      kind: fc.constant('finished' as const),
      agency,
      upload: fc.option(fc.string(), { nil: undefined }),
    }),
    noBytes,
  ),
  fc.tuple(
    fc.record({
      kind: fc.constant('drawn' as const),
      draw: fc.record({ bets: fc.nat(), winners }),
      seal,
    }),
    noBytes,
  ),
);

test.prop([fc.array(anyFact, { maxLength: 8 }), fc.string(), fc.integer({ min: 1 }), fc.nat()])(
  'any record is read as it was written, in one piece and in two',
  (content, writer, n, time) => {
    const facts = content.map(([fact, { length }]) => ({ fact, bytes: length }));
    const rows = Buffer.concat(content.map(([, part]) => part));
    const line = encodeLine({ writer, n, facts, rows });
    expect(line).not.toContain('\n');
    const expected = { position: 3, time, line, writer, n, facts };
    for (const read of [decodeRecord(3, joinBody(line, rows), time), decodeParts(3, line, rows, time)]) {
      const { rows: found, ...rest } = read;
      expect(rest).toEqual(expected);
      expect(Buffer.from(found).equals(rows)).toBe(true);
    }
  },
);
