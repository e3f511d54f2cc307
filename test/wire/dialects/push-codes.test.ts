import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { BatchFault, BetBatch } from '../../../src/lottery/bet-batch.ts';
import type { CentralCodec } from '../../../src/wire/dialect.ts';
import { createPushCodesDialect } from '../../../src/wire/dialects/push-codes.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../../../src/wire/message.ts';
import { WireError } from '../../../src/wire/refusal.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, plain, streams } from '../streams.ts';
import { ALL_SENT, frameOf, HELLO, type Packet, packetOf, u16 } from './packets.ts';

const dialect = createPushCodesDialect();

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);

/** A central that knows who is speaking. */
function centralAfterHello(limits = DEFAULT_LIMITS): CentralCodec {
  const central = newCentral(limits);
  central.push(HELLO);
  expect(central.next()).toEqual({ kind: 'identify', agency: 1 });
  return central;
}

function read(payload: Uint8Array, agency = 1): BetBatch | BatchFault {
  return newCentral().readBets({ kind: 'batch', payload }, agency);
}

/** Rows of a batch as text, or what is wrong with it. */
function outcomeOf(payload: Uint8Array): string | BatchFault {
  const bets = read(payload);
  return 'rows' in bets ? Buffer.from(bets.rows).toString() : bets;
}

