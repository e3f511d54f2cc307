import { describe, expect, test } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../../src/wire/message.ts';
import { REFUSAL_CODES, type RefusalCode } from '../../src/wire/refusal.ts';

/**
 * The bytes of the extension for resumable uploads (protocol page, section 2), written by hand from the page: another
 * program's bytes have to be these, and ours too. Each line is a field and what it says.
 */

type Field = readonly [hex: string, says: string];

const hexOf = (fields: readonly Field[]): string => fields.map(([hex]) => hex.replaceAll(' ', '')).join('');
const bytesOf = (fields: readonly Field[]): Uint8Array => Buffer.from(hexOf(fields), 'hex');
const hex = (...frames: readonly Uint8Array[]): string => Buffer.concat(frames).toString('hex');

const HELO: readonly Field[] = [
  ['48454c4f', 'HELO'],
  ['00000016', '22 bytes'],
  ['31', 'agency 1'],
  ['7c', '|'],
  ['3966383664303831 2e 4167 2d 31 5f 78', 'upload 9f86d081.Ag-1_x'],
  ['7c', '|'],
  ['62657473', 'bets: they are what is numbered'],
];

const HELO_SHORTEST: readonly Field[] = [
  ['48454c4f', 'HELO'],
  ['0000000c', '12 bytes'],
  ['3635353335', 'agency 65535'],
  ['7c', '|'],
  ['5a', 'upload Z'],
  ['7c', '|'],
  ['62657473', 'bets'],
];

/** As agencies sent it before bets were numbered. */
const HELO_OLD: readonly Field[] = [
  ['48454c4f', 'HELO'],
  ['00000011', '17 bytes'],
  ['31', 'agency 1'],
  ['7c', '|'],
  ['3966383664303831 2e 4167 2d 31 5f 78', 'upload 9f86d081.Ag-1_x'],
];

const WELC_NEW: readonly Field[] = [
  ['57454c43', 'WELC'],
  ['0000000b', '11 bytes'],
  ['31', 'bet 1 is expected'],
  ['7c', '|'],
  ['3634', '64 may be unanswered'],
  ['7c', '|'],
  ['38313834', '8184 bytes of payload at most'],
  ['7c', '|'],
  ['30', 'no bet was refused'],
];

const WELC_LATER: readonly Field[] = [
  ['57454c43', 'WELC'],
  ['00000010', '16 bytes'],
  ['31303030', 'bet 1000 is expected'],
  ['7c', '|'],
  ['3332', '32 may be unanswered'],
  ['7c', '|'],
  ['31303234', '1024 bytes of payload at most'],
  ['7c', '|'],
  ['313330', '130 of the bets below 1000 were refused'],
];

/** The answer to `HELO_OLD`. */
const WELC_OLD: readonly Field[] = [
  ['57454c43', 'WELC'],
  ['00000009', '9 bytes'],
  ['31', 'batch 1 is expected'],
  ['7c', '|'],
  ['3634', '64 may be unanswered'],
  ['7c', '|'],
  ['38313834', '8184 bytes of payload at most'],
];

const SBET: readonly Field[] = [
  ['53424554', 'SBET'],
  ['00000032', '50 bytes'],
  ['37', 'bet 7 is the first one'],
  ['7c', '|'],
  ['31', '1 bet'],
  ['7c', '|'],
  ['53616e746961676f204c696f6e656c', 'Santiago Lionel'],
  ['7c', '|'],
  ['4c6f726361', 'Lorca'],
  ['7c', '|'],
  ['3330393034343635', '30904465'],
  ['7c', '|'],
  ['313939392d30332d3137', '1999-03-17'],
  ['7c', '|'],
  ['37353734', '7574, and no delimiter behind it'],
];

