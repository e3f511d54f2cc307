import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createCheckWinDialect } from '../../src/wire/dialects/check-win.ts';
import { createCsvFramesDialect } from '../../src/wire/dialects/csv-frames.ts';
import { createOpCodesDialect } from '../../src/wire/dialects/op-codes.ts';
import { createPushCodesDialect } from '../../src/wire/dialects/push-codes.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { CHECK_WIN } from '../golden/check-win.ts';
import { CSV_FRAMES } from '../golden/csv-frames.ts';
import { LORCA, NANDU } from '../golden/golden.ts';
import { OP_CODES } from '../golden/op-codes.ts';
import { PUSH_CODES } from '../golden/push-codes.ts';
import {
  ascii,
  bytes,
  counted,
  golden,
  joined,
  NOTHING,
  patched,
  type RawBet,
  type SpokenDialect,
  textsOf,
  u16,
  u32,
} from './spoken-dialect.ts';

/**
 * The five dialects of the central's listeners as the page describes them, in bytes that are put together here: none of our
 * encoders has a part in them. `golden` ties them to the tables of golden bytes.
 */

const TOO_FEW_0 = { code: 'invalid-bet', detail: 'bet 0, batch, too-few-fields' } as const;
const TOO_FEW_1 = { code: 'invalid-bet', detail: 'bet 1, batch, too-few-fields' } as const;

function tp0(): SpokenDialect {
  const frame = (type: string, payload: Uint8Array | string): Buffer =>
    joined(ascii(type.padEnd(4, '\0')), counted(u32, payload));
  const fields = (bet: RawBet): Buffer => joined(...textsOf(bet).flatMap(text => ['|', text]));
  const nbet = (count: number, ...bets: readonly RawBet[]): Buffer =>
    frame('NBET', joined(String(count), bets.length === 0 ? '|' : '', ...bets.map(fields)));
  const hello = (agency: number): Buffer => frame('CONN', String(agency));
  const one = nbet(1, LORCA);
  const NOK = bytes('4e4f4b00');
  const winners = (...documents: readonly string[]): Buffer[] => [
    frame('RWIN', [documents.length, documents.join('|')].join('|')),
  ];
  return {
    name: 'tp0',
    dialect: createResumableDialect(new PlainBetReader()),
    winners: 'asked',
    questionsApart: false,
    outlivesRefusedBatch: false,
    hello,
    batch: (_, ...bets) => nbet(bets.length, ...bets),
    allSent: () => bytes('454e4400'),
    question: () => bytes('4757494e'),
    accepted: () => bytes('4f4b0000'),
    finished: bytes('4f4b0000'),
    refused: () => NOK,
    refusedUnknown: () => NOK,
    notYet: bytes('4e454e44'),
    winnersFrames: winners,
    numberMax: '9999999999',
    documentIsText: true,
    lies: [
      { what: 'a length of 4 GiB', bytes: patched(one, 4, 'ffffffff'), ...tooLarge('NBET', 4_294_967_295) },
      {
        what: 'a length that is one too high for it',
        bytes: patched(one, 4, '00001ff9'),
        ...tooLarge('NBET', 8185),
      },
      // One byte less would be the bet with the number 757, of which nobody can know that it is not meant.
      { what: 'a length that is five too low', bytes: patched(one, 7, '2b'), ...TOO_FEW_0 },
      {
        what: 'a length that reaches into the next message',
        bytes: patched(one, 7, '32'),
        code: 'invalid-bet',
        detail: 'bet 0, number, not-digits',
      },
      { what: 'more bets than it has', bytes: nbet(2, LORCA), ...TOO_FEW_1 },
      {
        what: 'fewer bets than it has',
        bytes: nbet(1, LORCA, NANDU),
        code: 'invalid-bet',
        detail: 'bet 1, batch, too-many-fields',
      },
    ],
    another: [
      {
        what: 'CONN',
        bytes: hello(2),
        code: 'malformed',
        detail: 'the agency has identified itself already',
      },
    ],
    // The examples of the page.
    golden: [
      ['CONN', hello(1), '434f4e4e0000000131'],
      [
        'NBET',
        one,
        '4e42455400000030317c53616e746961676f204c696f6e656c7c4c6f7263617c33303930343436357c313939392d30332d31377c37353734',
      ],
      [
        'RWIN',
        joined(...winners('30904465', '30876370')),
        '5257494e00000013327c33303930343436357c3330383736333730',
      ],
    ],
  };
}