describe('what the central hears', () => {
  const FINISH: ClientMessage[] = [{ kind: 'finish' }, { kind: 'await-winners' }];
  /** Messages of one frame. */
  const said = fc.oneof(
    fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((payload): ClientMessage[] => [{ kind: 'batch', payload }]),
    fc.constantFrom<ClientMessage[]>([{ kind: 'empty-batch' }], FINISH),
  );

  function bytesOf([message]: readonly ClientMessage[]): Buffer {
    if (message?.kind === 'finish') return ALL_SENT;
    return frameOf(message?.kind === 'batch' ? message.payload : new Uint8Array(0));
  }

  test.prop([fc.integer({ min: 1, max: 255 }), streams(said, bytesOf, places)], { numRuns: 1000 })(
    'is what an agency said, however the stream is cut',
    (agency, { items, pieces }) => {
      const central = newCentral();
      expect(decodePieces(central, [Buffer.of(agency), ...pieces], plain)).toEqual([
        { kind: 'identify', agency },
        ...items.flat().map(plain),
      ]);
      expect(central.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: ClientMessage[][] = [
      [{ kind: 'batch', payload: packetOf() }],
      [{ kind: 'empty-batch' }],
      [{ kind: 'batch', payload: ALL_SENT }],
      FINISH,
    ];
    const stream = Buffer.concat([Buffer.of(42), ...conversation.map(bytesOf)]);
    for (const pieces of everyCut(stream)) {
      expect(decodePieces(newCentral(), pieces, plain)).toEqual([
        { kind: 'identify', agency: 42 },
        ...conversation.flat().map(plain),
      ]);
    }
  });

  test('is not pending between the two messages of one notification', () => {
    const central = centralAfterHello();
    central.push(ALL_SENT);
    expect(central.next()).toEqual({ kind: 'finish' });
    expect(central.pending).toBe(false);
    expect(central.next()).toEqual({ kind: 'await-winners' });
    expect(central.next()).toBeUndefined();
  });

  test('is no agency 0', () => {
    expect(codeOf(newCentral(), Buffer.of(0))).toBe('malformed');
  });

  test('is taken up to 8192 bytes with its length, and refused beyond before it is there', () => {
    expect(codeOf(newCentral(), HELLO, frameOf(Buffer.alloc(8190)))).toBe('taken');
    expect(codeOf(newCentral(), HELLO, u16(8191))).toBe('payload-too-large');
    expect(codeOf(newCentral(), HELLO, u16(8999))).toBe('payload-too-large');
    expect(codeOf(newCentral(), HELLO, u16(9001))).toBe('payload-too-large');
    expect(codeOf(newCentral(), HELLO, u16(0xffff))).toBe('payload-too-large');
    const limits = { ...DEFAULT_LIMITS, payloadBytesMax: 1024 };
    expect(codeOf(newCentral(limits), HELLO, u16(1030))).toBe('taken');
    expect(codeOf(newCentral(limits), HELLO, u16(1031))).toBe('payload-too-large');
  });

  test('is never a batch of 9000 bytes, whatever the limit', () => {
    const central = centralAfterHello({ ...DEFAULT_LIMITS, payloadBytesMax: 60_000 });
    central.push(Buffer.concat([u16(9000), frameOf(Buffer.alloc(9001))]));
    expect(central.next()).toEqual({ kind: 'finish' });
    expect(central.next()).toEqual({ kind: 'await-winners' });
    expect(central.next()).toMatchObject({ kind: 'batch', payload: { length: 9001 } });
  });
});

describe('what the central answers', () => {
  const refused: ServerMessage = {
    kind: 'refused',
    refusal: { code: 'invalid-bet', detail: 'bet 0, document, not-digits' },
  };
  const textOf = (frames: readonly Uint8Array[]): string => Buffer.concat(frames).toString('latin1');

  test('to a batch is ACK or ERR', () => {
    const central = centralAfterHello();
    for (const to of ['batch', 'empty-batch'] as const) {
      expect(textOf(central.encode({ kind: 'accepted' }, to))).toBe('ACK');
      expect(textOf(central.encode(refused, to))).toBe('ERR');
    }
  });

  test('to anything else is nothing', () => {
    const central = centralAfterHello();
    expect(central.encode({ kind: 'accepted' }, 'finish')).toEqual([]);
    for (const to of ['identify', 'finish', 'await-winners'] as const)
      expect(central.encode(refused, to)).toEqual([]);
    expect(central.encode({ kind: 'still-here' })).toEqual([]);
  });

  test('to bytes that are no message is ERR only where an answer is read: not before the hello, nor while winners are waited for', () => {
    const central = newCentral();
    expect(central.encode(refused)).toEqual([]);
    central.push(HELLO);
    central.next();
    expect(textOf(central.encode(refused))).toBe('ERR');
    central.push(ALL_SENT);
    central.next();
    expect(central.encode(refused)).toEqual([]);
    central.next();
    expect(central.encode(refused)).toEqual([]);
  });

  function codeOfWinners(documents: readonly string[]): string {
    try {
      newCentral().encode({ kind: 'winners', documents }, 'await-winners');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      for (const document of documents.filter(text => text !== ''))
        expect(error.message).not.toContain(document);
      return error.refusal.code;
    }
    return 'said';
  }

  test.each(['4294967296', '9999999999', '007', '00', '', '-1', '1.5', '1e3', 'x1'])(
    'is not the winner %j, which would be told wrongly',
    document => {
      expect(codeOfWinners(['30904465', document])).toBe('malformed');
    },
  );

  test.each(['0', '1', '4294967295'])('is the winner %j', document => {
    expect(codeOfWinners([document])).toBe('said');
  });

  test('is at most 65535 bytes of winners', () => {
    const documents = Array.from({ length: 16_384 }, (_, index) => String(100_000 + index));
    expect(codeOfWinners(documents.slice(1))).toBe('said');
    expect(codeOfWinners(documents)).toBe('malformed');
  });
});

describe('the bets of a batch', () => {
  const ROW = '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n';

  test('are as many as there are packets', () => {
    expect(outcomeOf(Buffer.alloc(0))).toBe('');
    expect(outcomeOf(Buffer.concat([packetOf(), packetOf()]))).toBe(ROW + ROW);
  });

  test('may have names of 255 bytes, which the original server would not take', () => {
    const firstName = 'x'.repeat(255);
    expect(outcomeOf(packetOf({ firstName }))).toBe(`1,${firstName},Lorca,30904465,1999-03-17,7574\r\n`);
  });

  test.each<[string, Partial<Packet>, object]>([
    ['name that is empty', { firstName: '' }, { field: 'first_name', reason: 'empty' }],
    ['name that is not UTF-8', { lastName: Buffer.of(0xc3) }, { field: 'last_name', reason: 'not-utf-8' }],
    ['name with a line end', { lastName: 'a\nb' }, { field: 'last_name', reason: 'control-character' }],
    ['date that is none', { birthdate: '1999-02-29' }, { field: 'birthdate', reason: 'not-a-date' }],
    ['number above 9999', { number: 10_000 }, { field: 'number', reason: 'out-of-range' }],
    ['number of 32 bits', { number: 0xffffffff }, { field: 'number', reason: 'out-of-range' }],
  ])('are refused for a %s', (_, values, fault) => {
    expect(outcomeOf(Buffer.concat([packetOf(), packetOf(values), packetOf()]))).toEqual({
      count: 3,
      index: 1,
      ...fault,
    });
  });

  test('are refused where a packet is cut off, wherever that is', () => {
    const two = Buffer.concat([packetOf(), packetOf()]);
    const one = packetOf().length;
    for (let length = one + 1; length < two.length; length += 1) {
      const fault = { count: 2, index: 1, field: 'batch', reason: 'too-few-fields' };
      expect(outcomeOf(two.subarray(0, length))).toEqual(fault);
    }
  });

  /** A packet with another byte at a place of it. */
  const lying = (at: number, value: number): Buffer => {
    const packet = packetOf();
    packet[at] = value;
    return packet;
  };

  test.each([
    ['packet one byte too short for its fields', lying(1, 0x27), 'too-few-fields'],
    ['packet without anything', u16(0), 'too-few-fields'],
    ['packet of names alone', frameOf(Buffer.of(1, 0x41, 1, 0x42)), 'too-few-fields'],
    ['packet longer than the batch', lying(0, 0xff), 'too-few-fields'],
    ['first name one byte longer than it is', lying(2, 0x10), 'too-few-fields'],
    ['first name longer than the packet', lying(2, 0xff), 'too-few-fields'],
    ['first name that ends with the packet', lying(2, 39), 'too-few-fields'],
    ['last name one byte longer than it is', lying(18, 6), 'too-few-fields'],
    ['last name longer than the packet', lying(18, 0xff), 'too-few-fields'],
    ['last name one byte shorter than it is', lying(18, 4), 'too-many-fields'],
    [
      'packet with a byte behind its fields',
      frameOf(Buffer.concat([packetOf().subarray(2), HELLO])),
      'too-many-fields',
    ],
  ])('are refused for a %s', (_, payload, reason) => {
    expect(outcomeOf(payload)).toMatchObject({ index: 0, field: 'batch', reason });
  });

  test.prop([fc.uint8Array({ maxLength: 400 })], { numRuns: 2000 })(
    'are rows or a fault, whatever the bytes are',
    payload => {
      const bets = read(payload);
      if ('rows' in bets) expect(bets.count === 0).toBe(payload.length === 0);
      else expect(bets.count).toBeGreaterThan(bets.index);
    },
  );
});
