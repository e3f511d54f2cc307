import { describe, expect, test } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../../src/wire/message.ts';

/**
 * The bytes of the base protocol (protocol page, section 1), written by hand from the page: another program's bytes
 * have to be these, and ours too. Each line is a field and what it says.
 */

type Field = readonly [hex: string, says: string];

const hexOf = (fields: readonly Field[]): string => fields.map(([hex]) => hex.replaceAll(' ', '')).join('');
const bytesOf = (fields: readonly Field[]): Uint8Array => Buffer.from(hexOf(fields), 'hex');
const hex = (...frames: readonly Uint8Array[]): string => Buffer.concat(frames).toString('hex');

const CONN: readonly Field[] = [
  ['434f4e4e', 'CONN'],
  ['00000001', '1 byte'],
  ['31', '1'],
];

const CONN_LARGEST: readonly Field[] = [
  ['434f4e4e', 'CONN'],
  ['00000005', '5 bytes'],
  ['3635353335', '65535'],
];

const BET: readonly Field[] = [
  ['42455400', 'BET, padded'],
  ['0000002e', '46 bytes'],
  ['53616e746961676f204c696f6e656c', 'Santiago Lionel'],
  ['7c', '|'],
  ['4c6f726361', 'Lorca'],
  ['7c', '|'],
  ['3330393034343635', '30904465'],
  ['7c', '|'],
  ['313939392d30332d3137', '1999-03-17'],
  ['7c', '|'],
  ['37353734', '7574'],
];

