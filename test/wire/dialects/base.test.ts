import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { PlainBetReader } from '../../../src/kernel/plain-bet-reader.ts';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { Bet } from '../../../src/lottery/bet.ts';
import type { AgencyCodec, BatchEncoder, CentralCodec } from '../../../src/wire/dialect.ts';
import { createBaseDialect } from '../../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../../../src/wire/message.ts';
import { betWith, document, rowsOf, textsOf, wireBet } from '../../lottery/bets.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, frameOf, plain, streams } from '../streams.ts';

const dialect = createBaseDialect(new PlainBetReader());

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);
const newAgency = (limits = DEFAULT_LIMITS): AgencyCodec => dialect.agency(limits, 1);

describe('what the central hears', () => {
  const said = fc.oneof(
    fc.integer({ min: 1, max: 65_535 }).map(agency => ({ kind: 'identify', agency }) as const),
    fc.uint8Array({ maxLength: 40 }).map(payload => ({ kind: 'bet', payload }) as const),
    fc.uint8Array({ maxLength: 300 }).map(payload => ({ kind: 'batch', payload }) as const),
    fc.constantFrom({ kind: 'finish' } as const, { kind: 'ask-winners' } as const),
  );

  function bytesOf(message: ClientMessage): Buffer {
    switch (message.kind) {
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
      default:
        throw new Error(`the base protocol has no ${message.kind}`);
    }
  }

  test.prop([streams<ClientMessage>(said, bytesOf, places)], { numRuns: 1000 })(
    'is what agencies said, however the stream is cut',
    ({ items, pieces }) => {
      const central = newCentral();
      expect(decodePieces(central, pieces, plain)).toEqual(items.map(plain));
      expect(central.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: ClientMessage[] = [
      { kind: 'identify', agency: 42 },
      { kind: 'batch', payload: Buffer.from('1|Ñ|x|1|2000-01-01|7') },
      { kind: 'bet', payload: Buffer.from('END\0') },
      { kind: 'finish' },
      { kind: 'ask-winners' },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf)))) {
      expect(decodePieces(newCentral(), pieces, plain)).toEqual(conversation.map(plain));
    }
  });

  test.each([
    ['1', 1],
    ['65535', 65_535],
    ['0000000005', 5],
  ])('CONN %s is the agency %i', (text, agency) => {
    const central = newCentral();
    central.push(frameOf('CONN', text));
    expect(central.next()).toEqual({ kind: 'identify', agency });
  });

  test.each(['', '0', '65536', '00000000001', '-1', '1 ', ' 1', '1\n', '1|', 'uno', '1\0', '\xff'])(
    'CONN %j is malformed',
    text => {
      expect(codeOf(newCentral(), frameOf('CONN', Buffer.from(text, 'latin1')))).toBe('malformed');
    },
  );

  test('CONN that is longer than any id is refused by its length', () => {
    expect(codeOf(newCentral(), frameOf('CONN', '0'.repeat(16)))).toBe('malformed');
    expect(codeOf(newCentral(), frameOf('CONN', '0'.repeat(17)).subarray(0, 8))).toBe('payload-too-large');
  });

  test.each(['BET', 'NBET'])(
    '%s is taken up to the limit of 8192 bytes with its header, and refused beyond',
    type => {
      expect(codeOf(newCentral(), frameOf(type, 'x'.repeat(8184)))).toBe('taken');
      expect(codeOf(newCentral(), frameOf(type, 'x'.repeat(8185)).subarray(0, 8))).toBe('payload-too-large');
      expect(
        codeOf(newCentral({ ...DEFAULT_LIMITS, payloadBytesMax: 9 }), frameOf(type, 'x'.repeat(10))),
      ).toBe('payload-too-large');
    },
  );

  test.each(['CONN', 'BET', 'NBET'])('%s of 4 GiB is refused before anything of it is there', type => {
    const header = frameOf(type, '');
    header.fill(0xff, 4);
    expect(codeOf(newCentral(), header)).toBe('payload-too-large');
  });

  test.each(['OK', 'NOK', 'NEND', 'RWIN', 'HELO', 'SBET', 'DONE', 'WAIT', 'conn', 'BET ', 'END ', 'GET '])(
    '%j is not for the central',
    type => {
      expect(codeOf(newCentral(), frameOf('CONN', '1'), frameOf(type))).toBe('unknown-message');
    },
  );
});

