import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { expectedOf } from '../../src/run/expected.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

async function expected(content: string) {
  const path = join(await temporaryFolder(), 'agency-1.csv');
  await writeFile(path, content);
  const { batch } = createBaseDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1);
  return expectedOf(path, batch, new AbortController().signal);
}

describe('expectedOf', () => {
  test('counts by the rules of the client, in the order of the file', async () => {
    const lines = [
      'Ana,Paz,30,1990-01-02,7574',
      'no bet',
      'Eva,Paz,20,1990-01-02,757',
      'Eva,Paz,007,1990-01-02,007574',
      'Eva,Paz,10,1990-02-30,7574',
      '"Eva, la","Paz",40,1990-01-02,"7574"',
    ];
    expect(await expected(lines.join('\r\n'))).toEqual({
      bets: 4,
      refusedLines: 2,
      winners: ['30', '007', '40'],
    });
  });

  test('counts nothing in a file without bets', async () => {
    expect(await expected('')).toEqual({ bets: 0, refusedLines: 0, winners: [] });
  });

  test('counts a bet that the protocol cannot send as refused', async () => {
    expect(await expected('Ana|Eva,Paz,30,1990-01-02,7574\nAna,Paz,31,1990-01-02,7574\n')).toEqual({
      bets: 1,
      refusedLines: 1,
      winners: ['31'],
    });
  });
});