function tooLarge(name: string, length: number, most = 8184) {
  return {
    code: 'payload-too-large',
    detail: `${name} of ${length} bytes, at most ${most} are taken`,
  } as const;
}

function pushCodes(): SpokenDialect {
  const name = (text: string | Uint8Array): Buffer => counted(length => Buffer.of(length), text);
  const packet = (bet: RawBet): Buffer =>
    counted(
      u16,
      joined(
        name(bet.firstName),
        name(bet.lastName),
        bet.birthdate,
        u32(Number(bet.document)),
        u32(Number(bet.number)),
      ),
    );
  const batch = (...bets: readonly RawBet[]): Buffer => counted(u16, joined(...bets.map(packet)));
  const winners = (...documents: readonly string[]): Buffer[] => [
    joined(bytes('2329'), counted(u16, joined(...documents.map(document => u32(Number(document)))))),
  ];
  const one = batch(LORCA);
  return {
    name: 'push-codes',
    dialect: createPushCodesDialect(),
    winners: 'sent',
    questionsApart: false,
    outlivesRefusedBatch: false,
    hello: agency => Buffer.of(agency),
    batch: (_, ...bets) => batch(...bets),
    allSent: () => bytes('2328'),
    accepted: () => ascii('ACK'),
    finished: NOTHING,
    refused: () => ascii('ERR'),
    // It has said nothing that is answered.
    refusedUnknown: () => NOTHING,
    notYet: NOTHING,
    winnersFrames: winners,
    numberMax: '4294967295',
    documentIsText: false,
    lies: [
      {
        what: 'a length that is one too high for it',
        bytes: patched(one, 0, '1fff'),
        ...tooLarge('a batch', 8191, 8190),
      },
      { what: 'the largest length', bytes: patched(one, 0, 'ffff'), ...tooLarge('a batch', 65_535, 8190) },
      { what: 'a length that reaches into the next message', bytes: patched(one, 0, '002b'), ...TOO_FEW_1 },
      { what: 'a length that is one too low', bytes: patched(one, 0, '0029'), ...TOO_FEW_0 },
      { what: 'a packet that is one too long', bytes: patched(one, 2, '0029'), ...TOO_FEW_0 },
      { what: 'a packet that is one too short', bytes: patched(one, 2, '0027'), ...TOO_FEW_0 },
      { what: 'a packet of nothing', bytes: bytes('0002 0000'), ...TOO_FEW_0 },
      { what: 'a name that is one too long', bytes: patched(one, 4, '10'), ...TOO_FEW_0 },
      { what: 'a name that is one too short', bytes: patched(one, 4, '0e'), ...TOO_FEW_0 },
      { what: 'a name of 255 bytes', bytes: patched(one, 4, 'ff'), ...TOO_FEW_0 },
      {
        what: 'a packet with a byte more than its fields',
        bytes: joined(bytes('002b 0029'), one.subarray(4), '!'),
        code: 'invalid-bet',
        detail: 'bet 0, batch, too-many-fields',
      },
    ],
    // The first byte of a connection says whose it is, and nothing behind it can.
    another: [],
    golden: [
      ['hello', Buffer.of(1), golden(PUSH_CODES, 'hello')],
      ['batch', one, golden(PUSH_CODES, 'batch')],
      ['batch of two', batch(LORCA, NANDU), golden(PUSH_CODES, 'batch of two')],
      ['notification', bytes('2328'), golden(PUSH_CODES, 'notification')],
      ['acknowledgement', ascii('ACK'), golden(PUSH_CODES, 'acknowledgement')],
      ['error', ascii('ERR'), golden(PUSH_CODES, 'error')],
      ['two winners', joined(...winners('30904465', '30876370')), golden(PUSH_CODES, 'two winners')],
    ],
  };
}

