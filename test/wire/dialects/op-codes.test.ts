import { fc, test } from '@fast-check/vitest';
import { afterEach, describe, expect, vi } from 'vitest';
import type { BatchFault, BetBatch } from '../../../src/lottery/bet-batch.ts';
import { ByteQueue } from '../../../src/wire/byte-queue.ts';
import type { AgencyCodec, CentralCodec } from '../../../src/wire/dialect.ts';
import { createOpCodesDialect } from '../../../src/wire/dialects/op-codes.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../../../src/wire/message.ts';
import { rowsOf, textsOf, validBet } from '../../lottery/bets.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, plain, streams } from '../streams.ts';
import { answerOf, batchOf, betOf, hexBytes, LORCA, LORCA_OF_1, winnersOf } from './op-codes-bytes.ts';

const dialect = createOpCodesDialect();

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);
const newAgency = (limits = DEFAULT_LIMITS, id = 1): AgencyCodec => dialect.agency(limits, id);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('what the central hears', () => {
  const agency = fc.integer({ min: 1, max: 255 });
  /** Lengths are what counts: what the texts hold is another matter. */
  const text = fc.uint8Array({ maxLength: 40 });
  const bet = fc.tuple(text, text, text, text, fc.nat(65_535).map(String));
  const said: fc.Arbitrary<ClientMessage> = fc.oneof(
    fc.tuple(agency, fc.array(bet, { minLength: 1, maxLength: 12 })).map(([id, bets]): ClientMessage => {
      const payload = batchOf(bets.map(fields => betOf(id, fields))).subarray(1);
      return { kind: 'batch', payload, agency: id };
    }),
    fc.constant<ClientMessage>({ kind: 'empty-batch' }),
    fc.record({ kind: fc.constantFrom('finish' as const, 'ask-winners'), agency }),
  );

  function bytesOf(message: ClientMessage): Buffer {
    switch (message.kind) {
      case 'batch':
        return Buffer.concat([Uint8Array.of(3), message.payload]);
      case 'empty-batch':
        return batchOf([]);
      case 'finish':
        return Buffer.of(4, message.agency!, 0);
      case 'ask-winners':
        return Buffer.of(4, message.agency!, 1);
      default:
        throw new Error(`op-codes has no ${message.kind}`);
    }
  }

  test.prop([streams(said, bytesOf, places)], { numRuns: 500 })(
    'is what agencies said, however the stream is cut',
    ({ items, pieces }) => {
      const central = newCentral();
      expect(decodePieces(central, pieces, plain)).toEqual(items.map(plain));
      expect(central.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const stream = Buffer.concat([
      batchOf([betOf(7, LORCA), betOf(7, ['', '', '', '', '0'])]),
      batchOf([]),
      batchOf([betOf(7, LORCA)]),
      Buffer.of(4, 7, 0, 4, 7, 1),
    ]);
    const whole = decodePieces(newCentral(), [stream], plain);
    expect(whole.map(message => (message as ClientMessage).kind)).toEqual([
      'batch',
      'empty-batch',
      'batch',
      'finish',
      'ask-winners',
    ]);
    for (const pieces of everyCut(stream)) expect(decodePieces(newCentral(), pieces, plain)).toEqual(whole);
  });

  test('is found byte by byte without going over a batch again and again', () => {
    const lengthsRead = vi.spyOn(ByteQueue.prototype, 'u16At');
    const batch = batchOf(Array.from({ length: 200 }, () => betOf(1, ['a', 'b', '1', '2000-01-01', '1'])));
    const pieces = Array.from(batch, byte => Uint8Array.of(byte));
    expect(decodePieces(newCentral(), pieces, plain)).toHaveLength(1);
    expect(lengthsRead.mock.calls.length).toBeLessThan(5 * batch.length);
  });

  test('is not complete before its last byte', () => {
    const central = newCentral();
    central.push(batchOf([LORCA_OF_1]).subarray(0, -1));
    expect([central.next(), central.pending]).toEqual([undefined, true]);
    central.push(LORCA_OF_1.subarray(-1));
    expect([central.next()?.kind, central.pending]).toEqual(['batch', false]);
  });

  test('is read without the chunks that it began in', () => {
    const bytes = batchOf([LORCA_OF_1, LORCA_OF_1]);
    const chunk = Uint8Array.from(bytes.subarray(0, 70));
    const central = newCentral();
    central.push(chunk);
    expect(central.next()).toBeUndefined();
    chunk.fill(0xee);
    central.push(bytes.subarray(70));
    expect(plain(central.next()!)).toEqual(plain({ kind: 'batch', payload: bytes.subarray(1), agency: 1 }));
  });

  test.each([
    ['something that is no bet', '03 0001 02'],
    ['something else behind a bet', `03 0002 ${LORCA_OF_1.toString('hex')} 03`],
    ['a bet of agency 0', '03 0001 01 00'],
    ['bets of two agencies', `03 0002 ${LORCA_OF_1.toString('hex')} 01 02`],
    ['a notification of agency 0', '04 00 00'],
    ['a notification of another kind', '04 01 02'],
    ['a notification of the last kind', '04 01 ff'],
  ])('is malformed with %s, as soon as that is there', (_, hex) => {
    const bytes = hexBytes(hex);
    expect(codeOf(newCentral(), bytes)).toBe('malformed');
    expect(codeOf(newCentral(), bytes.subarray(0, -1))).toBe('taken');
  });

  test.each([0, 1, 2, 5, 6, 0x42, 0x4e, 0xff])('operation %i is not for the central', op => {
    expect(codeOf(newCentral(), batchOf([]), Uint8Array.of(op))).toBe('unknown-message');
  });

  test('a batch is taken up to 8192 bytes', () => {
    const named = (nameBytes: number): Buffer => betOf(1, ['x'.repeat(nameBytes), '', '', '', '0']);
    const rest = 3 + 12;
    expect(codeOf(newCentral(), batchOf([named(8192 - rest)]))).toBe('taken');
    expect(codeOf(newCentral(), batchOf([named(8193 - rest)]))).toBe('payload-too-large');
    const limits = { ...DEFAULT_LIMITS, payloadBytesMax: 1024 };
    expect(codeOf(newCentral(limits), batchOf([named(1032 - rest)]))).toBe('taken');
    expect(codeOf(newCentral(limits), batchOf([named(1033 - rest)]))).toBe('payload-too-large');
  });

  test.each([
    // Each bet has 12 bytes at least: 682 of them and the head are 8187.
    ['a number of bets', '03 02ab', '03 02aa'],
    ['the largest number of bets', '03 ffff', '03 02aa'],
    ['the length of a name', '03 0001 01 01 1ff2', '03 0001 01 01 1ff1'],
    ['the largest length', '03 0001 01 01 ffff', '03 0001 01 01 1ff1'],
    ['a length, with the bets that are to follow', '03 0002 01 01 1fe6', '03 0002 01 01 1fe5'],
    ['the length of a last name', '03 0001 01 01 0000 1ff2', '03 0001 01 01 0000 1ff1'],
    ['two lengths together', '03 0001 01 01 0001 78 1ff1', '03 0001 01 01 0001 78 1ff0'],
    ['the length of a document', '03 0001 01 01 0000 0000 1ff2', '03 0001 01 01 0000 0000 1ff1'],
    ['the length of a birthdate', '03 0001 01 01 0000 0000 0000 1ff2', '03 0001 01 01 0000 0000 0000 1ff1'],
  ])('a batch is too long by %s before anything more of it is there', (_, tooLong, longest) => {
    expect(codeOf(newCentral(), hexBytes(tooLong))).toBe('payload-too-large');
    const central = newCentral();
    central.push(hexBytes(longest));
    expect([central.next(), central.pending]).toEqual([undefined, true]);
  });
});

describe('the bets of a batch', () => {
  function read(batch: Uint8Array): BetBatch | BatchFault {
    const central = newCentral({ ...DEFAULT_LIMITS, payloadBytesMax: 1_000_000 });
    central.push(batch);
    const message = central.next();
    if (message?.kind !== 'batch') return expect.fail(`heard ${message?.kind}`);
    return central.readBets(message, message.agency!);
  }

  test.prop([fc.array(validBet, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 255 })])(
    'are rows of the agency, whatever its names hold',
    (bets, agency) => {
      const batch = read(batchOf(bets.map(bet => betOf(agency, textsOf(bet)))));
      if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
      expect([batch.agency, batch.count]).toEqual([agency, bets.length]);
      expect(Buffer.from(batch.rows).toString()).toBe(
        rowsOf(bets.map(bet => ({ ...bet, agency }))).toString(),
      );
    },
  );

  test.each([
    ['a name that is empty', 0, '', 'first_name', 'empty'],
    ['a name that is too long', 1, 'x'.repeat(256), 'last_name', 'too-long'],
    ['a line end in a name', 0, 'Ana\n', 'first_name', 'control-character'],
    ['a name that is not UTF-8', 1, Buffer.from('41c3', 'hex'), 'last_name', 'not-utf-8'],
    ['a document that is none', 2, '3090446x', 'document', 'not-digits'],
    ['a day that is none', 3, '2001-02-29', 'birthdate', 'not-a-date'],
    ['a number that is too large', 4, '10000', 'number', 'out-of-range'],
    ['the largest number', 4, '65535', 'number', 'out-of-range'],
  ])('are refused for %s, by the place of the bet', (_, field, content, name, reason) => {
    const bad = (LORCA as (Uint8Array | string)[]).with(field, content);
    const batch = batchOf([LORCA_OF_1, LORCA_OF_1, betOf(1, bad), LORCA_OF_1]);
    expect(read(batch)).toEqual({ count: 4, index: 2, field: name, reason });
    // The reader is as good as new.
    expect(read(batchOf([LORCA_OF_1]))).toMatchObject({ agency: 1, count: 1 });
  });

  test.each([
    ['0', '0'],
    ['9', '9'],
    ['9998', '9998'],
    ['9999', '9999'],
  ])('may be on the number %s', (number, text) => {
    const batch = read(batchOf([betOf(3, LORCA.with(4, number))]));
    if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
    expect(Buffer.from(batch.rows).toString()).toBe(
      `3,Santiago Lionel,Lorca,30904465,1999-03-17,${text}\r\n`,
    );
  });

  test('are not what they were when a length is too high or too low by one', () => {
    const batch = batchOf([LORCA_OF_1, LORCA_OF_1]);
    // The last letter of the name becomes the first byte of a length: 0x6c00.
    batch.writeUInt16BE(14, 5);
    expect(codeOf(newCentral(), batch)).toBe('payload-too-large');
    // The first byte of a length becomes a letter, and 0x054c the next length: more is waited for.
    batch.writeUInt16BE(16, 5);
    const central = newCentral();
    central.push(batch);
    expect([central.next(), central.pending]).toEqual([undefined, true]);
  });
});

