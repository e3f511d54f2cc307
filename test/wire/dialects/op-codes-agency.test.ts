import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { AgencyCodec, CentralCodec } from '../../../src/wire/dialect.ts';
import { createOpCodesDialect } from '../../../src/wire/dialects/op-codes.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ServerAnswer } from '../../../src/wire/message.ts';
import { document, rowsOf, textsOf, validBet } from '../../lottery/bets.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, plain, streams } from '../streams.ts';
import { answerOf, batchOf, betOf, hexBytes, LORCA, LORCA_OF_1, winnersOf } from './op-codes-bytes.ts';

const dialect = createOpCodesDialect();

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);
const newAgency = (limits = DEFAULT_LIMITS, id = 1): AgencyCodec => dialect.agency(limits, id);

describe('what an agency hears', () => {
  const answer: fc.Arbitrary<ServerAnswer> = fc.oneof(
    fc.constantFrom<ServerAnswer>({ kind: 'accepted' }, { kind: 'not-drawn' }),
    fc.constant<ServerAnswer>({
      kind: 'bets-refused',
      refusal: { code: 'invalid-bet', detail: 'no room for año' },
    }),
    fc.array(document, { maxLength: 20 }).map((documents): ServerAnswer => ({ kind: 'winners', documents })),
  );

  function bytesOf(message: ServerAnswer): Buffer {
    switch (message.kind) {
      case 'accepted':
        return answerOf(1, 'año');
      case 'bets-refused':
        return answerOf(2, message.refusal.detail);
      case 'not-drawn':
        return answerOf(3);
      case 'winners':
        return Buffer.concat([answerOf(4, 'x'.repeat(300)), winnersOf(message.documents)]);
      default:
        throw new Error(`op-codes has no ${message.kind}`);
    }
  }

  test.prop([streams(answer, bytesOf, places)], { numRuns: 500 })(
    'is what the central answered, however the stream is cut',
    ({ items, pieces }) => {
      const agency = newAgency();
      expect(decodePieces(agency, pieces, plain)).toEqual(items);
      expect(agency.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: ServerAnswer[] = [
      { kind: 'accepted' },
      { kind: 'not-drawn' },
      { kind: 'winners', documents: ['30904465', '', '007'] },
      { kind: 'winners', documents: [] },
      { kind: 'accepted' },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf)))) {
      expect(decodePieces(newAgency(), pieces, plain)).toEqual(conversation);
    }
  });

  test('is winners when both their messages are there, and not before', () => {
    const agency = newAgency();
    agency.push(answerOf(4));
    expect([agency.next(), agency.pending]).toEqual([undefined, true]);
    agency.push(winnersOf(['007']));
    expect([agency.next(), agency.pending]).toEqual([{ kind: 'winners', documents: ['007'] }, false]);
  });

  test('is winners also when no answer has announced them', () => {
    const agency = newAgency();
    agency.push(Buffer.concat([winnersOf(['007']), answerOf(3)]));
    expect(agency.next()).toEqual({ kind: 'winners', documents: ['007'] });
    expect(agency.next()).toEqual({ kind: 'not-drawn' });
  });

  test('is malformed when the winners that were announced do not come', () => {
    expect(codeOf(newAgency(), answerOf(4), answerOf(3))).toBe('malformed');
    expect(codeOf(newAgency(), answerOf(4), answerOf(4))).toBe('malformed');
  });

  test.each([0, 5, 255])('an answer with the code %i is malformed', code => {
    expect(codeOf(newAgency(), answerOf(code, 'x'))).toBe('malformed');
  });

  test.each([
    ['', 'an error in the batch'],
    ['\r\n', 'an error in the batch'],
    ['no\r\nroom|\x1b[31m', 'no room [31m'],
    ['x'.repeat(65_535), 'x'.repeat(500)],
  ])('is an error with words that are fit for the log', (text, detail) => {
    const agency = newAgency();
    agency.push(answerOf(2, text));
    expect(agency.next()).toEqual({ kind: 'bets-refused', refusal: { code: 'invalid-bet', detail } });
  });

  test('is winners up to the limit of a reply, and refused beyond as soon as that is certain', () => {
    const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 12 };
    expect(codeOf(newAgency(limits), winnersOf(['30904465']))).toBe('taken');
    expect(codeOf(newAgency(limits), hexBytes('05 0001 0009'))).toBe('payload-too-large');
    expect(codeOf(newAgency(limits), hexBytes('05 0002 0007'))).toBe('payload-too-large');
    expect(codeOf(newAgency(limits), hexBytes('05 ffff'))).toBe('payload-too-large');
  });

  test.each([0, 1, 3, 4, 6, 255])('operation %i is not for an agency', op => {
    expect(codeOf(newAgency(), answerOf(1), Uint8Array.of(op))).toBe('unknown-message');
  });
});

