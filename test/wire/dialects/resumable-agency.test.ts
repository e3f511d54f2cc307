import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { PlainBetReader } from '../../../src/kernel/plain-bet-reader.ts';
import { BET_FIELDS, FAULT_REASONS, fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { Bet } from '../../../src/lottery/bet.ts';
import type { ResumableCodec } from '../../../src/wire/dialect.ts';
import { createResumableDialect } from '../../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ServerAnswer } from '../../../src/wire/message.ts';
import { REFUSAL_CODES } from '../../../src/wire/refusal.ts';
import { document, rowsOf, textsOf, wireBet } from '../../lottery/bets.ts';
import { places } from '../../lottery/cuts.ts';
import { codeOf, decodePieces, frameOf, plain, streams } from '../streams.ts';

const dialect = createResumableDialect(new PlainBetReader());

const newAgency = (limits = DEFAULT_LIMITS): ResumableCodec => dialect.agency(limits, 1);

/** What this dialect has bytes for. */
type Heard = Exclude<ServerAnswer, { kind: 'bets-refused' }>;

const SEQ_MAX = 999_999_999_999_999;

const seq = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: SEQ_MAX }));

describe('what an agency hears', () => {
  const answer: fc.Arbitrary<Heard> = fc.oneof(
    fc.record({
      kind: fc.constant('welcome' as const),
      next: seq,
      window: seq,
      payloadBytesMax: seq,
      refusedBets: fc.oneof(fc.constant(0), seq),
    }),
    fc.record({
      kind: fc.constant('batch-refused' as const),
      seq,
      fault: fc.record({
        index: fc.nat(200),
        field: fc.constantFrom(...BET_FIELDS, 'batch' as const),
        reason: fc.constantFrom(...FAULT_REASONS, 'too-few-fields' as const),
      }),
    }),
    fc.record({
      kind: fc.constant('refused' as const),
      refusal: fc.record({
        code: fc.constantFrom(...REFUSAL_CODES),
        detail: fc.string({ unit: fc.constantFrom('a', ':', ' ', 'ñ'), maxLength: 50 }),
      }),
    }),
    fc.constantFrom<Heard>(
      { kind: 'still-here' },
      { kind: 'accepted' },
      { kind: 'not-drawn' },
      { kind: 'refused' },
    ),
    fc.record({
      kind: fc.constant('acta' as const),
      number: fc.integer({ min: 1, max: 1000 }),
      uploads: fc.nat(9),
      text: fc.string({ unit: fc.constantFrom('a', '|', '\n', 'ñ'), maxLength: 50 }),
    }),
    fc
      .array(document, { minLength: 1, maxLength: 20 })
      .map(documents => ({ kind: 'winners' as const, documents })),
  );

  function bytesOf(message: Heard): Buffer {
    switch (message.kind) {
      case 'welcome':
        return frameOf(
          'WELC',
          `${message.next}|${message.window}|${message.payloadBytesMax}|${message.refusedBets}`,
        );
      case 'batch-refused': {
        const { index, field, reason } = message.fault;
        return frameOf('FAIL', `invalid-bet|0|${message.seq}|${index}|${field}|${reason}`);
      }
      case 'refused': {
        const { refusal } = message;
        return refusal === undefined
          ? frameOf('NOK')
          : frameOf('FAIL', `${refusal.code}|1|${refusal.detail}`);
      }
      case 'still-here':
        return frameOf('PING');
      case 'accepted':
        return frameOf('OK');
      case 'not-drawn':
        return frameOf('NEND');
      case 'acta':
        return frameOf('ACTA', `${message.number}|${message.uploads}|${message.text}`);
      case 'winners':
        return frameOf('RWIN', [message.documents.length, ...message.documents].join('|'));
    }
  }

  test.prop([streams(answer, bytesOf, places)], { numRuns: 1000 })(
    'is what the central answered, however the stream is cut',
    ({ items, pieces }) => {
      const agency = newAgency();
      expect(decodePieces(agency, pieces, plain)).toEqual(items);
      expect(agency.pending).toBe(false);
    },
  );

  test.each([
    '',
    '|',
    '1',
    '1|64',
    '1|64|',
    // What an older agency is answered: it has not said that it numbers bets.
    '1|64|8184',
    '1|64|8184|',
    '|64|8184|0',
    '1||8184|0',
    '1|64||0',
    '0|64|8184|0',
    '1|0|8184|0',
    '1|64|0|0',
    '-1|64|8184|0',
    '1|64|8184|-1',
    'x|64|8184|0',
    '1|64|8184|x',
    ' 1|64|8184|0',
    '1.0|64|8184|0',
    '1|64|8184|0|',
    '1|64|8184|0|9',
    '1000000000000000|64|8184|0',
    '1|64|8184|1000000000000000',
  ])('WELC %j is malformed', payload => {
    expect(codeOf(newAgency(), frameOf('WELC', payload))).toBe('malformed');
  });

  test.each([
    'invalid-bet|0',
    'invalid-bet|0|',
    'invalid-bet|0|1|0|number',
    'invalid-bet|0|1|0|number|',
    'invalid-bet|0|1|0||empty',
    'invalid-bet|0|0|0|number|empty',
    'invalid-bet|0|x|0|number|empty',
    'invalid-bet|0|1|-1|number|empty',
    'invalid-bet|0|1||number|empty',
    'invalid-bet|0|1000000000000000|0|number|empty',
  ])('FAIL %j is malformed: it does not say which bet', payload => {
    expect(codeOf(newAgency(), frameOf('FAIL', payload))).toBe('malformed');
  });

  test.each(['', '|', 'x', 'new-code|1|why', 'NEW|0|why', 'toString|1|'])(
    'FAIL %j, which this version does not know, is a refusal',
    payload => {
      const agency = newAgency();
      agency.push(frameOf('FAIL', payload));
      expect(agency.next()).toMatchObject({ kind: 'refused', refusal: { code: 'unknown-message' } });
    },
  );

  test('WELC and FAIL are refused by their length, before anything of them is there', () => {
    for (const type of ['WELC', 'FAIL']) {
      const header = frameOf(type, '');
      header.fill(0xff, 4);
      expect(codeOf(newAgency(), header)).toBe('payload-too-large');
    }
    expect(codeOf(newAgency(), frameOf('WELC', '1'.repeat(64)).subarray(0, 8))).toBe('payload-too-large');
    expect(codeOf(newAgency(), frameOf('FAIL', 'x'.repeat(2049)).subarray(0, 8))).toBe('payload-too-large');
  });

  test.each(['HELO', 'SBET', 'DONE', 'WAIT', 'CONN', 'ping', 'XXXX'])('%j is not for an agency', type => {
    expect(codeOf(newAgency(), frameOf('OK'), frameOf(type))).toBe('unknown-message');
  });
});

