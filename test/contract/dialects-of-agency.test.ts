import { describe } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { describeDialectOfAgency, type LyingAnswer } from './agency-contract.ts';
import { ascii, bytes, type SpokenDialect } from './spoken-dialect.ts';
import { SPOKEN } from './spoken-dialects.ts';

/** The answer is one, but not to a batch. */
const misplaced = (what: string, said: Buffer, kind: 'not-drawn' | 'winners'): LyingAnswer => ({
  what,
  bytes: said,
  error: `the central said '${kind}' to the batch of 1 bets that begins with line 1`,
});

/** Answers to a first batch of one bet, of which nothing can be made. */
const LIES: Readonly<Record<string, readonly LyingAnswer[]>> = {
  tp0: [
    misplaced('not yet', bytes('4e454e44'), 'not-drawn'),
    misplaced('winners', bytes('5257494e 00000002 307c'), 'winners'),
    { what: 'no message', bytes: ascii('HTTP'), error: 'cannot be read, unknown-message: type 0x48545450' },
    {
      what: 'winners of 4 GiB',
      bytes: bytes('5257494e ffffffff'),
      error: 'cannot be read, payload-too-large: RWIN of 4294967295 bytes',
    },
    {
      what: 'more winners than there are',
      bytes: bytes('5257494e 00000003 337c31'),
      error: 'cannot be read, malformed: RWIN announces 3 winners and lists 1',
    },
  ],
  'push-codes': [
    misplaced('winners', bytes('2329 0000'), 'winners'),
    { what: 'neither ACK nor ERR', bytes: ascii('ACk'), error: 'cannot be read, unknown-message' },
    {
      what: 'winners of half a document',
      bytes: bytes('2329 0006'),
      error: 'cannot be read, malformed: winners of 6 bytes',
    },
    {
      what: 'more winners than are taken',
      bytes: bytes('2329 0024'),
      error: 'cannot be read, payload-too-large: winners of 36 bytes',
    },
  ],
  'check-win': [
    misplaced('not yet', bytes('00000000 51'), 'not-drawn'),
    misplaced('winners', bytes('00000000 57'), 'winners'),
    { what: 'no message', bytes: bytes('00000000 41'), error: 'cannot be read, unknown-message: type 0x41' },
    {
      what: 'more bets than there were',
      bytes: bytes('00000005 30 00000001 32'),
      error: 'the central says that it stored 2 bets of the 1 that begin with line 1',
    },
    {
      what: 'no bet',
      bytes: bytes('00000005 30 00000001 30'),
      error: 'the central says that it stored 0 bets of the 1 that begin with line 1',
    },
    {
      what: 'a number of bets that is none',
      bytes: bytes('00000005 30 00000001 61'),
      error: 'cannot be read, malformed: 0 without a number of bets',
    },
    {
      what: 'a field that is longer than the rest',
      bytes: bytes('00000005 30 00000002 31'),
      error: 'cannot be read, malformed: 0 with a field that is longer than the rest of it',
    },
    {
      what: 'winners of 4 GiB',
      bytes: bytes('ffffffff 57'),
      error: 'cannot be read, payload-too-large: W of 4294967295 bytes',
    },
  ],
  'csv-frames': [
    misplaced('the end of the winners', ascii('00001'), 'winners'),
    { what: 'no number', bytes: ascii('ACK00'), error: 'cannot be read, malformed: a frame whose length' },
    { what: 'no flag', bytes: ascii('00032ACK'), error: 'cannot be read, unknown-message' },
    {
      what: 'a word that is none',
      bytes: ascii('00030NAK'),
      error: 'cannot be read, malformed: a frame that is neither ACK nor a document',
    },
    {
      what: 'an end with a payload',
      bytes: ascii('00031ACK'),
      error: 'cannot be read, malformed: an end of 3 bytes',
    },
    {
      what: 'more winners than are taken',
      bytes: ascii('0008011111111'.repeat(3)),
      error: 'cannot be read, payload-too-large: winners of more than 32 bytes',
    },
  ],
  'op-codes': [
    misplaced('not yet', bytes('02 03 0000'), 'not-drawn'),
    misplaced('winners', bytes('02 04 0000 05 0000'), 'winners'),
    { what: 'no operation', bytes: bytes('06'), error: 'cannot be read, unknown-message: operation 6' },
    {
      what: 'no code',
      bytes: bytes('02 05 0000'),
      error: 'cannot be read, malformed: an answer with the code 5',
    },
    {
      what: 'no winners behind the code that announces them',
      bytes: bytes('02 04 0000 02 01 0000'),
      error: 'cannot be read, malformed: no winners behind',
    },
    {
      what: 'more winners than are taken',
      bytes: bytes('05 ffff'),
      error: 'cannot be read, payload-too-large: a list of at least 131073 bytes',
    },
  ],
};

/** Our agency speaks the base protocol without its extension too, which is the one that has a dialect of its own here. */
function asAgencySpeaks(spoken: SpokenDialect): SpokenDialect {
  return spoken.name === 'tp0' ? { ...spoken, dialect: createBaseDialect(new PlainBetReader()) } : spoken;
}

describe.each(SPOKEN)('the agency in $name', spoken => {
  describeDialectOfAgency(asAgencySpeaks(spoken), LIES[spoken.name]!);
});