const NBET: readonly Field[] = [
  ['4e424554', 'NBET'],
  ['00000030', '48 bytes'],
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

const NBET_OF_TWO: readonly Field[] = [
  ['4e424554', 'NBET'],
  ['0000003b', '59 bytes'],
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

const NBET_EMPTY: readonly Field[] = [
  ['4e424554', 'NBET'],
  ['00000002', '2 bytes'],
  ['30', '0 bets'],
  ['7c', '|'],
];

const END: readonly Field[] = [['454e4400', 'END, padded']];
const GWIN: readonly Field[] = [['4757494e', 'GWIN']];
const OK: readonly Field[] = [['4f4b0000', 'OK, padded']];
const NOK: readonly Field[] = [['4e4f4b00', 'NOK, padded']];
const NEND: readonly Field[] = [['4e454e44', 'NEND']];

const RWIN: readonly Field[] = [
  ['5257494e', 'RWIN'],
  ['00000013', '19 bytes'],
  ['32', '2 winners'],
  ['7c', '|'],
  ['3330393034343635', '30904465'],
  ['7c', '|'],
  ['3330383736333730', '30876370'],
];

const RWIN_NONE: readonly Field[] = [
  ['5257494e', 'RWIN'],
  ['00000002', '2 bytes'],
  ['30', '0 winners'],
  ['7c', '| all the same'],
];

const RWIN_NONE_SHORT: readonly Field[] = [
  ['5257494e', 'RWIN'],
  ['00000001', '1 byte'],
  ['30', '0 winners'],
];

const dialect = createBaseDialect(new PlainBetReader());

describe('the lines of the protocol page are those above', () => {
  test.each([
    ['CONN', CONN, '434f4e4e 00000001 31'],
    [
      'NBET',
      NBET,
      '4e424554 00000030 317c53616e746961676f204c696f6e656c7c4c6f7263617c33303930343436357c313939392d30332d31377c37353734',
    ],
    ['RWIN', RWIN, '5257494e 00000013 327c33303930343436357c3330383736333730'],
  ])('%s', (_, fields, line) => {
    expect(hexOf(fields)).toBe(line.replaceAll(' ', ''));
  });

  test.each([
    ['CONN', CONN],
    ['CONN of the largest agency', CONN_LARGEST],
    ['BET', BET],
    ['NBET', NBET],
    ['NBET of two bets', NBET_OF_TWO],
    ['NBET of none', NBET_EMPTY],
    ['RWIN', RWIN],
    ['RWIN of none', RWIN_NONE],
    ['RWIN of none, short', RWIN_NONE_SHORT],
  ])('and the length of %s is that of its payload', (_, fields) => {
    const bytes = Buffer.from(bytesOf(fields));
    expect(bytes.readUInt32BE(4)).toBe(bytes.length - 8);
  });
});

describe('the agency says', () => {
  const lorca = fieldsOf(['Santiago Lionel', 'Lorca', '30904465', '1999-03-17', '7574']);

  test('CONN with its id', () => {
    const agency = dialect.agency(DEFAULT_LIMITS, 1);
    expect(hex(agency.identify())).toBe(hexOf(CONN));
    expect(hex(dialect.agency(DEFAULT_LIMITS, 65_535).identify())).toBe(hexOf(CONN_LARGEST));
  });

  test('BET with a single bet', () => {
    const { batch } = dialect.agency(DEFAULT_LIMITS, 1);
    batch.add(lorca);
    expect(hex(batch.takeSingle())).toBe(hexOf(BET));
  });

  test('NBET with a batch', () => {
    const { batch } = dialect.agency(DEFAULT_LIMITS, 1);
    batch.add(lorca);
    expect(hex(batch.take())).toBe(hexOf(NBET));
    batch.add(fieldsOf(['Íñigo', 'Pa", z', '007', '2000-02-29', '042']));
    batch.add(fieldsOf(['Ana', '😀', '9', '0001-01-01', '0']));
    expect(hex(batch.take())).toBe(hexOf(NBET_OF_TWO));
    expect(hex(batch.take())).toBe(hexOf(NBET_EMPTY));
  });

  test('END when it has sent everything', () => {
    expect(hex(dialect.agency(DEFAULT_LIMITS, 1).finish())).toBe(hexOf(END));
  });

  test('GWIN to ask who won', () => {
    expect(hex(dialect.agency(DEFAULT_LIMITS, 1).askWinners())).toBe(hexOf(GWIN));
  });
});

describe('the central hears', () => {
  test.each<[string, readonly Field[], ClientMessage]>([
    ['CONN', CONN, { kind: 'identify', agency: 1 }],
    ['CONN of the largest agency', CONN_LARGEST, { kind: 'identify', agency: 65_535 }],
    ['END', END, { kind: 'finish' }],
    ['GWIN', GWIN, { kind: 'ask-winners' }],
  ])('%s', (_, fields, message) => {
    const central = dialect.central(DEFAULT_LIMITS);
    central.push(bytesOf(fields));
    expect(central.next()).toEqual(message);
    expect(central.next()).toBeUndefined();
    expect(central.pending).toBe(false);
  });

  const ROW_OF_LORCA = '5,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n';

  test.each([
    ['BET', BET, 'bet', 1, ROW_OF_LORCA],
    ['NBET', NBET, 'batch', 1, ROW_OF_LORCA],
    [
      'NBET of two bets',
      NBET_OF_TWO,
      'batch',
      2,
      '5,Íñigo,"Pa"", z",007,2000-02-29,42\r\n5,Ana,😀,9,0001-01-01,0\r\n',
    ],
    ['NBET of none', NBET_EMPTY, 'batch', 0, ''],
  ])('%s, and makes rows of it', (_, fields, kind, count, rows) => {
    const central = dialect.central(DEFAULT_LIMITS);
    central.push(bytesOf(fields));
    const message = central.next();
    if (message === undefined || !('payload' in message)) return expect.fail(`heard ${message?.kind}`);
    expect(message.kind).toBe(kind);
    const batch = central.readBets(message, 5);
    if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
    expect([batch.agency, batch.count, Buffer.from(batch.rows).toString()]).toEqual([5, count, rows]);
    expect(central.next()).toBeUndefined();
    expect(central.pending).toBe(false);
  });
});

describe('the central says and the agency hears', () => {
  test.each<[string, readonly Field[], ServerMessage]>([
    ['OK', OK, { kind: 'accepted' }],
    ['NEND', NEND, { kind: 'not-drawn' }],
    ['RWIN', RWIN, { kind: 'winners', documents: ['30904465', '30876370'] }],
    ['RWIN of none', RWIN_NONE, { kind: 'winners', documents: [] }],
  ])('%s', (_, fields, message) => {
    expect(hex(...dialect.central(DEFAULT_LIMITS).encode(message))).toBe(hexOf(fields));
    const agency = dialect.agency(DEFAULT_LIMITS, 1);
    agency.push(bytesOf(fields));
    expect(agency.next()).toEqual(message);
    expect(agency.next()).toBeUndefined();
    expect(agency.pending).toBe(false);
  });

  test('NOK, which has no room for a reason', () => {
    const refusal = { code: 'invalid-bet', detail: 'document of bet 3, not-digits' } as const;
    expect(hex(...dialect.central(DEFAULT_LIMITS).encode({ kind: 'refused', refusal }))).toBe(hexOf(NOK));
    const agency = dialect.agency(DEFAULT_LIMITS, 1);
    agency.push(bytesOf(NOK));
    expect(agency.next()).toEqual({ kind: 'refused' });
    expect(agency.pending).toBe(false);
  });

  test('RWIN of none in the short form of other servers', () => {
    const agency = dialect.agency(DEFAULT_LIMITS, 1);
    agency.push(bytesOf(RWIN_NONE_SHORT));
    expect(agency.next()).toEqual({ kind: 'winners', documents: [] });
  });
});