const SBET_OF_TWO: readonly Field[] = [
  ['53424554', 'SBET'],
  ['0000004b', '75 bytes'],
  ['393939393939393939393939393939', 'bet 999999999999999 is the first one'],
  ['7c', '|'],
  ['32', '2 bets'],
  ['7c', '|'],
  ['c38d c3b1 69676f', 'Íñigo: two bytes for each of its first two letters'],
  ['7c', '|'],
  ['5061 22 2c 20 7a', 'Pa", z: CSV means nothing here'],
  ['7c', '|'],
  ['303037', '007: a document is text'],
  ['7c', '|'],
  ['323030302d30322d3239', '2000-02-29'],
  ['7c', '|'],
  ['303432', '042'],
  ['7c', '| also between two bets'],
  ['416e61', 'Ana'],
  ['7c', '|'],
  ['f09f9880', '😀'],
  ['7c', '|'],
  ['39', '9'],
  ['7c', '|'],
  ['303030312d30312d3031', '0001-01-01'],
  ['7c', '|'],
  ['30', '0'],
];

const SBET_EMPTY: readonly Field[] = [
  ['53424554', 'SBET'],
  ['00000004', '4 bytes'],
  ['31', 'number 1'],
  ['7c', '|'],
  ['30', '0 bets'],
  ['7c', '|'],
];

const DONE: readonly Field[] = [
  ['444f4e45', 'DONE'],
  ['00000008', '8 bytes'],
  ['313233', '123 batches'],
  ['7c', '|'],
  ['34353637', '4567 bets'],
];

const WAIT: readonly Field[] = [['57414954', 'WAIT']];
const ACTA_AFTER: readonly Field[] = [
  ['41435441', 'ACTA'],
  ['00000002', '2 bytes'],
  ['3132', '12'],
];
const ACTA: readonly Field[] = [
  ['41435441', 'ACTA'],
  ['00000007', '7 bytes'],
  ['32', '2'],
  ['7c', '|'],
  ['31', '1 upload'],
  ['7c', '|'],
  ['617c0a', 'the document'],
];
const DIGEST = '0123456789abcdef'.repeat(4);
const DIFF: readonly Field[] = [
  ['44494646', 'DIFF'],
  ['00000046', '70 bytes'],
  ['32', 'acta 2'],
  ['7c', '|'],
  ['393931', '991 bets'],
  ['7c', '|'],
  [Buffer.from(DIGEST).toString('hex'), 'SHA-256'],
];
const PING: readonly Field[] = [['50494e47', 'PING']];

const FAIL_INVALID_BET: readonly Field[] = [
  ['4641494c', 'FAIL'],
  ['00000029', '41 bytes'],
  ['696e76616c69642d626574', 'invalid-bet'],
  ['7c', '|'],
  ['30', '0: the upload goes on'],
  ['7c', '|'],
  ['3137', 'the batch whose first bet is 17'],
  ['7c', '|'],
  ['313239', 'the bet 129 of it, from 0'],
  ['7c', '|'],
  ['626972746864617465', 'birthdate'],
  ['7c', '|'],
  ['6e6f742d612d64617465', 'not-a-date'],
];

/** A final refusal: the length, the code, what is explained. */
const final = (length: string, code: string, says: string, detail: string): readonly Field[] => [
  ['4641494c', 'FAIL'],
  [length, 'length of the payload'],
  [code, says],
  ['7c', '|'],
  ['31', '1: the central closes'],
  ['7c', '|'],
  [detail, 'for a person'],
];

/** Every code once, with the detail `a b`. */
const FINAL: readonly (readonly [RefusalCode, readonly Field[]])[] = [
  ['not-identified', final('00000014', '6e6f742d6964656e746966696564', 'not-identified', '612062')],
  ['unknown-message', final('00000015', '756e6b6e6f776e2d6d657373616765', 'unknown-message', '612062')],
  ['malformed', final('0000000f', '6d616c666f726d6564', 'malformed', '612062')],
  [
    'payload-too-large',
    final('00000017', '7061796c6f61642d746f6f2d6c61726765', 'payload-too-large', '612062'),
  ],
  ['invalid-bet', final('00000011', '696e76616c69642d626574', 'invalid-bet', '612062')],
  ['sequence-gap', final('00000012', '73657175656e63652d676170', 'sequence-gap', '612062')],
  ['count-mismatch', final('00000014', '636f756e742d6d69736d61746368', 'count-mismatch', '612062')],
  ['upload-open', final('00000011', '75706c6f61642d6f70656e', 'upload-open', '612062')],
  ['upload-voided', final('00000013', '75706c6f61642d766f69646564', 'upload-voided', '612062')],
  ['agency-finished', final('00000015', '6167656e63792d66696e6973686564', 'agency-finished', '612062')],
  ['draw-closed', final('00000011', '647261772d636c6f736564', 'draw-closed', '612062')],
  ['unauthorized', final('00000012', '756e617574686f72697a6564', 'unauthorized', '612062')],
  ['busy', final('0000000a', '62757379', 'busy', '612062')],
  ['closing', final('0000000d', '636c6f73696e67', 'closing', '612062')],
  ['storage', final('0000000d', '73746f72616765', 'storage', '612062')],
];

