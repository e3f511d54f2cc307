import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { Bet } from '../../../src/lottery/bet.ts';
import type { AgencyCodec, CentralCodec } from '../../../src/wire/dialect.ts';
import { createPushCodesDialect } from '../../../src/wire/dialects/push-codes.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ServerAnswer } from '../../../src/wire/message.ts';
import { betWith, rowsOf, textsOf, validBet } from '../../lottery/bets.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, plain, streams } from '../streams.ts';
import { frameOf, packetOf, u16, u32 } from './packets.ts';

const dialect = createPushCodesDialect();

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);
const newAgency = (limits = DEFAULT_LIMITS, id = 1): AgencyCodec => dialect.agency(limits, id);

describe('what an agency hears', () => {
  const u32Document = fc.integer({ min: 0, max: 0xffffffff }).map(String);
  const answer = fc.oneof(
    fc.constantFrom<ServerAnswer>({ kind: 'accepted' }, { kind: 'refused' }),
    fc
      .array(u32Document, { maxLength: 20 })
      .map((documents): ServerAnswer => ({ kind: 'winners', documents })),
  );

  function bytesOf(message: ServerAnswer): Buffer {
    if (message.kind !== 'winners') return Buffer.from(message.kind === 'accepted' ? 'ACK' : 'ERR');
    const list = Buffer.concat(message.documents.map(document => u32(Number(document))));
    return Buffer.concat([u16(9001), frameOf(list)]);
  }

  test.prop([streams(answer, bytesOf, places)], { numRuns: 1000 })(
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
      { kind: 'winners', documents: ['30904465', '9001'] },
      { kind: 'refused' },
      { kind: 'winners', documents: [] },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf))))
      expect(decodePieces(newAgency(), pieces, plain)).toEqual(conversation);
  });

  test.each(['ACX', 'NAK', 'ack', 'HTT', '\0\0\0', '#(\0'])('%j is no answer', text => {
    expect(codeOf(newAgency(), Buffer.from(text, 'latin1'))).toBe('unknown-message');
  });

  test.each([1, 2, 3, 5, 65_535])('winners of %i bytes are malformed before they are there', length => {
    expect(codeOf(newAgency(), u16(9001), u16(length))).toBe('malformed');
  });

  test('winners are taken up to the limit of a reply, and refused beyond', () => {
    const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 8 };
    expect(codeOf(newAgency(limits), u16(9001), frameOf(Buffer.alloc(8)))).toBe('taken');
    expect(codeOf(newAgency(limits), u16(9001), u16(12))).toBe('payload-too-large');
  });
});

/** Whether the dialect has bytes for a bet, as the page says it. */
function isSendable({ firstName, lastName, document }: Bet): boolean {
  const areShort = [firstName, lastName].every(name => Array.from(name).length <= 30);
  return areShort && /^(?:0|[1-9]\d*)$/.test(document) && Number(document) < 2 ** 32;
}

describe('what one side encodes', () => {
  test.prop([fc.array(validBet, { maxLength: 12 }), fc.integer({ min: 1, max: 10 })])(
    'of a batch the central stores as rows',
    (bets, numberDigits) => {
      const { batch } = newAgency();
      const sendable = bets.filter(isSendable);
      for (const bet of bets) {
        const added = batch.add(fieldsOf(textsOf(bet, numberDigits)));
        expect(added === 'added').toBe(isSendable(bet));
      }
      expect(batch.count).toBe(sendable.length);
      const read = newCentral().readBets({ kind: 'batch', payload: batch.take().subarray(2) }, 5);
      if (!('rows' in read)) return expect.fail(`refused for ${read.reason}`);
      const rows = rowsOf(sendable.map((bet): Bet => ({ ...bet, agency: 5 }))).toString();
      expect({ ...read, rows: Buffer.from(read.rows).toString() }).toEqual({
        agency: 5,
        count: sendable.length,
        rows,
      });
    },
  );

  test.prop([fc.integer({ min: 1, max: 255 })])('of hello and notification the central hears', id => {
    const agency = newAgency(DEFAULT_LIMITS, id);
    expect(decodePieces(newCentral(), [agency.identify()!, agency.finish()], plain)).toEqual([
      { kind: 'identify', agency: id },
      { kind: 'finish' },
      { kind: 'await-winners' },
    ]);
  });

  test.prop([fc.array(fc.integer({ min: 0, max: 0xffffffff }).map(String), { maxLength: 300 })])(
    'of winners the agency hears',
    documents => {
      const frames = newCentral().encode({ kind: 'winners', documents }, 'await-winners');
      expect(decodePieces(newAgency(), frames, plain)).toEqual([{ kind: 'winners', documents }]);
    },
  );
});

