import { describe, expect, test } from 'vitest';
import type { ServerAnswer } from '../../src/wire/message.ts';
import { createCheckWinDialect } from '../../src/wire/dialects/check-win.ts';
import {
  bytesOf,
  expectHeardByCentral,
  expectNothingMore,
  heard,
  newAgency,
  saidByAgency,
  saidByCentral,
} from './both-sides.ts';
import { CHECK_WIN } from './check-win.ts';
import { type GoldenMessage, hexOf } from './golden.ts';

const dialect = createCheckWinDialect();

const fromClients = CHECK_WIN.filter(({ from }) => from === 'client');
const fromServers = CHECK_WIN.filter(({ from }) => from === 'server');
const isOurs = ({ heardOnly }: GoldenMessage): boolean => heardOnly !== true;

describe('the agency says', () => {
  test.each(fromClients.filter(isOurs))('$name', message => {
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
  /** A number says nothing about an error; words are kept. */
  function answerOf({ meaning }: GoldenMessage): ServerAnswer {
    if (meaning.kind !== 'refused') return meaning as ServerAnswer;
    const [, detail] = meaning.texts;
    return detail === undefined
      ? { kind: 'refused' }
      : { kind: 'refused', refusal: { code: 'malformed', detail } };
  }

  test.each(fromServers)('$name', message => {
    const agency = newAgency(dialect);
    expect(heard(agency, bytesOf(message))).toEqual(answerOf(message));
    expectNothingMore(agency);
  });
});