const dialect = createResumableDialect(new PlainBetReader());

/** The central's half for a peer that has shown that it knows the extension. */
function centralOfKnowing() {
  const central = dialect.central(DEFAULT_LIMITS);
  central.push(bytesOf(HELO));
  central.next();
  return central;
}

test.each<readonly [string, readonly Field[]]>([
  ['HELO', HELO],
  ['HELO of the largest agency', HELO_SHORTEST],
  ['HELO of an older agency', HELO_OLD],
  ['WELC', WELC_NEW],
  ['WELC of a known upload', WELC_LATER],
  ['WELC for an older agency', WELC_OLD],
  ['SBET', SBET],
  ['SBET of two bets', SBET_OF_TWO],
  ['SBET of none', SBET_EMPTY],
  ['DONE', DONE],
  ['FAIL for a batch', FAIL_INVALID_BET],
  ...FINAL,
])('the length that is written here for %s is that of its payload', (_, fields) => {
  const bytes = Buffer.from(bytesOf(fields));
  expect(bytes.readUInt32BE(4)).toBe(bytes.length - 8);
});

test('every code of a refusal is written here', () => {
  expect(FINAL.map(([code]) => code)).toEqual(REFUSAL_CODES);
});

describe('the agency says', () => {
  const agency = dialect.agency(DEFAULT_LIMITS, 1);

  test('HELO with its id, its upload, and that it numbers bets', () => {
    expect(hex(agency.resume('9f86d081.Ag-1_x'))).toBe(hexOf(HELO));
    expect(hex(dialect.agency(DEFAULT_LIMITS, 65_535).resume('Z'))).toBe(hexOf(HELO_SHORTEST));
  });

  test('SBET with a numbered batch', () => {
    const { batch } = agency;
    batch.add(fieldsOf(['Santiago Lionel', 'Lorca', '30904465', '1999-03-17', '7574']));
    expect(hex(batch.takeNumbered(7))).toBe(hexOf(SBET));
    batch.add(fieldsOf(['Íñigo', 'Pa", z', '007', '2000-02-29', '042']));
    batch.add(fieldsOf(['Ana', '😀', '9', '0001-01-01', '0']));
    expect(hex(batch.takeNumbered(999_999_999_999_999))).toBe(hexOf(SBET_OF_TWO));
    expect(hex(batch.takeNumbered(1))).toBe(hexOf(SBET_EMPTY));
  });

  test('DONE with its own count', () => {
    expect(hex(agency.uploadDone(123, 4567))).toBe(hexOf(DONE));
  });

  test('ACTA to be told the next acta or the winners, DIFF to dispute one', () => {
    expect(hex(agency.awaitWinners(12))).toBe(hexOf(ACTA_AFTER));
    expect(hex(agency.disputeActa(2, 991, DIGEST))).toBe(hexOf(DIFF));
  });

  test('and what the base protocol has, as there: CONN, END, GWIN', () => {
    expect(hex(agency.identify()!)).toBe('434f4e4e0000000131');
    expect(hex(agency.finish())).toBe('454e4400');
    expect(hex(agency.askWinners())).toBe('4757494e');
  });
});

