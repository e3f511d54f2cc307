import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import type { CentralCodec, Decoder, Dialect } from '../../src/wire/dialect.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/wire/limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../../src/wire/message.ts';
import { WireError } from '../../src/wire/refusal.ts';
import { type GoldenMessage, hexOf, LORCA } from '../golden/golden.ts';
import { betWith, document, rowsOf, textsOf, validBet } from '../lottery/bets.ts';
import { cutAt, everyCut, places } from '../lottery/cuts.ts';
import { outcomeOf } from './decoding.ts';
import { defectsOf } from './dialect-refusals.ts';
import type { RawBet } from './spoken-dialect.ts';

/** Bytes that a decoder refuses, and the beginning of the refusal: code, then detail. */
export type Reject = readonly [what: string, bytes: Uint8Array, refusal: string];

export interface HalfTable {
  readonly rejects: readonly Reject[];
  /** Incomplete messages within the limits: the decoder waits for the rest. */
  readonly waits: readonly Uint8Array[];
  /** Unusual bytes, and their message. */
  readonly accepts: readonly (readonly [what: string, bytes: Uint8Array, message: object])[];
}

export interface CodecCase {
  readonly dialect: Dialect;
  readonly golden: readonly GoldenMessage[];
  /** Bytes that precede all others to the central. */
  readonly hello: Uint8Array;
  /** A batch of `agency`, encoded by the test. */
  readonly batch: (agency: number, ...bets: readonly RawBet[]) => Buffer;
  /** Longest frame of a batch of our agency. */
  readonly batchBytesMax: (limits: Limits) => number;
  /** Unused bytes of a full batch, because its count may have fewer digits. */
  readonly slackBytes: number;
  readonly isSendable: (bet: Bet) => boolean;
  /** Whether a batch keeps leading zeros of a number. */
  readonly keepsZeros: boolean;
  readonly numberMax: string;
  readonly documentIsText: boolean;
  readonly central: HalfTable;
  readonly agency: HalfTable;
}

type Message = ClientMessage | ServerAnswer;

const SMALLEST: Limits = { ...DEFAULT_LIMITS, payloadBytesMax: 1024 };
const LONGEST = ['x'.repeat(255), 'ñ'.repeat(127), '0123456789', '2000-02-29', '0000009997'];

/** The contract of every codec. The tables have the specifics of a dialect. */
export function describeCodec(codec: CodecCase): void {
  const { dialect } = codec;
  const bytesOf = ({ fields }: GoldenMessage): Buffer => Buffer.from(hexOf(fields), 'hex');
  const of = (from: GoldenMessage['from']): Buffer[] =>
    codec.golden
      .filter(message => message.from === from && message.meaning.kind !== 'identify')
      .map(bytesOf);
  const newAgency = (limits = DEFAULT_LIMITS, id = 1) => dialect.agency(limits, id);
  const newCentral = (limits = DEFAULT_LIMITS): CentralCodec => {
    const central = dialect.central(limits);
    central.push(codec.hello);
    while (central.next() !== undefined);
    return central;
  };
  describeDecoder('central', newCentral, of('client'), codec.central);
  describeDecoder('agency', newAgency, of('server'), codec.agency);
  describeBatches(codec, newCentral);
  describeEncoder(codec);

  test('the configuration limits batches and replies', () => {
    const long = codec.batch(1, ...Array.from({ length: 60 }, () => LORCA));
    expect(outcomeOf(newCentral(), [long]).refusal).toBeUndefined();
    expect(outcomeOf(newCentral(SMALLEST), [long]).refusal).toContain('payload-too-large');
    const documents = Array.from({ length: 20 }, (_, index) => String(30_000_000 + index));
    const winners = newCentral().encode({ kind: 'winners', documents }, 'ask-winners');
    expect(outcomeOf(newAgency(), winners).refusal).toBeUndefined();
    const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 32 };
    expect(outcomeOf(newAgency(limits), winners).refusal).toContain('payload-too-large');
  });
}