function checkWin(): SpokenDialect {
  const frame = (type: string, ...fields: readonly (string | Uint8Array)[]): Buffer => {
    const payload = joined(...fields.map(field => counted(u32, field)));
    return joined(u32(payload.length), type, payload);
  };
  const batch = (agency: number, ...bets: readonly RawBet[]): Buffer =>
    frame('B', String(agency), ...bets.flatMap(textsOf));
  const one = batch(1, LORCA);
  const error = frame('E', '0');
  const winners = (...documents: readonly string[]): Buffer[] => [frame('W', ...documents)];
  const otherAgency = { code: 'malformed', detail: 'the connection is that of agency 1' } as const;
  return {
    name: 'check-win',
    dialect: createCheckWinDialect(),
    winners: 'asked',
    questionsApart: true,
    outlivesRefusedBatch: false,
    hello: () => NOTHING,
    batch,
    allSent: agency => frame('F', String(agency)),
    question: agency => frame('Q', String(agency)),
    accepted: bets => frame('0', String(bets)),
    finished: NOTHING,
    refused: () => error,
    refusedUnknown: () => error,
    notYet: frame('Q'),
    winnersFrames: winners,
    numberMax: '9999999999',
    documentIsText: true,
    lies: [
      {
        what: 'a length of 4 GiB',
        bytes: patched(one, 0, 'ffffffff'),
        ...tooLarge('B', 4_294_967_295, 8202),
      },
      {
        what: 'a length that is one too high for it',
        bytes: patched(one, 0, '0000200b'),
        ...tooLarge('B', 8203, 8202),
      },
      { what: 'a length that reaches into the next message', bytes: patched(one, 3, '44'), ...TOO_FEW_1 },
      { what: 'a length that is one too low', bytes: patched(one, 3, '42'), ...TOO_FEW_0 },
      { what: 'a number that is one too long', bytes: patched(one, one.length - 5, '05'), ...TOO_FEW_0 },
      { what: 'a name of 4 GiB', bytes: patched(one, 10, 'ffffffff'), ...TOO_FEW_0 },
      { what: 'a name that is one too short', bytes: patched(one, 13, '0e'), ...TOO_FEW_0 },
      {
        what: 'an agency that is longer than the frame',
        bytes: patched(one, 5, '00000040'),
        code: 'malformed',
        detail: 'B without an agency id from 1 to 65535',
      },
      {
        what: 'an agency beyond 65535',
        bytes: batch(65_536, LORCA),
        code: 'malformed',
        detail: 'B without an agency id from 1 to 65535',
      },
    ],
    another: [
      { what: 'its batch', bytes: batch(2, NANDU), ...otherAgency },
      { what: 'the end of its bets', bytes: frame('F', '2'), ...otherAgency, unanswered: true },
      { what: 'its question', bytes: frame('Q', '2'), ...otherAgency },
    ],
    golden: [
      ['batch', one, golden(CHECK_WIN, 'batch')],
      [
        'batch of two',
        batch(12, LORCA, NANDU),
        golden(CHECK_WIN, 'batch of two, of an agency of two digits'),
      ],
      ['batch of none', batch(1), golden(CHECK_WIN, 'batch of none')],
      ['all sent', frame('F', '1'), golden(CHECK_WIN, 'all sent')],
      ['question', frame('Q', '1'), golden(CHECK_WIN, 'question')],
      ['acknowledgement', frame('0', '130'), golden(CHECK_WIN, 'acknowledgement of many')],
      ['error', error, golden(CHECK_WIN, 'error')],
      ['not yet', frame('Q'), golden(CHECK_WIN, 'not yet')],
      ['two winners', joined(...winners('30904465', '30876370')), golden(CHECK_WIN, 'two winners')],
    ],
  };
}

