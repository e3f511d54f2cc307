import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { BetBatch, BatchFault } from '../../../src/lottery/bet-batch.ts';
import type { AgencyCodec, CentralCodec } from '../../../src/wire/dialect.ts';
import { createCheckWinDialect } from '../../../src/wire/dialects/check-win.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../../../src/wire/message.ts';
import { betWith, document, rowsOf, textsOf, validBet } from '../../lottery/bets.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, plain, streams } from '../streams.ts';

const dialect = createCheckWinDialect();

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);
const newAgency = (limits = DEFAULT_LIMITS, id = 1): AgencyCodec => dialect.agency(limits, id);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function fieldOf(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as Uint8Array);
  return Buffer.concat([u32(bytes.length), bytes]);
}

const fieldsBytes = (texts: readonly (Uint8Array | string)[]): Buffer => Buffer.concat(texts.map(fieldOf));

const frameOf = (type: string, payload: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([u32(payload.length), Buffer.from(type, 'latin1'), payload]);

/** A frame of a client. */
const saidBy = (agency: number | string, type: string, rest: Uint8Array = Buffer.alloc(0)): Buffer =>
  frameOf(type, Buffer.concat([fieldOf(String(agency)), rest]));

const LORCA = textsOf(betWith());

describe('what the central hears', () => {
  const agency = fc.integer({ min: 1, max: 65_535 });
  const said = fc.oneof(
    fc.record({
      kind: fc.constant('batch' as const),
      payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      agency,
    }),
    fc.record({ kind: fc.constantFrom('empty-batch' as const, 'finish', 'ask-winners'), agency }),
  );

  function bytesOf(message: ClientMessage): Buffer {
    switch (message.kind) {
      case 'batch':
        return saidBy(message.agency!, 'B', message.payload);
      case 'empty-batch':
        return saidBy(message.agency!, 'B');
      case 'finish':
        return saidBy(message.agency!, 'F');
      case 'ask-winners':
        return saidBy(message.agency!, 'Q');
      default:
        throw new Error(`check-win has no ${message.kind}`);
    }
  }

  test.prop([streams<ClientMessage>(said, bytesOf, places)], { numRuns: 500 })(
    'is what agencies said, however the stream is cut',
    ({ items, pieces }) => {
      const central = newCentral();
      expect(decodePieces(central, pieces, plain)).toEqual(items.map(plain));
      expect(central.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: ClientMessage[] = [
      { kind: 'batch', payload: fieldsBytes(LORCA), agency: 42 },
      { kind: 'empty-batch', agency: 42 },
      { kind: 'finish', agency: 42 },
      { kind: 'ask-winners', agency: 42 },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf)))) {
      expect(decodePieces(newCentral(), pieces, plain)).toEqual(conversation.map(plain));
    }
  });

  test('is not complete before its last byte', () => {
    const central = newCentral();
    const bytes = saidBy(1, 'B', fieldsBytes(LORCA));
    central.push(bytes.subarray(0, -1));
    expect([central.next(), central.pending]).toEqual([undefined, true]);
    central.push(bytes.subarray(-1));
    expect([central.next()?.kind, central.pending]).toEqual(['batch', false]);
  });

  test('is read without the chunks that it began in', () => {
    const bytes = saidBy(1, 'B', fieldsBytes(LORCA));
    const chunk = Uint8Array.from(bytes.subarray(0, 20));
    const central = newCentral();
    central.push(chunk);
    expect(central.next()).toBeUndefined();
    chunk.fill(0xee);
    central.push(bytes.subarray(20));
    expect(plain(central.next()!)).toEqual(plain({ kind: 'batch', payload: fieldsBytes(LORCA), agency: 1 }));
  });

  test.each(['B', 'F', 'Q'])('%s is refused without an agency id from 1 to 65535', type => {
    for (const id of ['', '0', '65536', '-1', '1 ', ' 1', '1\n', 'uno', '1\0', '00000000001']) {
      expect(codeOf(newCentral(), saidBy(id, type))).toBe('malformed');
    }
    // No field; one that is broken off; lengths that are too high.
    for (const payload of ['', '00', '000000', '00000001', '0000000231', 'ffffffff31', '8000000131']) {
      expect(codeOf(newCentral(), frameOf(type, Buffer.from(payload, 'hex')))).toBe('malformed');
    }
    for (const id of ['1', '65535', '0000000005']) {
      expect(codeOf(newCentral(), saidBy(id, type))).toBe('taken');
    }
  });

  test.prop([fc.uint8Array({ maxLength: 200 })])(
    'F means the same whatever follows the agency id, also when it is nothing of the dialect',
    rest => {
      const central = newCentral();
      central.push(Buffer.concat([saidBy(7, 'F', rest), saidBy(7, 'Q')]));
      expect(central.next()).toEqual({ kind: 'finish', agency: 7 });
      expect(central.next()).toEqual({ kind: 'ask-winners', agency: 7 });
    },
  );

  test('Q with more than an agency id is malformed', () => {
    expect(codeOf(newCentral(), saidBy(1, 'Q', fieldOf('1')))).toBe('malformed');
    expect(codeOf(newCentral(), saidBy(1, 'Q', Buffer.alloc(1)))).toBe('malformed');
  });

  const header = (type: string, length: number): Buffer => Buffer.concat([u32(length), Buffer.from(type)]);

  test.each([
    ['B', 8192 + 10],
    ['F', 8192 + 10],
    ['Q', 20],
  ])('%s is taken up to %i bytes, and refused beyond before anything of it is there', (type, most) => {
    const central = newCentral();
    central.push(header(type, most));
    expect(central.next()).toBeUndefined();
    expect(codeOf(newCentral(), header(type, most + 1))).toBe('payload-too-large');
    expect(codeOf(newCentral(), header(type, 0xffffffff))).toBe('payload-too-large');
  });

  test('the limit follows that of the configuration', () => {
    const limits = { ...DEFAULT_LIMITS, payloadBytesMax: 2000 };
    expect(codeOf(newCentral(limits), saidBy(1, 'B', Buffer.alloc(2018 - 5)))).toBe('taken');
    expect(codeOf(newCentral(limits), saidBy(1, 'B', Buffer.alloc(2018 - 4)))).toBe('payload-too-large');
  });

  test.each(['0', 'E', 'W', 'b', 'f', 'q', '\0', '\xff', ' '])('%j is not for the central', type => {
    expect(codeOf(newCentral(), saidBy(1, 'B'), saidBy(1, type))).toBe('unknown-message');
  });
});