function describeDecoder(
  half: string,
  create: () => Decoder<Message>,
  messages: readonly Buffer[],
  { rejects, waits, accepts }: HalfTable,
): void {
  describe(`the decoder of the ${half}`, () => {
    const stream = Buffer.concat(messages);
    const alone = messages.map(bytes => outcomeOf(create(), [bytes]).messages);

    test('decodes the same messages at every cut, and byte by byte', () => {
      for (const pieces of everyCut(stream)) {
        const outcome = outcomeOf(create(), pieces);
        expect(outcome).toEqual({ messages: alone.flat(), pending: false });
      }
    });

    const sequence = fc.array(fc.nat(messages.length - 1), { maxLength: 12 });

    test.prop([sequence, places], { numRuns: 300 })(
      'decodes any sequence of messages, in chunks of any size',
      (indexes, cuts) => {
        const bytes = Buffer.concat(indexes.map(index => messages[index]!));
        const outcome = outcomeOf(create(), cutAt(bytes, cuts));
        const expected = indexes.flatMap(index => alone[index]!);
        expect(outcome).toEqual({ messages: expected, pending: false });
      },
    );

    test('waits for the rest of a truncated message, at every place', () => {
      let complete: object[] = [];
      for (const [index, bytes] of messages.entries()) {
        const before = Buffer.concat(messages.slice(0, index));
        for (let length = 1; length < bytes.length; length += 1) {
          const pieces = [before, bytes.subarray(0, length)];
          expect(outcomeOf(create(), pieces)).toEqual({ messages: complete, pending: true });
        }
        complete = [...complete, ...alone[index]!];
      }
    });

    test.prop([fc.uint8Array({ maxLength: 300 }), places], { numRuns: 500 })(
      'decodes or refuses arbitrary bytes, the same way for every cut',
      (bytes, cuts) => {
        const whole = outcomeOf(create(), [bytes]);
        const inPieces = outcomeOf(create(), cutAt(bytes, cuts));
        // Fewer bytes may have another fault first.
        const refused = (text?: string): string => (text === undefined ? 'no' : 'yes');
        expect({ ...inPieces, refusal: refused(inPieces.refusal) }).toEqual({
          ...whole,
          refusal: refused(whole.refusal),
        });
      },
    );

    test.each(rejects)('refuses %s', (_, bytes, refusal) => {
      const outcome = outcomeOf(create(), [bytes]);
      expect(outcome.refusal ?? 'nothing').toContain(refusal);
      const bytewise = outcomeOf(
        create(),
        Array.from(bytes, byte => Uint8Array.of(byte)),
      );
      const codeOf = (text = ''): string => text.slice(0, text.indexOf(':'));
      expect(codeOf(bytewise.refusal)).toBe(codeOf(outcome.refusal));
    });

    if (waits.length > 0) {
      test.each(waits.map(bytes => [Buffer.from(bytes).toString('hex'), bytes] as const))(
        'waits for the rest of %s, which is within the limits',
        (_, bytes) => {
          expect(outcomeOf(create(), [bytes])).toEqual({ messages: [], pending: true });
        },
      );
    }

    if (accepts.length > 0) {
      test.each(accepts)('accepts %s', (_, bytes, message) => {
        expect(outcomeOf(create(), [bytes])).toEqual({ messages: [message], pending: false });
      });
    }
  });
}

function describeBatches(codec: CodecCase, newCentral: (limits?: Limits) => CentralCodec): void {
  /** The rows of a batch of `agency`, or its fault. */
  function read(bytes: Uint8Array, agency = 1) {
    const central = newCentral({ ...DEFAULT_LIMITS, payloadBytesMax: 60_000 });
    central.push(bytes);
    const message = central.next();
    if (message === undefined || !('payload' in message)) return expect.fail('no batch');
    const batch = central.readBets(message, agency);
    return 'rows' in batch ? { ...batch, rows: Buffer.from(batch.rows).toString() } : batch;
  }

  describe('the bets of a batch', () => {
    test.prop([
      fc.array(validBet, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 255 }),
    ])('become rows, whatever their names contain', (bets, agency) => {
      const sendable = bets.filter(codec.isSendable).map(bet => ({ ...bet, agency }));
      fc.pre(sendable.length > 0);
      const raw = sendable.map(bet => ({ ...bet, number: String(bet.number) }));
      const rows = rowsOf(sendable).toString();
      expect(read(codec.batch(agency, ...raw), agency)).toEqual({
        agency,
        count: raw.length,
        rows,
      });
    });

    test.each(defectsOf(codec))('are refused for $what', ({ bet, detail }) => {
      const [field, reason] = detail.split(', ');
      const bad = codec.batch(1, LORCA, LORCA, { ...LORCA, ...bet }, LORCA);
      expect(read(bad)).toEqual({ count: 4, index: 2, field, reason });
      expect(read(codec.batch(1, LORCA))).toMatchObject({ agency: 1, count: 1 });
    });
  });
}