describe('what the agency says', () => {
  test.prop([fc.integer({ min: 1, max: 255 })])('the central reads', id => {
    const agency = newAgency(DEFAULT_LIMITS, id);
    expect(agency.identify()).toBeUndefined();
    const stream = Buffer.concat([agency.batch.take(), agency.finish(), agency.askWinners()]);
    expect(decodePieces(newCentral(), [stream], plain)).toEqual([
      { kind: 'empty-batch' },
      { kind: 'finish', agency: id },
      { kind: 'ask-winners', agency: id },
    ]);
  });

  test.each([0, 256, 65_535])('has no bytes for agency %i', id => {
    expect(() => newAgency(DEFAULT_LIMITS, id)).toThrow(RangeError);
    expect(() => newAgency(DEFAULT_LIMITS, id)).toThrow(`agencies from 1 to 255, and this is agency ${id}`);
  });

  const sendable = validBet.filter(({ number }) => number < 9998);
  const smallest = 1024;
  const limit = fc.oneof(fc.constant(8184), fc.integer({ min: smallest, max: 8184 }));

  test.prop([limit, fc.array(sendable, { maxLength: 80 }), fc.integer({ min: 1, max: 255 })], {
    numRuns: 200,
  })(
    'of bets are batches that the central stores, none longer than 8192 bytes, each as full as it can be',
    (payloadBytesMax, bets, id) => {
      const limits = { ...DEFAULT_LIMITS, payloadBytesMax };
      const { batch } = newAgency(limits, id);
      const central = newCentral(limits);
      const rows: string[] = [];
      let length = 3;
      const store = (): void => {
        const frame = batch.take();
        expect(frame.length).toBe(length);
        central.push(frame);
        const message = central.next();
        if (message?.kind !== 'batch') return expect.fail(`heard ${message?.kind}`);
        const read = central.readBets(message, id);
        if (!('rows' in read)) return expect.fail(`refused for ${read.reason}`);
        rows.push(Buffer.from(read.rows).toString());
      };
      for (const bet of bets) {
        const more = betOf(id, textsOf(bet)).length;
        const fits = length + more <= payloadBytesMax + 8;
        const fields = fieldsOf(textsOf(bet, 6));
        expect(batch.add(fields)).toBe(fits ? 'added' : 'full');
        if (!fits) {
          store();
          length = 3;
          expect(batch.add(fields)).toBe('added');
        }
        length += more;
      }
      if (batch.count > 0) store();
      expect(rows.join('')).toBe(rowsOf(bets.map(bet => ({ ...bet, agency: id }))).toString());
    },
  );

  test('of bets is a batch of exactly as many bytes as there may be, and never one more', () => {
    const limits = { ...DEFAULT_LIMITS, payloadBytesMax: smallest };
    const first = LORCA.with(0, 'x'.repeat(255)).with(1, 'y'.repeat(255));
    const second = LORCA.with(0, 'z'.repeat(255));
    const rest = smallest + 8 - batchOf([betOf(1, first), betOf(1, second)]).length;
    for (const [more, verdict] of [
      [0, 'added'],
      [1, 'full'],
    ] as const) {
      const { batch } = newAgency(limits);
      expect(batch.add(fieldsOf(first))).toBe('added');
      const longer = second.with(1, second[1]! + 'z'.repeat(rest + more));
      expect(batch.add(fieldsOf(longer))).toBe(verdict);
    }
  });

  test.each(['9998', '9999', '0000009998'])(
    'of a bet on %s, which the original server refuses, is a batch without any other',
    number => {
      const { batch } = newAgency();
      const alone = LORCA.with(4, number);
      expect(batch.add(fieldsOf(LORCA))).toBe('added');
      expect(batch.add(fieldsOf(alone))).toBe('full');
      expect(Buffer.from(batch.take()).equals(batchOf([LORCA_OF_1]))).toBe(true);
      expect(batch.add(fieldsOf(alone))).toBe('added');
      for (const next of [alone, LORCA]) expect(batch.add(fieldsOf(next))).toBe('full');
      expect(
        Buffer.from(batch.take()).equals(batchOf([betOf(1, alone.with(4, String(Number(number))))])),
      ).toBe(true);
      for (const next of [LORCA, LORCA]) expect(batch.add(fieldsOf(next))).toBe('added');
    },
  );

  test('of a single bet is a batch of one, with the value of the number', () => {
    const { batch } = newAgency();
    batch.add(fieldsOf(LORCA.with(4, '0000007574')));
    expect(batch.count).toBe(1);
    expect(Buffer.from(batch.takeSingle()).equals(batchOf([LORCA_OF_1]))).toBe(true);
    expect(batch.count).toBe(0);
  });

  test('stays as it is while the next batch is gathered', () => {
    const { batch } = newAgency();
    batch.add(fieldsOf(LORCA));
    const first = batch.take();
    batch.add(fieldsOf(['x', 'y', '1', '2000-01-01', '1']));
    batch.take();
    expect(Buffer.from(first).equals(batchOf([LORCA_OF_1]))).toBe(true);
  });

  test('is no more bets than can be counted', () => {
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 2_000_000 });
    const least = fieldsOf(['x', 'y', '1', '2000-01-01', '1']);
    for (let count = 0; count < 65_535; count += 1) batch.add(least);
    expect([batch.count, batch.add(least)]).toEqual([65_535, 'full']);
    expect(Buffer.from(batch.take()).readUInt16BE(1)).toBe(65_535);
  });

  test('has room for the longest bet there is in the least that can be configured', () => {
    const longest = ['x'.repeat(255), 'ñ'.repeat(127), '0123456789', '2000-02-29', '0000009997'];
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: smallest });
    expect(batch.add(fieldsOf(longest))).toBe('added');
    expect(() => newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: smallest - 1 })).toThrow(RangeError);
  });
});
