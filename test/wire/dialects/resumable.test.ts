import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { PlainBetReader } from '../../../src/kernel/plain-bet-reader.ts';
import type { CentralCodec } from '../../../src/wire/dialect.ts';
import { createResumableDialect } from '../../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../../../src/wire/message.ts';
import { REFUSAL_CODES } from '../../../src/wire/refusal.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, frameOf, plain, streams } from '../streams.ts';

const dialect = createResumableDialect(new PlainBetReader());

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);

const SEQ_MAX = 999_999_999_999_999;

const ofCharacters = (characters: string) => fc.constantFrom(...Array.from(characters));
const agencyId = fc.integer({ min: 1, max: 65_535 });
const uploadName = fc.string({
  unit: ofCharacters('ABYZabyz0189._-'),
  minLength: 1,
  maxLength: 64,
});
const seq = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: SEQ_MAX }));
const amount = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: SEQ_MAX }));

/** What this dialect has bytes for. */
type Said = Exclude<ClientMessage, { kind: 'empty-batch' }>;

describe('what the central hears', () => {
  const said: fc.Arbitrary<Said> = fc.oneof(
    fc.record({
      kind: fc.constant('resume' as const),
      agency: agencyId,
      upload: uploadName,
      countsBets: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('numbered-batch' as const),
      seq,
      payload: fc.uint8Array({ maxLength: 300 }),
    }),
    fc.record({ kind: fc.constant('upload-done' as const), batches: amount, bets: amount }),
    fc.constant({ kind: 'await-winners' as const }),
    fc.nat(1000).map(acta => ({ kind: 'await-winners' as const, acta })),
    fc.record({
      kind: fc.constant('dispute-acta' as const),
      acta: fc.nat(1000),
      bets: fc.nat(100_000),
      sha256: fc.constantFrom('0'.repeat(64), '0123456789abcdef'.repeat(4)),
    }),
    // What the base protocol has is understood in the same stream.
    agencyId.map(agency => ({ kind: 'identify' as const, agency })),
    fc.uint8Array({ maxLength: 40 }).map(payload => ({ kind: 'bet' as const, payload })),
    fc.uint8Array({ maxLength: 300 }).map(payload => ({ kind: 'batch' as const, payload })),
    fc.constantFrom({ kind: 'finish' as const }, { kind: 'ask-winners' as const }),
  );

  function bytesOf(message: Said): Buffer {
    switch (message.kind) {
      case 'resume':
        return frameOf('HELO', `${message.agency}|${message.upload}${message.countsBets ? '|bets' : ''}`);
      case 'numbered-batch':
        return frameOf('SBET', Buffer.concat([Buffer.from(`${message.seq}|`), message.payload]));
      case 'upload-done':
        return frameOf('DONE', `${message.batches}|${message.bets}`);
      case 'await-winners':
        return message.acta === undefined ? Buffer.from('WAIT') : frameOf('ACTA', String(message.acta));
      case 'dispute-acta':
        return frameOf('DIFF', `${message.acta}|${message.bets}|${message.sha256}`);
      case 'identify':
        return frameOf('CONN', String(message.agency));
      case 'bet':
        return frameOf('BET', message.payload);
      case 'batch':
        return frameOf('NBET', message.payload);
      case 'finish':
        return frameOf('END');
      case 'ask-winners':
        return frameOf('GWIN');
    }
  }

  test.prop([streams(said, bytesOf, places)], { numRuns: 1000 })(
    'is what agencies said, however the stream is cut',
    ({ items, pieces }) => {
      const central = newCentral();
      expect(decodePieces(central, pieces, plain)).toEqual(items.map(plain));
      expect(central.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: Said[] = [
      { kind: 'resume', agency: 42, upload: '9f86d081.Ag-1_x', countsBets: true },
      { kind: 'numbered-batch', seq: 1, payload: Buffer.from('1|Ñ|x|1|2000-01-01|7') },
      { kind: 'batch', payload: Buffer.from('0|') },
      { kind: 'numbered-batch', seq: 20, payload: Buffer.from('WAIT|DONE') },
      { kind: 'upload-done', batches: 20, bets: 1 },
      { kind: 'finish' },
      { kind: 'await-winners' },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf)))) {
      expect(decodePieces(newCentral(), pieces, plain)).toEqual(conversation.map(plain));
    }
  });

  test.each([
    '',
    '|',
    '1',
    '1|',
    '|u',
    '0|u',
    '65536|u',
    '-1|u',
    'uno|u',
    ' 1|u',
    '1 |u',
    '1.0|u',
    '00000000001|u',
    '1|u|x',
    '1|u|bet',
    '1|u|Bets',
    '1|u| bets',
    '1|u|bets|',
    '1|u|bets|bets',
    '1||bets',
    '1||u',
    '1|u u',
    '1|ñ',
    '1|u\n',
    '1|u\0',
    '1|a/b',
    '1|a:b',
    '1|a+b',
    '1|"u"',
    '１|u',
    `1|${'u'.repeat(65)}`,
  ])('HELO %j is malformed', payload => {
    expect(codeOf(newCentral(), frameOf('HELO', payload))).toBe('malformed');
  });

  test('HELO is taken with the longest id and the longest upload', () => {
    const central = newCentral();
    const upload = 'u'.repeat(64);
    central.push(frameOf('HELO', `0000065535|${upload}|bets`));
    expect(central.next()).toEqual({ kind: 'resume', agency: 65_535, upload, countsBets: true });
  });

  test.each([
    '',
    '|',
    '1',
    '0|0|',
    '00|0|',
    '-1|0|',
    '+1|0|',
    'x|0|',
    ' 1|0|',
    '1 |0|',
    '1.0|0|',
    '0x1|0|',
    '|0|',
    '１|0|',
    '1000000000000000|0|',
    '1\n|0|',
  ])('SBET %j is malformed', payload => {
    expect(codeOf(newCentral(), frameOf('SBET', payload))).toBe('malformed');
  });

  test.each([
    '',
    '|',
    '1',
    '1|',
    '|1',
    '1|2|',
    '1|2|3',
    '-1|0',
    'x|0',
    '0|x',
    ' 1|0',
    '1|0 ',
    '1.0|0',
    '1|1e3',
    '0x1|0',
    '1000000000000000|0',
    '0|1000000000000000',
    '１|0',
    '1\n|0',
  ])('DONE %j is malformed', payload => {
    expect(codeOf(newCentral(), frameOf('DONE', payload))).toBe('malformed');
  });

  test('DONE is taken with nothing, and with the largest numbers', () => {
    for (const count of [0, SEQ_MAX]) {
      const central = newCentral();
      central.push(frameOf('DONE', `${count}|${count}`));
      expect(central.next()).toEqual({ kind: 'upload-done', batches: count, bets: count });
    }
  });

  test.each([
    // An id of 16 bytes as in CONN, a separator, 64 characters, a separator, `bets`.
    ['HELO', 86],
    ['SBET', 8184],
    ['DONE', 31],
  ])('%s is refused by its length when that is over %i, before anything of it is there', (type, longest) => {
    const header = (length: number): Buffer => {
      const bytes = frameOf(type, '');
      bytes.writeUInt32BE(length, 4);
      return bytes;
    };
    const waiting = newCentral();
    waiting.push(header(longest));
    expect(waiting.next()).toBeUndefined();
    expect(codeOf(newCentral(), header(longest + 1))).toBe('payload-too-large');
    expect(codeOf(newCentral(), header(0xffffffff))).toBe('payload-too-large');
  });

  test('SBET is taken up to the configured limit, its number included', () => {
    const limits = { ...DEFAULT_LIMITS, payloadBytesMax: 10 };
    expect(codeOf(newCentral(limits), frameOf('SBET', '12345|xxxx'))).toBe('taken');
    expect(codeOf(newCentral(limits), frameOf('SBET', '12345|xxxxx'))).toBe('payload-too-large');
  });

  test.each(['WELC', 'FAIL', 'PING', 'OK', 'RWIN', 'helo', 'SBET'.toLowerCase(), 'WAI', 'XXXX'])(
    '%j is not for the central',
    type => {
      expect(codeOf(newCentral(), frameOf('HELO', '1|u'), frameOf(type))).toBe('unknown-message');
    },
  );
});

