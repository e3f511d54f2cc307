import { expect } from 'vitest';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import type { AgencyCodec, CentralCodec, Decoder, Dialect } from '../../src/wire/dialect.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import type { ClientMessage, ServerAnswer, ServerMessage } from '../../src/wire/message.ts';
import { rowOf } from '../lottery/bets.ts';
import { type GoldenBet, type GoldenMessage, hexOf } from './golden.ts';

/** Holds the codecs of a dialect against a table of golden bytes: what each side says, and what each side hears. */

type Of<Kind extends GoldenMessage['meaning']['kind']> = Extract<GoldenMessage['meaning'], { kind: Kind }>;

export const bytesOf = ({ fields }: GoldenMessage): Buffer => Buffer.from(hexOf(fields), 'hex');

const hex = (frames: readonly Uint8Array[]): string => Buffer.concat(frames).toString('hex');

const newCentral = (dialect: Dialect): CentralCodec => dialect.central(DEFAULT_LIMITS);

export const newAgency = (dialect: Dialect, id = 1): AgencyCodec => dialect.agency(DEFAULT_LIMITS, id);

const textsOf = ({ firstName, lastName, document, birthdate, number }: GoldenBet): string[] => [
  firstName,
  lastName,
  document,
  birthdate,
  number,
];

/** The agency that a message of a client is of; a batch of none may not say it. */
function agencyOf({ meaning }: GoldenMessage): number | undefined {
  if ('agency' in meaning) return meaning.agency;
  return meaning.kind === 'batch' ? meaning.bets[0]?.agency : undefined;
}

/** What our agency says when it means that. */
export function saidByAgency(dialect: Dialect, message: GoldenMessage): string {
  const { meaning } = message;
  const agency = newAgency(dialect, agencyOf(message));
  switch (meaning.kind) {
    case 'batch':
      for (const bet of meaning.bets) expect(agency.batch.add(fieldsOf(textsOf(bet)))).toBe('added');
      return hex([agency.batch.take()]);
    case 'all-sent':
      return hex([agency.finish()]);
    case 'ask-winners':
      return hex([agency.askWinners()]);
    default:
      return expect.fail(`an agency does not say ${meaning.kind}`);
  }
}

/** What our central says when it means that. */
export function saidByCentral(dialect: Dialect, { meaning }: GoldenMessage): string {
  const central = newCentral(dialect);
  switch (meaning.kind) {
    case 'accepted':
      return hex(central.encode({ kind: 'accepted', bets: meaning.bets ?? 1 }, 'batch'));
    case 'refused':
      return hex(central.encode(refusal(meaning), 'batch'));
    case 'not-drawn':
    case 'winners':
      return hex(central.encode(meaning, 'ask-winners'));
    default:
      return expect.fail(`a central does not say ${meaning.kind}`);
  }
}

function refusal({ texts: [detail = ''] }: Of<'refused'>): ServerMessage {
  return { kind: 'refused', refusal: { code: 'invalid-bet', detail } };
}

/** The only message that the bytes are. */
export function heard<Message extends ClientMessage | ServerAnswer>(
  decoder: Decoder<Message>,
  bytes: Uint8Array,
): Message {
  decoder.push(bytes);
  const message = decoder.next();
  if (message === undefined) return expect.fail('heard nothing');
  return message;
}

export function expectNothingMore(decoder: Decoder<ClientMessage | ServerAnswer>): void {
  expect(decoder.next()).toBeUndefined();
  expect(decoder.pending).toBe(false);
}

/** Our central hears a message of a client as what it means, its bets as rows. */
export function expectHeardByCentral(dialect: Dialect, message: GoldenMessage): void {
  const central = newCentral(dialect);
  const said = heard(central, bytesOf(message));
  const { meaning } = message;
  const agency = agencyOf(message);
  const speaker = agency === undefined ? {} : { agency };
  if (meaning.kind === 'all-sent') {
    expect(said).toEqual({ kind: 'finish', ...speaker });
  } else if (meaning.kind !== 'batch') {
    expect(said).toEqual(meaning);
  } else if (meaning.bets.length === 0) {
    expect(said).toEqual({ kind: 'empty-batch', ...speaker });
  } else {
    if (said.kind !== 'batch') return expect.fail(`heard ${said.kind}`);
    expect(said.agency).toBe(agency);
    const batch = central.readBets(said, agency!);
    if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
    const rows = meaning.bets.map(bet => rowOf({ ...bet, agency: agency!, number: Number(bet.number) }));
    expect([batch.agency, batch.count, Buffer.from(batch.rows).toString()]).toEqual([
      agency,
      meaning.bets.length,
      rows.join(''),
    ]);
  }
  expectNothingMore(central);
}
