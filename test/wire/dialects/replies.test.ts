import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ClientMessage, ServerMessage } from '../../../src/wire/message.ts';
import { refusalOfReply } from '../../contract/codec-contract.ts';
import { outcomeOf } from '../../contract/decoding.ts';
import { ascii, bytes, NOTHING } from '../../contract/spoken-dialect.ts';
import { spoken } from '../../contract/spoken-dialects.ts';
import { LORCA } from '../../golden/golden.ts';
import { range } from '../../support/base-frames.ts';

/** The replies of a dialect, and those that it cannot encode. */

type To = ClientMessage['kind'] | undefined;

const ACCEPTED: ServerMessage = { kind: 'accepted', bets: 0 };
const refusal = { code: 'invalid-bet', detail: 'bet 0, document, not-digits' } as const;
const REFUSED: ServerMessage = { kind: 'refused', refusal };
const BETS_REFUSED: ServerMessage = { kind: 'bets-refused', refusal };
const STILL_HERE: ServerMessage = { kind: 'still-here' };

const ERROR = bytes('00000005 45 00000001 30');
const answer2 = spoken('op-codes').refused(refusal.detail);

const REPLIES: Readonly<Record<string, readonly (readonly [ServerMessage, To, Buffer])[]>> = {
  'push-codes': [
    [ACCEPTED, 'empty-batch', ascii('ACK')],
    [REFUSED, 'empty-batch', ascii('ERR')],
    [ACCEPTED, 'finish', NOTHING],
    [REFUSED, 'identify', NOTHING],
    [REFUSED, 'finish', NOTHING],
    [REFUSED, 'await-winners', NOTHING],
    [STILL_HERE, undefined, NOTHING],
  ],
  'check-win': [
    [ACCEPTED, 'finish', NOTHING],
    [REFUSED, 'finish', NOTHING],
    [BETS_REFUSED, 'batch', ERROR],
    [REFUSED, 'ask-winners', ERROR],
    [REFUSED, undefined, ERROR],
    [STILL_HERE, undefined, NOTHING],
  ],
  'csv-frames': [
    [ACCEPTED, 'empty-batch', ascii('00030ACK')],
    [ACCEPTED, 'finish', NOTHING],
    [REFUSED, 'identify', NOTHING],
    [REFUSED, 'batch', NOTHING],
    [REFUSED, undefined, NOTHING],
    [STILL_HERE, undefined, NOTHING],
  ],
  'op-codes': [
    [ACCEPTED, 'empty-batch', bytes('02 01 0000')],
    [ACCEPTED, 'finish', NOTHING],
    [REFUSED, 'finish', NOTHING],
    [BETS_REFUSED, 'batch', answer2],
    [REFUSED, 'ask-winners', answer2],
    [REFUSED, undefined, answer2],
    [STILL_HERE, undefined, NOTHING],
  ],
};

describe.each(Object.entries(REPLIES))('%s', (name, replies) => {
  test.each(replies)('encodes %j to %s', (reply, to, expected) => {
    const frames = spoken(name).dialect.central(DEFAULT_LIMITS).encode(reply, to);
    expect(Buffer.concat(frames).toString('hex')).toBe(expected.toString('hex'));
  });
});