describe('what the central answers', () => {
  const refusal = { code: 'invalid-bet', detail: 'bet 0, document, not-digits' } as const;
  const ERROR = answerOf(2, refusal.detail);
  const NOTHING = Buffer.alloc(0);

  test.each<[ServerMessage, ClientMessage['kind'] | undefined, Buffer]>([
    [{ kind: 'accepted', bets: 130 }, 'batch', answerOf(1)],
    [{ kind: 'accepted', bets: 0 }, 'empty-batch', answerOf(1)],
    [{ kind: 'accepted' }, 'finish', NOTHING],
    [{ kind: 'refused', refusal }, 'finish', NOTHING],
    [{ kind: 'bets-refused', refusal }, 'batch', ERROR],
    [{ kind: 'refused', refusal }, 'ask-winners', ERROR],
    [{ kind: 'refused', refusal }, undefined, ERROR],
    [{ kind: 'not-drawn' }, 'ask-winners', answerOf(3)],
    [
      { kind: 'winners', documents: ['007'] },
      'ask-winners',
      Buffer.concat([answerOf(4), winnersOf(['007'])]),
    ],
    [{ kind: 'still-here' }, undefined, NOTHING],
  ])('%j to %s', (reply, to, bytes) => {
    expect(Buffer.concat(newCentral().encode(reply, to)).toString('hex')).toBe(bytes.toString('hex'));
  });

  test('is two frames where the winners follow', () => {
    const frames = newCentral().encode({ kind: 'winners', documents: ['1'] }, 'ask-winners');
    expect(frames.map(frame => frame[0])).toEqual([2, 5]);
  });

  test('is no more winners than can be counted', () => {
    const documents = Array.from({ length: 65_535 }, (_, index) => String(index));
    const agency = newAgency();
    const stream = Buffer.concat(newCentral().encode({ kind: 'winners', documents }, 'ask-winners'));
    agency.push(stream);
    expect(agency.next()).toEqual({ kind: 'winners', documents });
    const tooMany: ServerMessage = { kind: 'winners', documents: [...documents, '1'] };
    expect(() => newCentral().encode(tooMany, 'ask-winners')).toThrow('malformed: 65536 winners');
  });

  test('is a short text, however long the detail of a refusal', () => {
    const reply: ServerMessage = {
      kind: 'refused',
      refusal: { code: 'storage', detail: 'ñ'.repeat(70_000) },
    };
    const agency = newAgency();
    agency.push(Buffer.concat(newCentral().encode(reply, 'batch')));
    const heard = agency.next();
    if (heard?.kind !== 'bets-refused') return expect.fail(`heard ${heard?.kind}`);
    expect(heard.refusal.detail).toBe('ñ'.repeat(500));
  });
});