describe('what an agency hears', () => {
  const documents = fc.array(document, { maxLength: 20 });
  const answer = fc.oneof(
    fc.constantFrom(
      { kind: 'accepted' } as const,
      { kind: 'refused' } as const,
      { kind: 'not-drawn' } as const,
    ),
    documents.map(list => ({ kind: 'winners', documents: list }) as const),
  );

  function bytesOf(message: ServerAnswer): Buffer {
    switch (message.kind) {
      case 'accepted':
        return frameOf('OK');
      case 'refused':
        return frameOf('NOK');
      case 'not-drawn':
        return frameOf('NEND');
      case 'winners':
        return frameOf(
          'RWIN',
          [message.documents.length, ...(message.documents.length === 0 ? [''] : message.documents)].join(
            '|',
          ),
        );
      default:
        throw new Error(`the base protocol has no ${message.kind}`);
    }
  }

  test.prop([streams<ServerAnswer>(answer, bytesOf, places)], { numRuns: 1000 })(
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
      { kind: 'winners', documents: ['30904465', '007'] },
      { kind: 'refused' },
      { kind: 'winners', documents: [] },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf)))) {
      expect(decodePieces(newAgency(), pieces, plain)).toEqual(conversation);
    }
  });

  test.each(['0|', '0'])('RWIN %j is no winner', payload => {
    const agency = newAgency();
    agency.push(frameOf('RWIN', payload));
    expect(agency.next()).toEqual({ kind: 'winners', documents: [] });
  });

  test.each([
    '',
    '|',
    '1',
    '1|',
    '1|11|12',
    '2|11',
    '0|11',
    '-1|',
    'x|11',
    '1.0|11',
    ' 1|11',
    '+1|11',
    '|11',
  ])('RWIN %j is malformed', payload => {
    expect(codeOf(newAgency(), frameOf('RWIN', payload))).toBe('malformed');
  });

  test('RWIN is taken up to the limit of a reply, and refused beyond', () => {
    const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 10 };
    expect(codeOf(newAgency(limits), frameOf('RWIN', '1|12345678'))).toBe('taken');
    expect(codeOf(newAgency(limits), frameOf('RWIN', '1|123456789'))).toBe('payload-too-large');
    expect(codeOf(newAgency(), frameOf('RWIN', '1|'.padEnd(100_000, '1')))).toBe('taken');
  });

  test('RWIN of 4 GiB is refused before anything of it is there', () => {
    expect(codeOf(newAgency(), Buffer.from('5257494effffffff', 'hex'))).toBe('payload-too-large');
  });

  test.each(['CONN', 'BET', 'NBET', 'END', 'GWIN', 'WELC', 'FAIL', 'PING', 'ok', 'HTTP'])(
    '%j is not for an agency',
    type => {
      expect(codeOf(newAgency(), frameOf('OK'), frameOf(type))).toBe('unknown-message');
    },
  );
});