describe('push-codes', () => {
  const { dialect, hello, allSent, batch } = spoken('push-codes');

  test('answers undecodable bytes only while the peer reads an answer', () => {
    const central = dialect.central(DEFAULT_LIMITS);
    const reply = (): string => Buffer.concat(central.encode(REFUSED)).toString('latin1');
    const replies = [reply()];
    central.push(hello(1));
    central.next();
    replies.push(reply());
    central.push(allSent(1));
    for (const _ of range(2)) {
      central.next();
      replies.push(reply());
    }
    expect(replies).toEqual(['', 'ERR', '', '']);
  });

  test('decodes 9000 as the end of the bets, never as a batch length', () => {
    const central = dialect.central({ ...DEFAULT_LIMITS, payloadBytesMax: 60_000 });
    central.push(Buffer.concat([hello(1), bytes('2328'), bytes('2329'), Buffer.alloc(9001)]));
    const kinds = range(4).map(() => central.next()?.kind);
    expect(kinds).toEqual(['identify', 'finish', 'await-winners', 'batch']);
  });

  test('decodes a name of 255 bytes, which the original server refuses', () => {
    const long = batch(1, { ...LORCA, firstName: 'x'.repeat(255) });
    expect(outcomeOf(dialect.central(DEFAULT_LIMITS), [hello(1), long]).refusal).toBeUndefined();
  });
});

test.each(['push-codes', 'csv-frames'])(
  '%s has nothing pending between finish and await-winners',
  name => {
    const { dialect, hello, allSent } = spoken(name);
    const central = dialect.central(DEFAULT_LIMITS);
    central.push(Buffer.concat([hello(1), allSent(1)]));
    central.next();
    expect([central.next(), central.pending]).toEqual([{ kind: 'finish' }, false]);
    expect(central.next()).toEqual({ kind: 'await-winners' });
  },
);

test('csv-frames bounds the winners of one answer, not of a connection', () => {
  const { dialect } = spoken('csv-frames');
  const limits = { ...DEFAULT_LIMITS, replyPayloadBytesMax: 26 };
  const winner = ascii('0008030904465');
  const end = ascii('00001');
  const twice = [winner, winner, end, winner, winner, end];
  expect(outcomeOf(dialect.agency(limits, 1), twice).messages).toHaveLength(2);
  const more = outcomeOf(dialect.agency(limits, 1), [winner, winner, ascii('000101')]);
  expect(more.refusal).toContain('payload-too-large: winners of more than 26 bytes');
});

test('op-codes shortens the detail of a refusal', () => {
  const { dialect, refused } = spoken('op-codes');
  const reply = {
    kind: 'refused',
    refusal: { code: 'storage', detail: 'ñ'.repeat(70_000) },
  } as const;
  const frames = dialect.central(DEFAULT_LIMITS).encode(reply, 'batch');
  expect(Buffer.concat(frames).equals(refused('ñ'.repeat(500)))).toBe(true);
});

describe('the encoder of winners', () => {
  const most = { 'push-codes': 16_383, 'op-codes': 65_535 };

  test.each(Object.entries(most))('of %s encodes at most %i', (name, count) => {
    const documents = range(count).map(String);
    expect(refusalOfReply(spoken(name).dialect, documents)).toBe('encoded');
    const refused = refusalOfReply(spoken(name).dialect, [...documents, '1']);
    expect(refused).toContain(`malformed: ${count + 1} winners`);
  });

  test.each(['check-win', 'csv-frames', 'op-codes'])('of %s encodes 60,000', name => {
    const documents = range(60_000).map(String);
    const winners: ServerMessage = { kind: 'winners', documents };
    const frames = spoken(name).dialect.central(DEFAULT_LIMITS).encode(winners, 'ask-winners');
    const agency = spoken(name).dialect.agency(DEFAULT_LIMITS, 1);
    expect(outcomeOf(agency, [Buffer.concat(frames)]).messages).toEqual([winners]);
  });

  const notDocuments = {
    'push-codes': ['4294967296', '9999999999', '007', '00', '', '-1', '1.5', '1e3', 'x1'],
    'csv-frames': ['', '1'.repeat(10_000)],
  };

  test.each(Object.entries(notDocuments))(
    'of %s refuses a document without quoting it',
    (name, texts) => {
      for (const text of texts) {
        const refused = refusalOfReply(spoken(name).dialect, ['30904465', text]);
        expect(refused).toContain('malformed: a document');
        if (text !== '') expect(refused.slice('malformed'.length)).not.toContain(` ${text} `);
      }
    },
  );
});