function csvFrames(): SpokenDialect {
  const data = (payload: string | Uint8Array): Buffer =>
    counted(length => ascii(`${String(length).padStart(4, '0')}0`), payload);
  const line = (bet: RawBet): Buffer =>
    joined(...textsOf(bet).flatMap((text, index) => (index === 0 ? [text] : [',', text])), '/');
  const batch = (...bets: readonly RawBet[]): Buffer => data(joined(...bets.map(line)));
  const END = ascii('00001');
  const one = batch(LORCA);
  const winners = (...documents: readonly string[]): Buffer[] => [...documents.map(data), END];
  return {
    name: 'csv-frames',
    dialect: createCsvFramesDialect(),
    winners: 'sent',
    questionsApart: false,
    outlivesRefusedBatch: false,
    hello: agency => data(String(agency)),
    batch: (_, ...bets) => batch(...bets),
    allSent: () => END,
    accepted: () => ascii('00030ACK'),
    finished: NOTHING,
    // There are no bytes for it: the connection is closed.
    refused: () => NOTHING,
    refusedUnknown: () => NOTHING,
    notYet: NOTHING,
    winnersFrames: winners,
    numberMax: '9999999999',
    documentIsText: true,
    lies: [
      { what: 'the largest length', bytes: patched(one, 0, '39393939'), ...tooLarge('a frame', 9999) },
      {
        what: 'a length that is one too high for it',
        bytes: patched(one, 0, '38313835'),
        ...tooLarge('a frame', 8185),
      },
      { what: 'a length that reaches into the next message', bytes: patched(one, 3, '38'), ...TOO_FEW_1 },
      { what: 'a length that is one too low', bytes: patched(one, 3, '36'), ...TOO_FEW_0 },
      {
        what: 'a length that is no number',
        bytes: patched(one, 2, '78'),
        code: 'malformed',
        detail: 'a frame whose length is not 4 digits',
      },
      {
        what: 'a length below zero',
        bytes: patched(one, 0, '2d'),
        code: 'malformed',
        detail: 'a frame whose length is not 4 digits',
      },
      {
        what: 'a flag that there is not',
        bytes: patched(one, 4, '32'),
        code: 'unknown-message',
        detail: 'a frame whose flag is not 0 or 1',
      },
      {
        what: 'an end with a payload',
        bytes: patched(one, 4, '31'),
        code: 'malformed',
        detail: 'an end of 47 bytes',
      },
    ],
    // The first frame says whose the connection is; a second one is a batch whose only line is broken off.
    another: [{ what: 'a first frame again', bytes: data('2'), ...TOO_FEW_0 }],
    golden: [
      ['hello', data('12'), golden(CSV_FRAMES, 'agency id of two digits')],
      ['batch', one, golden(CSV_FRAMES, 'batch')],
      ['batch of two', batch(LORCA, NANDU), golden(CSV_FRAMES, 'batch of two')],
      ['end', END, golden(CSV_FRAMES, 'end of bets')],
      ['acknowledgement', ascii('00030ACK'), golden(CSV_FRAMES, 'acknowledgement')],
      ['two winners', joined(...winners('30904465', '30876370')), golden(CSV_FRAMES, 'two winners')],
    ],
  };
}