describe('what one side encodes', () => {
  const reply = fc.oneof(
    fc.constantFrom<ServerMessage>({ kind: 'accepted' }, { kind: 'not-drawn' }),
    fc.constant<ServerMessage>({ kind: 'refused', refusal: { code: 'malformed', detail: 'a | of it' } }),
    fc
      .array(document, { maxLength: 300 })
      .map((documents): ServerMessage => ({ kind: 'winners', documents })),
  );

  test.prop([fc.array(reply, { maxLength: 6 })])(
    'the agency reads, except for the reason of a refusal',
    replies => {
      const central = newCentral();
      const stream = Buffer.concat(replies.flatMap(message => central.encode(message)));
      const heard = decodePieces(newAgency(), [stream], plain);
      expect(heard).toEqual(
        replies.map(message => (message.kind === 'refused' ? { kind: 'refused' } : message)),
      );
    },
  );

  test.prop([fc.integer({ min: 1, max: 65_535 })])('the central reads', id => {
    const agency = dialect.agency(DEFAULT_LIMITS, id);
    const stream = Buffer.concat([agency.identify(), agency.finish(), agency.askWinners()]);
    expect(decodePieces(newCentral(), [stream], plain)).toEqual([
      { kind: 'identify', agency: id },
      { kind: 'finish' },
      { kind: 'ask-winners' },
    ]);
  });

  test.prop([
    fc.array(wireBet, { maxLength: 12 }),
    fc.integer({ min: 1, max: 65_535 }),
    fc.integer({ min: 1, max: 10 }),
  ])('of a batch the central stores as rows', (bets, id, numberDigits) => {
    const { batch } = newAgency();
    const added = bets.filter(bet => batch.add(fieldsOf(textsOf(bet, numberDigits))) === 'added');
    expect(batch.count).toBe(added.length);
    const rows = rowsOf(added.map((bet): Bet => ({ ...bet, agency: id })));
    const central = newCentral();
    central.push(batch.take());
    const message = central.next();
    if (message?.kind !== 'batch') return expect.fail(`heard ${message?.kind}`);
    const read = central.readBets(message, id);
    if (!('rows' in read)) return expect.fail(`refused for ${read.reason}`);
    expect({ ...read, rows: Buffer.from(read.rows).toString() }).toEqual({
      agency: id,
      count: added.length,
      rows: rows.toString(),
    });
  });

  test.prop([wireBet])('of a single bet the central stores as a row', bet => {
    const { batch } = newAgency();
    expect(batch.add(fieldsOf(textsOf(bet)))).toBe('added');
    const central = newCentral();
    central.push(batch.takeSingle());
    const message = central.next();
    if (message?.kind !== 'bet') return expect.fail(`heard ${message?.kind}`);
    const read = central.readBets(message, bet.agency);
    expect(read).toEqual({ agency: bet.agency, count: 1, rows: new Uint8Array(rowsOf([bet])) });
  });
});