describe('the bets of a batch', () => {
  function read(payload: Uint8Array, agency = 5): BetBatch | BatchFault {
    const central = newCentral({ ...DEFAULT_LIMITS, payloadBytesMax: 1_000_000 });
    central.push(saidBy(agency, 'B', payload));
    const message = central.next();
    if (message?.kind !== 'batch') return expect.fail(`heard ${message?.kind}`);
    return central.readBets(message, message.agency!);
  }

  test.prop([fc.array(validBet, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 65_535 })])(
    'are rows of the agency, whatever its names hold',
    (bets, agency) => {
      const batch = read(fieldsBytes(bets.flatMap(bet => textsOf(bet))), agency);
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
    ['a day in another order', 3, '17-03-1999', 'birthdate', 'not-a-date'],
    ['a number that is too large', 4, '10000', 'number', 'out-of-range'],
    ['a number below zero', 4, '-1', 'number', 'not-digits'],
  ])('are refused for %s, by the place of the bet', (_, field, content, name, reason) => {
    const bad = (LORCA as (string | Buffer)[]).with(field, content);
    const batch = [...LORCA, ...LORCA, ...bad, ...LORCA];
    expect(read(fieldsBytes(batch))).toEqual({ count: 4, index: 2, field: name, reason });
    // The reader is as good as new.
    expect(read(fieldsBytes(LORCA))).toMatchObject({ agency: 5, count: 1 });
  });

  test.each([1, 2, 3, 4])('are refused when the last one has %i fields', fields => {
    const fault = { count: 2, index: 1, field: 'batch', reason: 'too-few-fields' };
    expect(read(fieldsBytes([...LORCA, ...LORCA.slice(0, fields)]))).toEqual(fault);
  });

  test.each([
    ['a length is cut off', '00', 1],
    ['a length leads behind the batch', '000000053132', 1],
    ['a length is too high by one', `${u32(9).toString('hex')}3330393034343635`, 1],
    ['a length is 4 GiB', 'ffffffff31', 1],
    ['a length is 2 GiB', '8000000031', 1],
    ['there are such lengths only', 'ff'.repeat(40), 1],
  ])('are refused when %s', (_, rest, index) => {
    const payload = Buffer.concat([fieldsBytes(LORCA), Buffer.from(rest, 'hex')]);
    expect(read(payload)).toEqual({ count: 2, index, field: 'batch', reason: 'too-few-fields' });
  });

  test('are refused when a length is too low, which moves everything behind it', () => {
    const payload = fieldsBytes(LORCA);
    payload.writeUInt32BE(14);
    expect(read(payload)).toMatchObject({ index: 0, field: 'batch', reason: 'too-few-fields' });
  });
});

