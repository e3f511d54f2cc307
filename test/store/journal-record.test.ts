import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BATCH_FAULT_REASONS } from '../../src/lottery/bet-batch.ts';
import { BET_FIELDS, FAULT_REASONS } from '../../src/lottery/bet-rules.ts';
import {
  decodeRecord,
  encodeRecord,
  type JournalRecord,
} from '../../src/store/csv/journal-record.ts';
import { askPython, needsPython } from '../lottery/python.ts';
import { sealLine } from './store-folder.ts';

const SHA = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** One line of each type: the record, and its text before the checksum. */
const GOLDEN: readonly [type: string, n: number, record: JournalRecord, body: string][] = [
  [
    'begin',
    1,
    { type: 'begin', version: 1, time: '2024-08-21T22:11:15.000Z' },
    '{"n":1,"type":"begin","version":1,"time":"2024-08-21T22:11:15.000Z"',
  ],
  [
    'adopt',
    2,
    {
      type: 'adopt',
      end: 120,
      crc32: '00c0ffee',
      bets: [
        [3, 2],
        [65_535, 1],
      ],
    },
    '{"n":2,"type":"adopt","end":120,"crc32":"00c0ffee","bets":[[3,2],[65535,1]]',
  ],
  [
    'group',
    3,
    {
      type: 'group',
      end: 4096,
      crc32: 'deadbeef',
      batches: [
        [1, 2, 91],
        [4, 130, 5000, 'agency-4.A_z', 17],
        {
          agency: 2,
          upload: 'x',
          seq: 3,
          count: 2,
          index: 1,
          field: 'first_name',
          reason: 'not-utf-8',
        },
      ],
    },
    '{"n":3,"type":"group","end":4096,"crc32":"deadbeef","batches":[[1,2,91],[4,130,5000,"agency-4.A_z",17],' +
      '{"agency":2,"upload":"x","seq":3,"count":2,"index":1,"field":"first_name","reason":"not-utf-8"}]',
  ],
  [
    'finished',
    1_000_000,
    { type: 'finished', agency: 5, upload: 'file.csv' },
    '{"n":1000000,"type":"finished","agency":5,"upload":"file.csv"',
  ],
  [
    'finished without an upload',
    5,
    { type: 'finished', agency: 5, upload: undefined },
    '{"n":5,"type":"finished","agency":5',
  ],
  [
    'checkpoint',
    6,
    { type: 'checkpoint', end: 67_108_864, sha256: SHA },
    `{"n":6,"type":"checkpoint","end":67108864,"sha256":"${SHA}"`,
  ],
  [
    'draw',
    7,
    {
      type: 'draw',
      time: '2024-12-31T23:59:59.999Z',
      end: 0,
      sha256: SHA,
      bets: 7,
      winners: [
        [1, ['30904465', '007']],
        [5, ['1']],
      ],
    },
    `{"n":7,"type":"draw","time":"2024-12-31T23:59:59.999Z","end":0,"sha256":"${SHA}","bets":7,"winners":[[1,["30904465","007"]],[5,["1"]]]`,
  ],
];

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** A line as the reader passes it to the decoder. */
const withoutEnd = (line: Uint8Array): Uint8Array => line.subarray(0, -1);

const count = fc.nat({ max: 2 ** 40 });
const agency = fc.integer({ min: 1, max: 65_535 });
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdef')),
    minLength: digits,
    maxLength: digits,
  });
const upload = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const time = fc.date({ noInvalidDate: true }).map(date => date.toISOString());
const refused = fc.record({
  agency,
  upload,
  seq: count,
  count,
  index: count,
  field: fc.constantFrom(...BET_FIELDS, 'batch' as const),
  reason: fc.constantFrom(...FAULT_REASONS, ...BATCH_FAULT_REASONS),
});