describe('a numbered batch', () => {
  test.prop([fc.array(wireBet, { maxLength: 12 }), fc.integer({ min: 1, max: 65_535 }), seq])(
    'is rows of the agency that sends it, and its number, at the central',
    (bets, agency, number) => {
      const { batch } = newAgency();
      const added = bets.filter(bet => batch.add(fieldsOf(textsOf(bet))) === 'added');
      const central = dialect.central(DEFAULT_LIMITS);
      central.push(batch.takeNumbered(number));
      const message = central.next();
      if (message?.kind !== 'numbered-batch') return expect.fail(`heard ${message?.kind}`);
      expect(message.seq).toBe(number);
      const read = central.readBets(message, agency);
      if (!('rows' in read)) return expect.fail(`refused for ${read.reason}`);
      expect({ ...read, rows: Buffer.from(read.rows).toString() }).toEqual({
        agency,
        count: added.length,
        rows: rowsOf(added.map((bet): Bet => ({ ...bet, agency }))).toString(),
      });
      expect(batch.count).toBe(0);
    },
  );

  /** Cuts bets into frames; the numbers of the batches begin with `first`. */
  function framesOf(bets: readonly string[][], payloadBytesMax: number, first: number): Uint8Array[] {
    const { batch } = newAgency({ ...DEFAULT_LIMITS, payloadBytesMax });
    const frames: Uint8Array[] = [];
    const take = (): void => void frames.push(batch.takeNumbered(first + frames.length));
    for (const texts of bets) {
      if (batch.add(fieldsOf(texts)) === 'added') continue;
      take();
      expect(batch.add(fieldsOf(texts))).toBe('added');
    }
    take();
    return frames;
  }

  const limit = fc.oneof(fc.constant(8184), fc.integer({ min: 1024, max: 8184 }));
  const lengths = fc.tuple(
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 1, max: 10 }),
  );

  test.prop([limit, fc.array(lengths, { minLength: 10, maxLength: 150, size: 'max' })], { numRuns: 200 })(
    'never exceeds the limit, and is cut at the same bet whatever its number is',
    (payloadBytesMax, all) => {
      const bets = all.map(([first, last, digits]) => [
        'x'.repeat(first),
        'y'.repeat(last),
        '1'.repeat(digits),
        '1999-03-17',
        '1',
      ]);
      const cuts = [1, 9_999, SEQ_MAX - 200].map(first =>
        framesOf(bets, payloadBytesMax, first).map((frame, index) => {
          expect(frame.length).toBeLessThanOrEqual(8 + payloadBytesMax);
          expect(frame.length).toBeLessThanOrEqual(8192);
          const [number, count, ...fields] = Buffer.from(frame.subarray(8)).toString().split('|');
          expect(number).toBe(String(first + index));
          expect(fields).toHaveLength(5 * Number(count));
          return fields;
        }),
      );
      expect(cuts[0]!.flat()).toEqual(bets.flat());
      expect(cuts[1]).toEqual(cuts[0]);
      expect(cuts[2]).toEqual(cuts[0]);
    },
  );

  test('has room for the longest bet there is with the largest number in the smallest payload', () => {
    const longest = ['x'.repeat(255), 'ñ'.repeat(127), '0123456789', '2000-02-29', '0000009999'];
    const [frame] = framesOf([longest], 1024, SEQ_MAX);
    expect(Buffer.from(frame!).equals(frameOf('SBET', `${SEQ_MAX}|1|${longest.join('|')}`))).toBe(true);
  });
});