describe('what the central answers', () => {
  const refusal = { code: 'invalid-bet', detail: 'bet 0, document, not-digits' } as const;
  const ERROR = frameOf('E', fieldOf('0'));
  const NOTHING = Buffer.alloc(0);

  test.each<[ServerMessage, ClientMessage['kind'] | undefined, Buffer]>([
    [{ kind: 'accepted', bets: 130 }, 'batch', frameOf('0', fieldOf('130'))],
    [{ kind: 'accepted', bets: 0 }, 'empty-batch', frameOf('0', fieldOf('0'))],
    [{ kind: 'accepted' }, 'finish', NOTHING],
    [{ kind: 'refused', refusal }, 'finish', NOTHING],
    [{ kind: 'refused', refusal }, 'batch', ERROR],
    [{ kind: 'bets-refused', refusal }, 'batch', ERROR],
    [{ kind: 'refused', refusal }, 'ask-winners', ERROR],
    [{ kind: 'refused', refusal }, undefined, ERROR],
    [{ kind: 'not-drawn' }, 'ask-winners', frameOf('Q')],
    [{ kind: 'winners', documents: [] }, 'ask-winners', frameOf('W')],
    [{ kind: 'still-here' }, undefined, NOTHING],
  ])('%j to %s', (reply, to, bytes) => {
    expect(Buffer.concat(newCentral().encode(reply, to)).toString('hex')).toBe(bytes.toString('hex'));
  });

  test('is one frame, however many have won', () => {
    const documents = Array.from({ length: 200_000 }, (_, index) => String(index));
    const frames = newCentral().encode({ kind: 'winners', documents }, 'ask-winners');
    expect(frames.length).toBe(1);
    const agency = newAgency();
    agency.push(frames[0]!);
    expect(agency.next()).toEqual({ kind: 'winners', documents });
  });
});

describe('what an agency hears', () => {
  const answer: fc.Arbitrary<ServerAnswer> = fc.oneof(
    fc.constantFrom<ServerAnswer>({ kind: 'refused' }, { kind: 'not-drawn' }),
    fc.nat(9999).map((bets): ServerAnswer => ({ kind: 'accepted', bets })),
    fc.array(document, { maxLength: 20 }).map((documents): ServerAnswer => ({ kind: 'winners', documents })),
  );

  function bytesOf(message: ServerAnswer): Buffer {
    switch (message.kind) {
      case 'accepted':
        return frameOf('0', fieldOf(String(message.bets)));
      case 'refused':
        return frameOf('E', fieldOf('0'));
      case 'not-drawn':
        return frameOf('Q');
      case 'winners':
        return frameOf('W', fieldsBytes(message.documents));
      default:
        throw new Error(`check-win has no ${message.kind}`);
    }
  }

  test.prop([streams<ServerAnswer>(answer, bytesOf, places)], { numRuns: 500 })(
    'is what the central answered, however the stream is cut',
    ({ items, pieces }) => {
      const agency = newAgency();
      expect(decodePieces(agency, pieces, plain)).toEqual(items);
      expect(agency.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: ServerAnswer[] = [
      { kind: 'accepted', bets: 130 },
      { kind: 'not-drawn' },
      { kind: 'winners', documents: ['30904465', '007'] },
      { kind: 'refused' },
      { kind: 'winners', documents: [] },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf)))) {
      expect(decodePieces(newAgency(), pieces, plain)).toEqual(conversation);
    }
  });

  test.each([
    ['nothing', [], undefined],
    ['an empty text', [''], undefined],
    ['a number, as our central says it', ['0'], undefined],
    ['words', ['no room'], 'no room'],
    ['a number and words', ['0', 'no room'], 'no room'],
    ['what would break a line of the log', ['no\r\nroom|\x1b[31m\u2028'], 'no room [31m'],
    ['words without end', ['x'.repeat(5000)], 'x'.repeat(500)],
  ])('is an error that says %s', (_, texts, detail) => {
    const agency = newAgency();
    agency.push(frameOf('E', fieldsBytes(texts)));
    const heard = agency.next();
    if (heard?.kind !== 'refused') return expect.fail(`heard ${heard?.kind}`);
    expect(heard.refusal?.detail).toBe(detail);
  });

  test.each([[[]], [['']], [['x']], [['-1']], [['1.0']], [[' 1']], [['1', '1']]])(
    '0 with %j is malformed',
    texts => {
      expect(codeOf(newAgency(), frameOf('0', fieldsBytes(texts)))).toBe('malformed');
    },
  );

  test.each(['0', 'E', 'W'])('%s with a field that is broken off is malformed', type => {
    for (const payload of ['00', '00000002', '0000000231', 'ffffffff31', '000000013100']) {
      expect(codeOf(newAgency(), frameOf(type, Buffer.from(payload, 'hex')))).toBe('malformed');
    }
  });

  test.each(['0', 'E', 'Q', 'W'])('%s of 4 GiB is refused before anything of it is there', type => {
    const header = Buffer.concat([u32(0xffffffff), Buffer.from(type)]);
    expect(codeOf(newAgency(), header)).toBe('payload-too-large');
  });

  test('W is taken up to the limit of a reply, and refused beyond', () => {
    const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 12 };
    expect(codeOf(newAgency(limits), frameOf('W', fieldOf('30904465')))).toBe('taken');
    expect(codeOf(newAgency(limits), frameOf('W', fieldOf('309044650')))).toBe('payload-too-large');
  });

  test.each(['B', 'F', 'q', 'w', '1', '\0'])('%j is not for an agency', type => {
    expect(codeOf(newAgency(), frameOf('Q'), frameOf(type))).toBe('unknown-message');
  });
});

