import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createCheckWinDialect } from '../../src/wire/dialects/check-win.ts';
import { createCsvFramesDialect } from '../../src/wire/dialects/csv-frames.ts';
import { createOpCodesDialect } from '../../src/wire/dialects/op-codes.ts';
import { createPushCodesDialect } from '../../src/wire/dialects/push-codes.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { LORCA, NANDU } from '../golden/golden.ts';
import {
  ascii,
  bytes,
  counted,
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
 * The five dialects of the central's listeners, encoded as the protocol page describes them,
 * independently of the product's encoders.
 */

const TOO_FEW_0 = { code: 'invalid-bet', detail: 'bet 0, batch, too-few-fields' } as const;

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
    connectionPerQuestion: false,
    survivesRefusedBatch: false,
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
      {
        what: 'a length of 4 GiB',
        bytes: patched(one, 4, 'ffffffff'),
        ...tooLarge('NBET', 4_294_967_295),
      },
      {
        what: 'a count smaller than its bets',
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
    joined(
      bytes('2329'),
      counted(u16, joined(...documents.map(document => u32(Number(document))))),
    ),
  ];
  const one = batch(LORCA);
  return {
    name: 'push-codes',
    dialect: createPushCodesDialect(),
    winners: 'sent',
    connectionPerQuestion: false,
    survivesRefusedBatch: false,
    hello: agency => Buffer.of(agency),
    batch: (_, ...bets) => batch(...bets),
    allSent: () => bytes('2328'),
    accepted: () => ascii('ACK'),
    finished: NOTHING,
    refused: () => ascii('ERR'),
    // It has sent nothing that has an answer.
    refusedUnknown: () => NOTHING,
    notYet: NOTHING,
    winnersFrames: winners,
    numberMax: '4294967295',
    documentIsText: false,
    lies: [
      {
        what: 'a length one above the limit',
        bytes: patched(one, 0, '1fff'),
        ...tooLarge('a batch', 8191, 8190),
      },
      {
        what: 'a packet with an extra byte',
        bytes: joined(bytes('002b 0029'), one.subarray(4), '!'),
        code: 'invalid-bet',
        detail: 'bet 0, batch, too-many-fields',
      },
    ],
    // Only the first byte of a connection names the agency.
    another: [],
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
    connectionPerQuestion: true,
    survivesRefusedBatch: false,
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
        what: 'an agency beyond 65535',
        bytes: batch(65_536, LORCA),
        code: 'malformed',
        detail: 'B without an agency id from 1 to 65535',
      },
    ],
    another: [
      { what: 'a batch', bytes: batch(2, NANDU), ...otherAgency },
      { what: 'the end of the bets', bytes: frame('F', '2'), ...otherAgency, unanswered: true },
      { what: 'a query', bytes: frame('Q', '2'), ...otherAgency },
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
    connectionPerQuestion: false,
    survivesRefusedBatch: false,
    hello: agency => data(String(agency)),
    batch: (_, ...bets) => batch(...bets),
    allSent: () => END,
    accepted: () => ascii('00030ACK'),
    finished: NOTHING,
    // The dialect cannot encode it: the connection is closed.
    refused: () => NOTHING,
    refusedUnknown: () => NOTHING,
    notYet: NOTHING,
    winnersFrames: winners,
    numberMax: '9999999999',
    documentIsText: true,
    lies: [
      {
        what: 'the largest length',
        bytes: patched(one, 0, '39393939'),
        ...tooLarge('a frame', 9999),
      },
      {
        what: 'an end with a payload',
        bytes: patched(one, 4, '31'),
        code: 'malformed',
        detail: 'an end of 47 bytes',
      },
    ],
    // The first frame names the agency; a second one is a batch with a truncated line.
    another: [{ what: 'a second id frame', bytes: data('2'), ...TOO_FEW_0 }],
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
  const answer = (code: number, text = ''): Buffer =>
    joined(Buffer.of(2, code), counted(u16, text));
  const winners = (...documents: readonly string[]): Buffer[] => [
    answer(4),
    joined(
      bytes('05'),
      u16(documents.length),
      ...documents.map(document => counted(u16, document)),
    ),
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
    connectionPerQuestion: false,
    survivesRefusedBatch: true,
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
      // In addition to the first bet: 65,534 bets without text, of 12 bytes each.
      { what: '65535 bets', bytes: patched(one, 1, 'ffff'), ...listTooLong(53 + 65_534 * 12) },
      {
        what: 'agency 0',
        bytes: patched(one, 4, '00'),
        code: 'malformed',
        detail: 'agency 0, ids are from 1 to 255',
      },
    ],
    another: [
      { what: 'a batch', bytes: batch(2, NANDU), ...otherAgency },
      { what: 'the end of the bets', bytes: Buffer.of(4, 2, 0), ...otherAgency, unanswered: true },
      { what: 'a query', bytes: Buffer.of(4, 2, 1), ...otherAgency },
    ],
  };
}

export const SPOKEN: readonly SpokenDialect[] = [
  tp0(),
  pushCodes(),
  checkWin(),
  csvFrames(),
  opCodes(),
];

/** A dialect by its name. */
export function spoken(name: SpokenDialect['name']): SpokenDialect {
  return SPOKEN.find(candidate => candidate.name === name)!;
}