describe('the agency', () => {
  test('has an id that fits into a byte', () => {
    expect(() => newAgency(DEFAULT_LIMITS, 256)).toThrow(RangeError);
    expect(newAgency(DEFAULT_LIMITS, 255).identify()).toEqual(Uint8Array.of(255));
  });

  test('never asks for the winners', () => {
    expect(() => newAgency().askWinners()).toThrow('no question');
  });
});

describe('the encoder of batches', () => {
  const bet = fieldsOf(textsOf(betWith()));

  test('is empty at first and after each frame, and a single bet is a batch of one', () => {
    const { batch } = newAgency();
    expect(batch.take()).toEqual(Uint8Array.of(0, 0));
    batch.add(bet);
    batch.add(bet);
    expect(batch.count).toBe(2);
    const two = batch.take();
    expect(batch.count).toBe(0);
    batch.add(bet);
    expect(Buffer.from(batch.takeSingle()).equals(frameOf(packetOf()))).toBe(true);
    expect(Buffer.from(two).equals(frameOf(Buffer.concat([packetOf(), packetOf()])))).toBe(true);
  });

  test('says a number by its value, without the zeros before it', () => {
    const { batch } = newAgency();
    expect(batch.add(fieldsOf(textsOf(betWith({ number: 7 }), 10)))).toBe('added');
    expect(Buffer.from(batch.take()).equals(frameOf(packetOf({ number: 7 })))).toBe(true);
  });

  test.each<[string, Partial<Bet>, object]>([
    [
      'name of 31 letters',
      { firstName: 'x'.repeat(31) },
      { field: 'first_name', reason: 'too-long-for-dialect' },
    ],
    [
      'name of 31 letters',
      { lastName: 'ñ'.repeat(31) },
      { field: 'last_name', reason: 'too-long-for-dialect' },
    ],
    [
      'document above 32 bits',
      { document: '4294967296' },
      { field: 'document', reason: 'out-of-range-for-dialect' },
    ],
    [
      'document with a zero before it',
      { document: '01' },
      { field: 'document', reason: 'out-of-range-for-dialect' },
    ],
    ['document of zeros', { document: '00' }, { field: 'document', reason: 'out-of-range-for-dialect' }],
  ])('has no bytes for a %s and is as if it had not been added', (_, values, unsendable) => {
    const { batch } = newAgency();
    batch.add(bet);
    expect(batch.add(fieldsOf(textsOf(betWith(values))))).toEqual(unsendable);
    expect(batch.count).toBe(1);
    expect(Buffer.from(batch.take()).equals(frameOf(packetOf()))).toBe(true);
  });

  test('counts the letters of a name, not its bytes', () => {
    const firstName = '😀'.repeat(30);
    const { batch } = newAgency();
    expect(batch.add(fieldsOf(textsOf(betWith({ firstName, document: '0' }))))).toBe('added');
    expect(Buffer.from(batch.take()).equals(frameOf(packetOf({ firstName, document: 0 })))).toBe(true);
  });

  test.prop(
    [
      fc.constantFrom(1024, 8184, 20_000),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })), {
        minLength: 20,
        maxLength: 600,
        size: 'max',
      }),
    ],
    { numRuns: 100 },
  )(
    'fills a frame to its last byte that is of use, never beyond 8192, and loses nothing',
    (payloadBytesMax, names) => {
      const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax });
      const frameBytesMax = Math.min(payloadBytesMax + 8, 8192);
      let waiting: Buffer[] = [];
      for (const [first, last] of names) {
        const firstName = 'x'.repeat(first);
        const lastName = 'y'.repeat(last);
        const packet = packetOf({ firstName, lastName });
        const fits = 2 + Buffer.concat([...waiting, packet]).length <= frameBytesMax;
        const fields = fieldsOf(textsOf(betWith({ firstName, lastName })));
        expect(batch.add(fields)).toBe(fits ? 'added' : 'full');
        if (!fits) {
          expect(Buffer.from(batch.take()).equals(frameOf(Buffer.concat(waiting)))).toBe(true);
          waiting = [];
          expect(batch.add(fields)).toBe('added');
        }
        waiting.push(packet);
      }
      expect(Buffer.from(batch.take()).equals(frameOf(Buffer.concat(waiting)))).toBe(true);
    },
  );

  test('is not made for payloads that have no room for the longest bet', () => {
    expect(() => newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 1000 })).toThrow(RangeError);
  });
});