describe('a refusal', () => {
  const REFUSED: ServerMessage = { kind: 'refused', refusal: { code: 'storage', detail: 'no room' } };
  const asText = (frames: readonly Uint8Array[]): string => Buffer.concat(frames).toString('latin1');
  const NOK = 'NOK\0';
  const FAIL = 'FAIL\0\0\0\x11storage|1|no room';

  test.each([
    ['nothing yet', []],
    ['CONN', [frameOf('CONN', '1')]],
    [
      'CONN, NBET, BET, END, GWIN',
      [frameOf('CONN', '1'), frameOf('NBET', '0|'), frameOf('BET', 'x'), frameOf('END'), frameOf('GWIN')],
    ],
    ['a malformed CONN', [frameOf('CONN', 'x')]],
    ['a type that does not exist', [frameOf('HELP', '1|u')]],
  ])('is NOK to a peer that has said %s', (_, said) => {
    const central = newCentral();
    codeOf(central, ...said);
    expect(asText(central.encode(REFUSED))).toBe(NOK);
  });

  test.each([
    ['HELO', frameOf('HELO', '1|u')],
    ['a malformed HELO', frameOf('HELO', 'x')],
    ['a HELO that is too long', frameOf('HELO', 'x'.repeat(87))],
    ['SBET', frameOf('SBET', '1|0|')],
    ['a malformed SBET', frameOf('SBET', '')],
    ['an SBET that is too long', frameOf('SBET', 'x'.repeat(8185))],
    ['DONE', frameOf('DONE', '0|0')],
    ['WAIT', frameOf('WAIT')],
  ])('is FAIL to a peer that has said %s, with CONN before it or not', (_, said) => {
    for (const before of [Buffer.alloc(0), frameOf('CONN', '1')]) {
      const central = newCentral();
      codeOf(central, before, said);
      expect(asText(central.encode(REFUSED))).toBe(FAIL);
    }
  });

  test('stays FAIL whatever the peer says later', () => {
    const central = newCentral();
    codeOf(central, frameOf('HELO', '1|u'), frameOf('GWIN'), frameOf('NBET', '0|'), frameOf('XXXX'));
    expect(asText(central.encode(REFUSED))).toBe(FAIL);
  });

  test.prop([
    fc.constantFrom(...REFUSAL_CODES),
    fc.string({ unit: ofCharacters('a|: ñ\0\n'), maxLength: 50 }),
  ])('has three fields, whatever its detail holds', (code, detail) => {
    const central = newCentral();
    codeOf(central, frameOf('WAIT'));
    const bytes = Buffer.concat(central.encode({ kind: 'refused', refusal: { code, detail } }));
    expect(bytes.readUInt32BE(4)).toBe(bytes.length - 8);
    const fields = bytes.subarray(8).toString().split('|');
    expect(fields).toEqual([code, '1', detail.replaceAll('|', '/')]);
  });

  test('with a detail of any length is one that the agency can read', () => {
    for (const length of [2000, 2048, 5000]) {
      const central = newCentral();
      codeOf(central, frameOf('WAIT'));
      const detail = 'ñ'.repeat(length);
      const agency = dialect.agency(DEFAULT_LIMITS, 1);
      agency.push(Buffer.concat(central.encode({ kind: 'refused', refusal: { code: 'storage', detail } })));
      const answer = agency.next();
      if (answer?.kind !== 'refused') return expect.fail(`heard ${answer?.kind}`);
      expect(answer.refusal?.code).toBe('storage');
      expect(answer.refusal?.detail.slice(0, 500)).toBe(detail.slice(0, 500));
    }
  });
});