describe('what the agency says', () => {
  test.prop([fc.integer({ min: 1, max: 65_535 })])('the central reads', id => {
    const agency = newAgency(DEFAULT_LIMITS, id);
    expect(agency.identify()).toBeUndefined();
    const stream = Buffer.concat([agency.batch.take(), agency.finish(), agency.askWinners()]);
    expect(decodePieces(newCentral(), [stream], plain)).toEqual([
      { kind: 'empty-batch', agency: id },
      { kind: 'finish', agency: id },
      { kind: 'ask-winners', agency: id },
    ]);
  });

  const smallest = 1024;
  const limit = fc.oneof(fc.constant(8184), fc.integer({ min: smallest, max: 8184 }));

  test.prop([limit, fc.array(validBet, { maxLength: 80 }), fc.integer({ min: 1, max: 65_535 })], {
    numRuns: 200,
  })(
    'of bets are batches that the central stores, none longer than 8192 bytes, each as full as it can be',
    (payloadBytesMax, bets, id) => {
      const limits = { ...DEFAULT_LIMITS, payloadBytesMax };
      const { batch } = newAgency(limits, id);
      const central = newCentral(limits);
      const rows: string[] = [];
      let length = 0;
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
      const empty = saidBy(id, 'B').length;
      length = empty;
      for (const bet of bets) {
        const fields = fieldsOf(textsOf(bet));
        const more = fieldsBytes(textsOf(bet)).length;
        const fits = length + more <= payloadBytesMax + 8;
        expect(batch.add(fields)).toBe(fits ? 'added' : 'full');
        if (!fits) {
          store();
          length = empty;
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
    const rest = smallest + 8 - saidBy(1, 'B', fieldsBytes([...first, ...second])).length;
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

  test('of a single bet is a batch of one, with the number as it stands in the file', () => {
    const { batch } = newAgency();
    batch.add(fieldsOf(textsOf(betWith(), 6)));
    expect(batch.count).toBe(1);
    const frame = saidBy(1, 'B', fieldsBytes(LORCA.with(4, '007574')));
    expect(Buffer.from(batch.takeSingle()).equals(frame)).toBe(true);
    expect(batch.count).toBe(0);
  });

  test('stays as it is while the next batch is gathered', () => {
    const { batch } = newAgency();
    batch.add(fieldsOf(LORCA));
    const first = batch.take();
    batch.add(fieldsOf(['x', 'y', '1', '2000-01-01', '1']));
    expect(Buffer.from(first).equals(saidBy(1, 'B', fieldsBytes(LORCA)))).toBe(true);
  });

  test('has room for the longest bet there is in the least that can be configured', () => {
    const longest = ['x'.repeat(255), 'ñ'.repeat(127), '0123456789', '2000-02-29', '0000009999'];
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: smallest }, 65_535);
    expect(batch.add(fieldsOf(longest))).toBe('added');
    expect(() => newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: smallest - 1 })).toThrow(RangeError);
  });
});
