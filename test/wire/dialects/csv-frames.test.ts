import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { BatchFault } from '../../../src/lottery/bet-batch.ts';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { Bet } from '../../../src/lottery/bet.ts';
import type { AgencyCodec, CentralCodec } from '../../../src/wire/dialect.ts';
import { createCsvFramesDialect } from '../../../src/wire/dialects/csv-frames.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../../../src/wire/message.ts';
import { WireError } from '../../../src/wire/refusal.ts';
import { betWith, document, rowsOf, textsOf, validBet } from '../../lottery/bets.ts';
import { everyCut, places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, plain, streams } from '../streams.ts';

const dialect = createCsvFramesDialect();

const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => dialect.central(limits);
const newAgency = (limits = DEFAULT_LIMITS, id = 1): AgencyCodec => dialect.agency(limits, id);

const HELLO = Buffer.from('000101');
const END = Buffer.from('00001');

function dataOf(payload: Uint8Array | string): Buffer {
  const body = Buffer.from(payload as string);
  return Buffer.concat([Buffer.from(`${String(body.length).padStart(4, '0')}0`), body]);
}

const LINE = 'Santiago Lionel,Lorca,30904465,1999-03-17,7574/';
const ROW = '1,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n';
const lineOf = (bet: Bet, numberDigits = 1): string => `${textsOf(bet, numberDigits).join(',')}/`;

/** Rows of a batch as text, or what is wrong with it. */
function outcomeOf(payload: Uint8Array | string): string | BatchFault {
  const bets = newCentral().readBets({ kind: 'batch', payload: Buffer.from(payload as string) }, 1);
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
    if (message?.kind === 'finish') return END;
    return dataOf(message?.kind === 'batch' ? message.payload : '');
  }

  test.prop([fc.integer({ min: 1, max: 65_535 }), streams(said, bytesOf, places)], { numRuns: 1000 })(
    'is what an agency said, however the stream is cut',
    (agency, { items, pieces }) => {
      const central = newCentral();
      expect(decodePieces(central, [dataOf(String(agency)), ...pieces], plain)).toEqual([
        { kind: 'identify', agency },
        ...items.flat().map(plain),
      ]);
      expect(central.pending).toBe(false);
    },
  );

  test('is the same for each place of a cut, and byte by byte', () => {
    const conversation: ClientMessage[][] = [
      [{ kind: 'batch', payload: Buffer.from('Ñandú,x,1,2000-01-01,7/') }],
      [{ kind: 'empty-batch' }],
      [{ kind: 'batch', payload: END }],
      FINISH,
    ];
    const stream = Buffer.concat([dataOf('42'), ...conversation.map(bytesOf)]);
    for (const pieces of everyCut(stream)) {
      expect(decodePieces(newCentral(), pieces, plain)).toEqual([
        { kind: 'identify', agency: 42 },
        ...conversation.flat().map(plain),
      ]);
    }
  });

  test('is not pending between the two messages of one end', () => {
    const central = newCentral();
    central.push(Buffer.concat([HELLO, END]));
    expect(central.next()).toEqual({ kind: 'identify', agency: 1 });
    expect(central.next()).toEqual({ kind: 'finish' });
    expect(central.pending).toBe(false);
    expect(central.next()).toEqual({ kind: 'await-winners' });
    expect(central.next()).toBeUndefined();
  });

  test.each(['', '0', '65536', '-1', '1 ', '1\n', 'uno', LINE])(
    'is no agency id in a first frame of %j',
    text => {
      expect(codeOf(newCentral(), dataOf(text))).toBe('malformed');
    },
  );

  test.each([
    ['x0010', 'malformed'],
    ['00-10', 'malformed'],
    [' 0010', 'malformed'],
    ['000:0', 'malformed'],
    ['000/0', 'malformed'],
    ['00012', 'unknown-message'],
    ['0001\0', 'unknown-message'],
    ['0000/', 'unknown-message'],
    ['00011', 'malformed'],
    ['99991', 'malformed'],
    ['GET /', 'malformed'],
  ])('is no frame that begins with %j', (header, code) => {
    expect(codeOf(newCentral(), HELLO, Buffer.from(header))).toBe(code);
    expect(codeOf(newAgency(), Buffer.from(header))).toBe(code);
  });

  test('is taken up to the limit of a payload, and refused beyond before it is there', () => {
    expect(codeOf(newCentral(), HELLO, dataOf('x'.repeat(8184)))).toBe('taken');
    expect(codeOf(newCentral(), HELLO, Buffer.from('81850'))).toBe('payload-too-large');
    const limits = { ...DEFAULT_LIMITS, payloadBytesMax: 1024 };
    expect(codeOf(newCentral(limits), HELLO, Buffer.from('10240'))).toBe('taken');
    expect(codeOf(newCentral(limits), HELLO, Buffer.from('10250'))).toBe('payload-too-large');
    expect(codeOf(newCentral(limits), Buffer.from('10250'))).toBe('payload-too-large');
  });
});