function describeEncoder({ dialect, ...codec }: CodecCase): void {
  const newAgency = (limits = DEFAULT_LIMITS, id = 1) => dialect.agency(limits, id);
  const lorca = fieldsOf(textsOf(betWith()));
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const rawOf = (bet: Bet): RawBet => ({ ...bet, number: String(bet.number) });

  describe('the encoder', () => {
    test('is empty at first and after each frame, and leaves its frames unchanged', () => {
      const { batch } = newAgency();
      expect([batch.count, hex(batch.take())]).toEqual([0, hex(codec.batch(1))]);
      expect([batch.add(lorca), batch.add(lorca), batch.count]).toEqual(['added', 'added', 2]);
      const two = batch.take();
      expect(batch.count).toBe(0);
      batch.add(fieldsOf(['x', 'y', '1', '2000-01-01', '1']));
      batch.take();
      expect(hex(two)).toBe(hex(codec.batch(1, LORCA, LORCA)));
      batch.add(lorca);
      batch.takeSingle();
      expect(batch.count).toBe(0);
    });

    test('has room for the longest bet in the smallest payload, and requires that room', () => {
      const names = dialect.name === 'push-codes' ? ['x'.repeat(30), '😀'.repeat(30), '1'] : [];
      const longest = [...names, ...LONGEST.slice(names.length)];
      expect(newAgency(SMALLEST).batch.add(fieldsOf(longest))).toBe('added');
      expect(() => newAgency({ ...SMALLEST, payloadBytesMax: 1000 })).toThrow('must have room');
    });

    const bet = validBet.filter(({ number }) => number < 9998);

    test.prop(
      [
        fc.constantFrom(1024, 8184, 20_000),
        fc.array(bet, { minLength: 20, maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 10 }),
      ],
      { numRuns: 25 },
    )(
      'fills each frame to its limit, loses no bet, and skips what the dialect cannot encode',
      (payloadBytesMax, bets, digits) => {
        const limits = { ...DEFAULT_LIMITS, payloadBytesMax };
        const { batch } = newAgency(limits);
        const bytesMax = codec.batchBytesMax(limits);
        let waiting: RawBet[] = [];
        const check = (frame: Uint8Array): void => {
          expect(frame.length).toBeLessThanOrEqual(bytesMax);
          expect(hex(frame)).toBe(hex(codec.batch(1, ...waiting)));
        };
        for (const next of bets) {
          const fields = fieldsOf(textsOf(next, digits));
          const number = String(next.number).padStart(codec.keepsZeros ? digits : 1, '0');
          const raw = { ...rawOf(next), number };
          if (!codec.isSendable(next)) {
            const verdict = batch.add(fields);
            if (verdict !== 'full') expect(verdict).toMatchObject({ field: expect.any(String) });
            continue;
          }
          const { length } = codec.batch(1, ...waiting, raw);
          const added = batch.add(fields);
          if (length + codec.slackBytes <= bytesMax) expect(added).toBe('added');
          if (length > bytesMax) expect(added).toBe('full');
          if (added === 'full') {
            check(batch.take());
            waiting = [];
            expect(batch.add(fields)).toBe('added');
          }
          waiting.push(raw);
          expect(batch.count).toBe(waiting.length);
        }
        check(batch.take());
      },
    );
  });

  describe('a round trip', () => {
    test.prop([fc.integer({ min: 1, max: Math.min(dialect.agencyMax, 65_535) })])(
      'preserves the identity, the end of the bets and the query of any agency',
      id => {
        const agency = newAgency(DEFAULT_LIMITS, id);
        const { winners } = dialect.conversation;
        const frames = [agency.identify() ?? new Uint8Array(), agency.finish()];
        if (winners === 'asked') frames.push(agency.askWinners());
        else expect(() => agency.askWinners()).toThrow('no question');
        const { messages } = outcomeOf(dialect.central(DEFAULT_LIMITS), frames);
        const named = agency.identify() === undefined ? { agency: id } : {};
        expect(messages).toEqual([
          ...(agency.identify() === undefined ? [] : [{ kind: 'identify', agency: id }]),
          { kind: 'finish', ...named },
          winners === 'asked' ? { kind: 'ask-winners', ...named } : { kind: 'await-winners' },
        ]);
      },
    );

    test.prop([fc.array(document, { maxLength: 300 })])('preserves winners', documents => {
      const sendable = documents.filter(text => codec.isSendable(betWith({ document: text })));
      const winners: ServerMessage = { kind: 'winners', documents: sendable };
      const frames = dialect.central(DEFAULT_LIMITS).encode(winners, 'ask-winners');
      expect(outcomeOf(newAgency(), frames).messages).toEqual([winners]);
    });

    if (dialect.agencyMax < 65_535) {
      test('is limited to agency ids that fit a byte', () => {
        expect(() => newAgency(DEFAULT_LIMITS, dialect.agencyMax + 1)).toThrow(RangeError);
      });
    }
  });
}

/** The refusal of a reply that a dialect cannot encode. */
export function refusalOfReply(dialect: Dialect, documents: readonly string[]): string {
  try {
    dialect.central(DEFAULT_LIMITS).encode({ kind: 'winners', documents }, 'ask-winners');
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.message;
  }
  return 'encoded';
}