const anyRecord: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ type: fc.constant('begin' as const), version: count, time }),
  fc.record({
    type: fc.constant('adopt' as const),
    end: count,
    crc32: hex(8),
    bets: fc.array(fc.tuple(agency, count)),
  }),
  fc.record({
    type: fc.constant('group' as const),
    end: count,
    crc32: hex(8),
    batches: fc.array(
      fc.oneof(
        fc.tuple(agency, count, count),
        fc.tuple(agency, count, count, upload, count),
        refused,
      ),
    ),
  }),
  fc.record({ type: fc.constant('finished' as const), agency, upload }),
  fc.record({ type: fc.constant('checkpoint' as const), end: count, sha256: hex(64) }),
  fc.record({
    type: fc.constant('draw' as const),
    time,
    end: count,
    sha256: hex(64),
    bets: count,
    winners: fc.array(fc.tuple(agency, fc.array(fc.stringMatching(/^\d{1,10}$/)))),
  }),
);

describe('a journal line', () => {
  test.each(GOLDEN)('of type %s has exactly these bytes', (_, n, record, body) => {
    expect(text(encodeRecord(n, record))).toBe(text(sealLine(body)));
    expect(decodeRecord(withoutEnd(sealLine(body)), n)).toEqual(record);
  });

  test('can be verified with the json and zlib modules of Python alone', context => {
    needsPython(context);
    const program = `
import json, zlib
def answer(line):
    body, check = line[:-len(',"check":"00000000"}')], json.loads(line)["check"]
    return [format(zlib.crc32(body.encode()), "08x") == check, json.loads(line)["n"]]
`;
    const lines = GOLDEN.map(([, n, record]) => text(withoutEnd(encodeRecord(n, record))));
    expect(askPython(program, lines)).toEqual(GOLDEN.map(([, n]) => [true, n]));
  });

  test('decodes to its record under its own number only', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), anyRecord, (n, record) => {
        const line = encodeRecord(n, record);
        expect(line.indexOf(0x0a)).toBe(line.length - 1);
        expect(decodeRecord(withoutEnd(line), n)).toEqual(record);
        for (const other of [n - 1, n + 1]) {
          expect(() => decodeRecord(withoutEnd(line), other)).toThrow(
            `the line has number ${n}, ${other} is expected`,
          );
        }
      }),
    );
  });

  test('is rejected after a change of any byte', () => {
    for (const [, n, record] of GOLDEN) {
      const line = Buffer.from(withoutEnd(encodeRecord(n, record)));
      for (let at = 0; at < line.length; at += 1) {
        const right = line[at]!;
        for (let byte = 0; byte < 256; byte += 1) {
          if (byte === right) continue;
          line[at] = byte;
          // No `expect`: it is too slow for 200,000 cases.
          if (isAccepted(line, n)) expect.fail(`byte ${at} changed to ${byte} in ${text(line)}`);
        }
        line[at] = right;
      }
    }
  });

  test('is rejected when bytes are missing at its start, end or middle', () => {
    for (const [, n, record] of GOLDEN) {
      const line = Buffer.from(withoutEnd(encodeRecord(n, record)));
      for (let at = 0; at < line.length; at += 1) {
        expect(isAccepted(line.subarray(0, at), n)).toBe(false);
        expect(isAccepted(line.subarray(at + 1), n)).toBe(false);
        expect(isAccepted(Buffer.concat([line.subarray(0, at), line.subarray(at + 1)]), n)).toBe(
          false,
        );
      }
    }
  });

  test.each([
    ['empty', ''],
    ['JSON without a checksum', '{"n":1,"type":"finished","agency":1}'],
    ['a checksum alone', ',"check":"00000000"'],
    [
      'a checksum in capitals',
      text(withoutEnd(sealLine('{"n":1,"type":"x"'))).replace(/[0-9a-f]{8}"\}$/, hexits =>
        hexits.toUpperCase().replace('"}', '"}').replaceAll(/\d/g, 'A'),
      ),
    ],
    [
      'followed by a byte after the checksum',
      `${text(withoutEnd(sealLine('{"n":1,"type":"finished"')))} `,
    ],
  ])('has no checksum when it is %s', (_, line) => {
    expect(() => decodeRecord(Buffer.from(line), 1)).toThrow('the line has no checksum');
  });

  test('is rejected with a valid checksum over no JSON or no record', () => {
    for (const body of ['', '{', '{"n":1', 'x', '[1', 'null', '"n"']) {
      expect(isAccepted(withoutEnd(sealLine(body)), 2)).toBe(false);
    }
  });
});

function isAccepted(line: Uint8Array, n: number): boolean {
  try {
    decodeRecord(line, n);
    return true;
  } catch {
    return false;
  }
}
