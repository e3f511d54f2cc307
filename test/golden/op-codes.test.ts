import { describe, expect, test } from 'vitest';
import type { ServerAnswer } from '../../src/wire/message.ts';
import { createOpCodesDialect } from '../../src/wire/dialects/op-codes.ts';
import {
  bytesOf,
  expectHeardByCentral,
  expectNothingMore,
  heard,
  newAgency,
  saidByAgency,
  saidByCentral,
} from './both-sides.ts';
import { type GoldenMessage, hexOf } from './golden.ts';
import { OP_CODES } from './op-codes.ts';

const dialect = createOpCodesDialect();

const fromClients = OP_CODES.filter(({ from }) => from === 'client');
const fromServers = OP_CODES.filter(({ from }) => from === 'server');

/** Our central says a text only with a refusal: everything else the code says. */
const isOurs = ({ meaning }: GoldenMessage): boolean => !('text' in meaning) || meaning.text === '';

describe('the agency says', () => {
  test.each(fromClients)('$name', message => {
    expect(saidByAgency(dialect, message)).toBe(hexOf(message.fields));
  });
});

describe('the central hears', () => {
  test.each(fromClients)('$name', message => expectHeardByCentral(dialect, message));
});

describe('the central says', () => {
  test.each(fromServers.filter(isOurs))('$name', message => {
    expect(saidByCentral(dialect, message)).toBe(hexOf(message.fields));
  });
});

describe('the agency hears', () => {
  /** What a text says beside its code, only a refusal keeps. */
  function answerOf({ meaning }: GoldenMessage): ServerAnswer {
    if (meaning.kind === 'refused') {
      return { kind: 'bets-refused', refusal: { code: 'invalid-bet', detail: meaning.texts.join(' ') } };
    }
    const { text: _, ...answer } = { text: '', ...meaning };
    return answer as ServerAnswer;
  }

  test.each(fromServers)('$name', message => {
    const agency = newAgency(dialect);
    expect(heard(agency, bytesOf(message))).toEqual(answerOf(message));
    expectNothingMore(agency);
  });
});