describe('what the central answers', () => {
  const refused: ServerMessage = {
    kind: 'refused',
    refusal: { code: 'invalid-bet', detail: 'bet 0, document, not-digits' },
  };
  const textsOfFrames = (frames: readonly Uint8Array[]): string[] =>
    frames.map(frame => Buffer.from(frame).toString());

  test('to a batch is ACK, in one frame', () => {
    for (const to of ['batch', 'empty-batch'] as const)
      expect(textsOfFrames(newCentral().encode({ kind: 'accepted' }, to))).toEqual(['00030ACK']);
  });

  test('to the end of the bets is nothing, and so is a refusal', () => {
    const central = newCentral();
    expect(central.encode({ kind: 'accepted' }, 'finish')).toEqual([]);
    for (const to of ['identify', 'batch', 'finish', 'await-winners', undefined] as const)
      expect(central.encode(refused, to)).toEqual([]);
    expect(central.encode({ kind: 'still-here' })).toEqual([]);
  });

  test.each(['', '1'.repeat(10_000)])('of a winner that no frame can say is none', text => {
    try {
      newCentral().encode({ kind: 'winners', documents: ['30904465', text] }, 'await-winners');
      expect.fail('said');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      expect(error.refusal.code).toBe('malformed');
      expect(error.message).not.toContain('111');
    }
  });
});

describe('what an agency hears', () => {
  const answer = fc.oneof(
    fc.constant<ServerAnswer>({ kind: 'accepted' }),
    fc.array(document, { maxLength: 20 }).map((documents): ServerAnswer => ({ kind: 'winners', documents })),
  );

  function bytesOf(message: ServerAnswer): Buffer {
    if (message.kind !== 'winners') return dataOf('ACK');
    return Buffer.concat([...message.documents.map(dataOf), END]);
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
      { kind: 'winners', documents: ['30904465', '007'] },
      { kind: 'winners', documents: [] },
    ];
    for (const pieces of everyCut(Buffer.concat(conversation.map(bytesOf))))
      expect(decodePieces(newAgency(), pieces, plain)).toEqual(conversation);
  });

  test('is pending until the end of the winners', () => {
    const agency = newAgency();
    agency.push(dataOf('30904465'));
    expect(agency.next()).toBeUndefined();
    expect(agency.pending).toBe(true);
    agency.push(END);
    expect(agency.next()).toEqual({ kind: 'winners', documents: ['30904465'] });
    expect(agency.pending).toBe(false);
  });

  test.each(['', 'ERR', 'ack', 'ACK ', '30904465 ', '-1', 'Ñ'])(
    'is neither ACK nor a document in %j',
    text => {
      expect(codeOf(newAgency(), dataOf(text))).toBe('malformed');
    },
  );

  test('is no ACK among the winners', () => {
    expect(codeOf(newAgency(), dataOf('30904465'), dataOf('ACK'))).toBe('malformed');
  });

  test('is at most as many winners as a reply may have bytes, and counted anew each time', () => {
    const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 26 };
    const winner = dataOf('30904465');
    expect(codeOf(newAgency(limits), winner, winner, END, winner, winner, END)).toBe('taken');
    expect(codeOf(newAgency(limits), winner, winner, dataOf('1'))).toBe('payload-too-large');
  });
});