describe('the encoder of batches', () => {
  const payloadOf = (frame: Uint8Array): string => Buffer.from(frame.subarray(8)).toString();
  const bet = fieldsOf(textsOf(betWith()));
  const TEXT = 'Santiago Lionel|Lorca|30904465|1999-03-17|7574';

  test('is empty at first and after each frame', () => {
    const { batch } = newAgency();
    expect(batch.count).toBe(0);
    expect(payloadOf(batch.take())).toBe('0|');
    batch.add(bet);
    batch.add(bet);
    expect(batch.count).toBe(2);
    expect(payloadOf(batch.take())).toBe(`2|${TEXT}|${TEXT}`);
    expect(batch.count).toBe(0);
    batch.add(bet);
    expect(Buffer.from(batch.takeSingle()).equals(frameOf('BET', TEXT))).toBe(true);
    expect(batch.count).toBe(0);
    batch.add(bet);
    expect(payloadOf(batch.take())).toBe(`1|${TEXT}`);
  });

  test('gives frames that stay as they are while the next batch is gathered', () => {
    const { batch } = newAgency();
    batch.add(bet);
    const first = batch.take();
    for (let count = 0; count < 50; count += 1) batch.add(fieldsOf(['x', 'y', '1', '2000-01-01', '1']));
    expect(payloadOf(first)).toBe(`1|${TEXT}`);
  });

  test('says full, keeps what it has, and takes the bet into the next batch', () => {
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 1024 });
    let added = 0;
    while (batch.add(bet) === 'added') added += 1;
    expect(batch.add(bet)).toBe('full');
    expect(batch.count).toBe(added);
    const payload = payloadOf(batch.take());
    expect(payload).toBe(`${added}|${Array.from({ length: added }, () => TEXT).join('|')}`);
    // One more would not have fitted, with room for the digits of the largest count.
    expect(payload.length + 1 + TEXT.length + 3).toBeGreaterThan(1024);
    expect(batch.add(bet)).toBe('added');
    expect(payloadOf(batch.take())).toBe(`1|${TEXT}`);
  });

  test('is not made for payloads that have no room for the longest bet', () => {
    expect(() => newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 1023 })).toThrow(RangeError);
  });

  test.each([
    ['first_name', 0],
    ['last_name', 1],
  ] as const)(
    'refuses a bet with the separator in its %s and is as if it had not been added',
    (field, index) => {
      const { batch } = newAgency();
      const bad = fieldsOf(textsOf(betWith()).with(index, 'Lo|rca'));
      expect(batch.add(bad)).toEqual({ field, reason: 'separator' });
      expect(batch.count).toBe(0);
      batch.add(bet);
      expect(batch.add(bad)).toEqual({ field, reason: 'separator' });
      batch.add(bet);
      expect(batch.count).toBe(2);
      expect(payloadOf(batch.take())).toBe(`2|${TEXT}|${TEXT}`);
    },
  );

  test('fits the longest bet there is into a payload of 1024 bytes, the least that can be configured', () => {
    const longest = ['x'.repeat(255), 'ñ'.repeat(127), '0123456789', '2000-02-29', '0000009999'];
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 1024 });
    expect(batch.add(fieldsOf(longest))).toBe('added');
    expect(batch.add(fieldsOf(longest))).toBe('full');
    expect(payloadOf(batch.take())).toBe(`1|${longest.join('|')}`);
    expect(batch.add(fieldsOf(longest))).toBe('added');
    expect(payloadOf(batch.takeSingle())).toBe(longest.join('|'));
  });

  /** Bytes that a batch of these bets has on the wire, its header left out. */
  const lengthOf = (texts: readonly string[][]): number =>
    Buffer.byteLength([texts.length, ...texts.flat()].join('|'));

  const limit = fc.oneof(fc.constant(8184), fc.integer({ min: 1024, max: 8184 }));

  /** The lengths of a bet's fields: what is in them does not matter here. */
  const lengths = fc.tuple(
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 1, max: 10 }),
    fc.integer({ min: 1, max: 10 }),
  );

  test.prop([limit, fc.array(lengths, { minLength: 10, maxLength: 120, size: 'max' })], {
    numRuns: 300,
    interruptAfterTimeLimit: 10_000,
  })(
    'never exceeds the limit, says full only when the next bet does not fit, and loses nothing',
    (payloadBytesMax, bets) => {
      const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax });
      let waiting: string[][] = [];
      const check = (frame: Uint8Array): void => {
        expect(frame.length).toBeLessThanOrEqual(8 + payloadBytesMax);
        expect(frame.length).toBeLessThanOrEqual(8192);
        expect(
          Buffer.from(frame).equals(frameOf('NBET', [waiting.length, ...waiting.flat()].join('|'))),
        ).toBe(true);
      };
      for (const [first, last, digits, zeros] of bets) {
        const texts = [
          'x'.repeat(first),
          'y'.repeat(last),
          '1'.repeat(digits),
          '1999-03-17',
          '0'.repeat(zeros),
        ];
        const length = lengthOf([...waiting, texts]);
        const added = batch.add(fieldsOf(texts));
        // The count's digits are known only at the end: room for the largest count there could be is kept free.
        const countReserve = String(payloadBytesMax).length - String(waiting.length + 1).length;
        if (length + countReserve <= payloadBytesMax) expect(added).toBe('added');
        if (length > payloadBytesMax) expect(added).toBe('full');
        if (added === 'full') {
          check(batch.take());
          waiting = [];
          expect(batch.add(fieldsOf(texts))).toBe('added');
        }
        waiting.push(texts);
        expect(batch.count).toBe(waiting.length);
      }
      check(batch.take());
    },
  );

  test('fills a payload to within the digits that it keeps free for the count', () => {
    const first = ['x'.repeat(255), 'y'.repeat(255), '0123456789', '2000-02-29', '0000009999'];
    const verdicts = new Map<number, ReturnType<BatchEncoder['add']>>();
    for (let extra = 150; extra <= 250; extra += 1) {
      const second = ['x'.repeat(255), 'y'.repeat(extra), '30904465', '1999-03-17', '7574'];
      const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 1024 });
      expect(batch.add(fieldsOf(first))).toBe('added');
      verdicts.set(lengthOf([first, second]), batch.add(fieldsOf(second)));
    }
    const tried = [...verdicts.keys()];
    // `2|` could have been `1024|`.
    expect(tried.filter(length => length <= 1021 && verdicts.get(length) !== 'added')).toEqual([]);
    expect(tried.filter(length => length > 1024 && verdicts.get(length) !== 'full')).toEqual([]);
    for (const border of [1021, 1024, 1025]) expect(tried).toContain(border);
  });
});