describe('the central hears', () => {
  test.each<[string, readonly Field[], ClientMessage]>([
    ['HELO', HELO, { kind: 'resume', agency: 1, upload: '9f86d081.Ag-1_x', countsBets: true }],
    [
      'HELO of the largest agency',
      HELO_SHORTEST,
      { kind: 'resume', agency: 65_535, upload: 'Z', countsBets: true },
    ],
    [
      'HELO of an older agency',
      HELO_OLD,
      { kind: 'resume', agency: 1, upload: '9f86d081.Ag-1_x', countsBets: false },
    ],
    ['DONE', DONE, { kind: 'upload-done', batches: 123, bets: 4567 }],
    ['WAIT', WAIT, { kind: 'await-winners' }],
    ['ACTA', ACTA_AFTER, { kind: 'await-winners', acta: 12 }],
    ['DIFF', DIFF, { kind: 'dispute-acta', acta: 2, bets: 991, sha256: DIGEST }],
  ])('%s', (_, fields, message) => {
    const central = dialect.central(DEFAULT_LIMITS);
    central.push(bytesOf(fields));
    expect(central.next()).toEqual(message);
    expect(central.next()).toBeUndefined();
    expect(central.pending).toBe(false);
  });

  test.each([
    ['SBET', SBET, 7, 1, '5,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n'],
    [
      'SBET of two bets',
      SBET_OF_TWO,
      999_999_999_999_999,
      2,
      '5,Íñigo,"Pa"", z",007,2000-02-29,42\r\n5,Ana,😀,9,0001-01-01,0\r\n',
    ],
    ['SBET of none', SBET_EMPTY, 1, 0, ''],
  ])('%s, and makes rows of it', (_, fields, seq, count, rows) => {
    const central = dialect.central(DEFAULT_LIMITS);
    central.push(bytesOf(fields));
    const message = central.next();
    if (message?.kind !== 'numbered-batch') return expect.fail(`heard ${message?.kind}`);
    expect(message.seq).toBe(seq);
    const batch = central.readBets(message, 5);
    if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
    expect([batch.agency, batch.count, Buffer.from(batch.rows).toString()]).toEqual([5, count, rows]);
    expect(central.next()).toBeUndefined();
    expect(central.pending).toBe(false);
  });
});

describe('the central says and the agency hears', () => {
  /** `heard` is what the agency makes of it, where that is less than what was said. */
  function expectBoth(fields: readonly Field[], said: ServerMessage, heard: ServerAnswer = said): void {
    expect(hex(...centralOfKnowing().encode(said))).toBe(hexOf(fields));
    const agency = dialect.agency(DEFAULT_LIMITS, 1);
    agency.push(bytesOf(fields));
    expect(agency.next()).toEqual(heard);
    expect(agency.next()).toBeUndefined();
    expect(agency.pending).toBe(false);
  }

  test('WELC', () => {
    expectBoth(WELC_NEW, { kind: 'welcome', next: 1, window: 64, payloadBytesMax: 8184, refusedBets: 0 });
    expectBoth(WELC_LATER, {
      kind: 'welcome',
      next: 1000,
      window: 32,
      payloadBytesMax: 1024,
      refusedBets: 130,
    });
  });

  test('WELC without the refused bets to an older agency', () => {
    const said: ServerMessage = { kind: 'welcome', next: 1, window: 64, payloadBytesMax: 8184 };
    expect(hex(...centralOfKnowing().encode(said))).toBe(hexOf(WELC_OLD));
  });

  test('ACTA', () => {
    expectBoth(ACTA, { kind: 'acta', number: 2, uploads: 1, text: 'a|\n' });
  });

  test('PING', () => {
    expectBoth(PING, { kind: 'still-here' });
  });

  test('FAIL for one batch: its number, which bet, which field, why', () => {
    const fault = { index: 129, field: 'birthdate', reason: 'not-a-date' } as const;
    expectBoth(
      FAIL_INVALID_BET,
      { kind: 'batch-refused', seq: 17, fault: { ...fault, count: 130 } },
      { kind: 'batch-refused', seq: 17, fault },
    );
  });

  test.each(FINAL)('FAIL %s', (code, fields) => {
    expectBoth(fields, { kind: 'refused', refusal: { code, detail: 'a b' } });
  });
});