/** Whether the dialect has bytes for a bet. */
const isSendable = ({ firstName, lastName }: Bet): boolean => !/[,/]/.test(firstName + lastName);

describe('what one side encodes', () => {
  test.prop([fc.array(validBet, { maxLength: 12 }), fc.integer({ min: 1, max: 10 })])(
    'of a batch the central stores as rows',
    (bets, numberDigits) => {
      const { batch } = newAgency();
      for (const bet of bets) {
        const added = batch.add(fieldsOf(textsOf(bet, numberDigits)));
        expect(added === 'added').toBe(isSendable(bet));
      }
      const sendable = bets.filter(isSendable);
      expect(batch.count).toBe(sendable.length);
      const read = newCentral().readBets({ kind: 'batch', payload: batch.take().subarray(5) }, 5);
      if (!('rows' in read)) return expect.fail(`refused for ${read.reason}`);
      const rows = rowsOf(sendable.map((bet): Bet => ({ ...bet, agency: 5 }))).toString();
      expect({ ...read, rows: Buffer.from(read.rows).toString() }).toEqual({
        agency: 5,
        count: sendable.length,
        rows,
      });
    },
  );

  test.prop([fc.integer({ min: 1, max: 65_535 })])('of its id and the end the central hears', id => {
    const agency = newAgency(DEFAULT_LIMITS, id);
    expect(decodePieces(newCentral(), [agency.identify()!, agency.finish()], plain)).toEqual([
      { kind: 'identify', agency: id },
      { kind: 'finish' },
      { kind: 'await-winners' },
    ]);
  });

  test.prop([fc.array(document, { maxLength: 300 })])('of winners the agency hears', documents => {
    const frames = newCentral().encode({ kind: 'winners', documents }, 'await-winners');
    expect(frames).toHaveLength(documents.length + 1);
    expect(decodePieces(newAgency(), frames, plain)).toEqual([{ kind: 'winners', documents }]);
  });
});

describe('the bets of a batch', () => {
  test('are as many as there are lines', () => {
    expect(outcomeOf('')).toBe('');
    expect(outcomeOf(LINE + LINE)).toBe(ROW + ROW);
  });

  test('know nothing of quotes, which belong to the name', () => {
    expect(outcomeOf('"a",b,1,2000-01-01,007/')).toBe('1,"""a""",b,1,2000-01-01,7\r\n');
  });

  const lineWith = (values: Partial<Bet>): string => lineOf(betWith(values));

  test.each([
    ['name that is empty', lineWith({ firstName: '' }), { field: 'first_name', reason: 'empty' }],
    [
      'name that is not UTF-8',
      Buffer.from('a,\xc3,1,2000-01-01,1/', 'latin1'),
      { field: 'last_name', reason: 'not-utf-8' },
    ],
    [
      'name of 256 bytes',
      lineWith({ lastName: 'ñ'.repeat(128) }),
      { field: 'last_name', reason: 'too-long' },
    ],
    ['document with a letter', lineWith({ document: '3090x' }), { field: 'document', reason: 'not-digits' }],
    [
      'date that is none',
      lineWith({ birthdate: '1999-02-29' }),
      { field: 'birthdate', reason: 'not-a-date' },
    ],
    ['number above 9999', lineWith({ number: 10_000 }), { field: 'number', reason: 'out-of-range' }],
    ['line with four fields', 'a,b,1,2000-01-01/', { field: 'batch', reason: 'too-few-fields' }],
    ['line with six fields', 'a,b,1,2000-01-01,1,/', { field: 'batch', reason: 'too-many-fields' }],
    ['line of commas', `${','.repeat(500)}/`, { field: 'batch', reason: 'too-many-fields' }],
    ['line without anything', '/', { field: 'batch', reason: 'too-few-fields' }],
    ['name with a comma', lineWith({ firstName: 'a,b' }), { field: 'batch', reason: 'too-many-fields' }],
  ])('are refused for a %s', (_, line, fault) => {
    const payload = Buffer.concat([Buffer.from(LINE), Buffer.from(line as string), Buffer.from(LINE)]);
    expect(outcomeOf(payload)).toEqual({ count: 3, index: 1, ...fault });
  });

  test('are refused where the last line is cut off, wherever that is', () => {
    for (let length = LINE.length + 1; length < 2 * LINE.length; length += 1) {
      const fault = { count: 2, index: 1, field: 'batch', reason: 'too-few-fields' };
      expect(outcomeOf((LINE + LINE).slice(0, length))).toEqual(fault);
    }
  });

  test.prop([fc.array(fc.constantFrom(...Array.from('a1,,,,///-é')), { maxLength: 100 })], { numRuns: 1000 })(
    'are rows or a fault, whatever the bytes are',
    characters => {
      const payload = Buffer.from(characters.join(''));
      const bets = newCentral().readBets({ kind: 'batch', payload }, 1);
      if ('rows' in bets) expect(bets.count === 0).toBe(payload.length === 0);
      else expect(bets.count).toBeGreaterThan(bets.index);
    },
  );
});

