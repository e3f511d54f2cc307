import { describe } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { describeDialectOfAgency, type LyingAnswer } from './agency-contract.ts';
import { ascii, bytes, type SpokenDialect } from './spoken-dialect.ts';
import { SPOKEN } from './spoken-dialects.ts';

/** An answer, but not to a batch. */
const misplaced = (what: string, said: Buffer, kind: 'not-drawn' | 'winners'): LyingAnswer => ({
  what,
  bytes: said,
  error: `the central said '${kind}' to the batch of 1 bets that begins with line 1`,
});

/** Unexpected answers to a first batch of one bet. */
const LIES: Readonly<Record<string, readonly LyingAnswer[]>> = {
  tp0: [
    misplaced('not yet drawn', bytes('4e454e44'), 'not-drawn'),
    misplaced('winners', bytes('5257494e 00000002 307c'), 'winners'),
    {
      what: 'an unknown message',
      bytes: ascii('HTTP'),
      error: 'cannot be read, unknown-message: type 0x48545450',
    },
  ],
  'push-codes': [
    misplaced('winners', bytes('2329 0000'), 'winners'),
    { what: 'neither ACK nor ERR', bytes: ascii('ACk'), error: 'cannot be read, unknown-message' },
  ],
  'check-win': [
    misplaced('not yet drawn', bytes('00000000 51'), 'not-drawn'),
    misplaced('winners', bytes('00000000 57'), 'winners'),
    {
      what: 'an unknown message',
      bytes: bytes('00000000 41'),
      error: 'cannot be read, unknown-message: type 0x41',
    },
    {
      what: 'a count of too many bets',
      bytes: bytes('00000005 30 00000001 32'),
      error: 'the central says that it stored 2 bets of the 1 that begin with line 1',
    },
    {
      what: 'a count of no bets',
      bytes: bytes('00000005 30 00000001 30'),
      error: 'the central says that it stored 0 bets of the 1 that begin with line 1',
    },
  ],
  'csv-frames': [
    misplaced('the end of the winners', ascii('00001'), 'winners'),
    {
      what: 'a length that is not a number',
      bytes: ascii('ACK00'),
      error: 'cannot be read, malformed: a frame whose length',
    },
  ],
  'op-codes': [
    misplaced('not yet drawn', bytes('02 03 0000'), 'not-drawn'),
    misplaced('winners', bytes('02 04 0000 05 0000'), 'winners'),
    {
      what: 'an unknown operation',
      bytes: bytes('06'),
      error: 'cannot be read, unknown-message: operation 6',
    },
  ],
};

/** The agency's base protocol without its extension, which has its own dialect here. */
function asAgencySpeaks(spoken: SpokenDialect): SpokenDialect {
  return spoken.name === 'tp0'
    ? { ...spoken, dialect: createBaseDialect(new PlainBetReader()) }
    : spoken;
}

describe.each(SPOKEN)('the agency in $name', spoken => {
  describeDialectOfAgency(asAgencySpeaks(spoken), LIES[spoken.name]!);
});