function opCodes(): SpokenDialect {
  const betOf = (agency: number, bet: RawBet): Buffer =>
    joined(
      Buffer.of(1, agency),
      ...textsOf(bet)
        .slice(0, 4)
        .map(text => counted(u16, text)),
      u16(Number(bet.number)),
    );
  const batch = (agency: number, ...bets: readonly RawBet[]): Buffer =>
    joined(bytes('03'), u16(bets.length), ...bets.map(bet => betOf(agency, bet)));
  const answer = (code: number, text = ''): Buffer => joined(Buffer.of(2, code), counted(u16, text));
  const winners = (...documents: readonly string[]): Buffer[] => [
    answer(4),
    joined(bytes('05'), u16(documents.length), ...documents.map(document => counted(u16, document))),
  ];
  const one = batch(1, LORCA);
  const listTooLong = (least: number) =>
    ({
      code: 'payload-too-large',
      detail: `a list of at least ${least} bytes, at most 8192 are taken`,
    }) as const;
  const otherAgency = { code: 'malformed', detail: 'the connection is that of agency 1' } as const;
  return {
    name: 'op-codes',
    dialect: createOpCodesDialect(),
    winners: 'asked',
    questionsApart: false,
    outlivesRefusedBatch: true,
    hello: () => NOTHING,
    batch,
    allSent: agency => Buffer.of(4, agency, 0),
    question: agency => Buffer.of(4, agency, 1),
    accepted: () => answer(1),
    finished: NOTHING,
    refused: detail => answer(2, detail),
    refusedUnknown: detail => answer(2, detail),
    notYet: answer(3),
    winnersFrames: winners,
    numberMax: '65535',
    documentIsText: true,
    lies: [
      // Besides the bet that is there: 65,534 without any text, of 12 bytes each.
      { what: '65535 bets', bytes: patched(one, 1, 'ffff'), ...listTooLong(53 + 65_534 * 12) },
      {
        what: 'more bets than it has',
        bytes: patched(one, 1, '0002'),
        code: 'malformed',
        detail: 'operation 3 in the place of a bet',
      },
      {
        what: 'fewer bets than it has, none',
        bytes: patched(one, 1, '0000'),
        code: 'unknown-message',
        detail: 'operation 1',
        before: answer(1),
      },
      { what: 'a name of 65535 bytes', bytes: patched(one, 5, 'ffff'), ...listTooLong(3 + 12 + 65_535) },
      // What is left of the name is the beginning of the next length.
      {
        what: 'a name that is one too short',
        bytes: patched(one, 5, '000e'),
        ...listTooLong(3 + 12 + 14 + 0x6c00),
      },
      {
        what: 'a bet of another agency',
        bytes: joined(bytes('03 0002'), betOf(1, LORCA), betOf(2, NANDU)),
        code: 'malformed',
        detail: 'bets of more than one agency in a batch',
      },
      {
        what: 'agency 0',
        bytes: patched(one, 4, '00'),
        code: 'malformed',
        detail: 'agency 0, ids are from 1 to 255',
      },
    ],
    another: [
      { what: 'its batch', bytes: batch(2, NANDU), ...otherAgency },
      { what: 'the end of its bets', bytes: Buffer.of(4, 2, 0), ...otherAgency, unanswered: true },
      { what: 'its question', bytes: Buffer.of(4, 2, 1), ...otherAgency },
    ],
    golden: [
      ['batch', one, golden(OP_CODES, 'batch')],
      ['batch of two', batch(12, LORCA, NANDU), golden(OP_CODES, 'batch of two, of an agency of two digits')],
      ['batch of none', batch(1), golden(OP_CODES, 'batch of none')],
      ['all sent', Buffer.of(4, 1, 0), golden(OP_CODES, 'all sent')],
      ['ask', Buffer.of(4, 1, 1), golden(OP_CODES, 'ask')],
      ['stored', answer(1), golden(OP_CODES, 'stored')],
      ['error', answer(2, 'no'), golden(OP_CODES, 'error in the batch')],
      ['not yet', answer(3), golden(OP_CODES, 'not yet')],
      ['two winners', joined(...winners('30904465', '30876370')), golden(OP_CODES, 'two winners')],
    ],
  };
}

export const SPOKEN: readonly SpokenDialect[] = [tp0(), pushCodes(), checkWin(), csvFrames(), opCodes()];

/** One of them by its name. */
export function spoken(name: SpokenDialect['name']): SpokenDialect {
  return SPOKEN.find(candidate => candidate.name === name)!;
}