test('the agency never asks for the winners', () => {
  expect(() => newAgency().askWinners()).toThrow('no question');
});

describe('the encoder of batches', () => {
  const bet = fieldsOf(textsOf(betWith()));
  const textOf = (frame: Uint8Array): string => Buffer.from(frame).toString();

  test('is empty at first and after each frame, and a single bet is a batch of one', () => {
    const { batch } = newAgency();
    expect(textOf(batch.take())).toBe('00000');
    batch.add(bet);
    batch.add(bet);
    expect(batch.count).toBe(2);
    const two = batch.take();
    expect(batch.count).toBe(0);
    batch.add(bet);
    expect(textOf(batch.takeSingle())).toBe(`00470${LINE}`);
    expect(textOf(two)).toBe(`00940${LINE}${LINE}`);
  });

  test.each<[string, 'first_name' | 'last_name', Partial<Bet>]>([
    ['comma in the first name', 'first_name', { firstName: 'Lo,rca' }],
    ['slash in the first name', 'first_name', { firstName: '/' }],
    ['comma in the last name', 'last_name', { lastName: ',' }],
    ['slash in the last name', 'last_name', { lastName: 'Lo/rca' }],
  ])('has no bytes for a %s and is as if the bet had not been added', (_, field, values) => {
    const { batch } = newAgency();
    batch.add(bet);
    expect(batch.add(fieldsOf(textsOf(betWith(values))))).toEqual({ field, reason: 'separator' });
    expect(batch.count).toBe(1);
    expect(textOf(batch.take())).toBe(`00470${LINE}`);
  });

  const nameLengths = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }));

  test.prop(
    [
      fc.constantFrom(1024, 8184, 20_000),
      fc.array(nameLengths, { minLength: 20, maxLength: 100, size: 'max' }),
    ],
    { numRuns: 100 },
  )('fills a frame to its last byte that is of use, never beyond 8006, and loses nothing', (max, names) => {
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: max });
    const payloadBytesMax = Math.min(max, 8001);
    let waiting = '';
    for (const [first, last] of names) {
      const long = betWith({ firstName: 'x'.repeat(first), lastName: 'y'.repeat(last) });
      const line = lineOf(long);
      const fits = waiting.length + line.length <= payloadBytesMax;
      expect(batch.add(fieldsOf(textsOf(long)))).toBe(fits ? 'added' : 'full');
      if (!fits) {
        expect(textOf(batch.take())).toBe(dataOf(waiting).toString());
        waiting = '';
        expect(batch.add(fieldsOf(textsOf(long)))).toBe('added');
      }
      waiting += line;
    }
    expect(textOf(batch.take())).toBe(dataOf(waiting).toString());
  });

  test('is not made for payloads that have no room for the longest bet', () => {
    expect(() => newAgency({ ...DEFAULT_LIMITS, payloadBytesMax: 1023 })).toThrow(RangeError);
  });
});
