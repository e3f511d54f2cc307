import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import type { ByHand } from '../../src/lottery/fact.ts';
import type { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { intervene } from '../../src/store/csv/intervention.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  BATCHES,
  BETS_IN_ALL,
  filledFolder,
  INTERVENTION,
  lotteryIn,
  REOPENED,
  voided,
} from './interventions.ts';
import { appendLines, betsPath, journalPath, readFiles, writeFiles } from './store-folder.ts';

/** The remaining rows after some batches are void. */
function rowsWithout(isVoid: (batch: (typeof BATCHES)[number]) => boolean): string {
  return BATCHES.filter(batch => !isVoid(batch))
    .map(({ name, count, agency }) => Buffer.from(batchNamed(name, count, agency).rows).toString())
    .join('');
}

describe('an intervention in a CsvStore folder', () => {
  test.each([
    ['an agency', voided(2), ({ agency }: (typeof BATCHES)[number]) => agency === 2, 0],
    ['an upload', voided(2, 'two'), ({ name }: (typeof BATCHES)[number]) => name === 3, 7],
    [
      'an agency that has not finished',
      voided(1),
      ({ agency }: (typeof BATCHES)[number]) => agency === 1,
      8,
    ],
  ])('void removes all bets of %s, and the rest verifies', async (_, fact, isVoid, betsOf2) => {
    const folder = await filledFolder();
    const before = readFiles(folder);
    const kept = await intervene(folder, '1-2', () => fact);
    const { bets } = readFiles(folder);
    expect(bets.toString()).toBe(rowsWithout(isVoid));
    const { lottery } = await verifyStore(folder, hasWon);
    expect([lottery.bets.get(2) ?? 0, lottery.interventions]).toEqual([betsOf2, [fact]]);
    expect([lottery.acta, lottery.withdrawnActas]).toMatchObject([
      undefined,
      [{ number: 1, bets: BETS_IN_ALL }],
    ]);
    expect(kept.map(name => readFileSync(join(folder, name)))).toEqual([
      before.bets,
      before.journal,
    ]);
    expect(readdirSync(folder).toSorted()).toEqual(
      ['bets.csv', 'bets.journal', 'bets.lock', ...kept].toSorted(),
    );
  });

  test.each<[string, (lottery: Lottery) => ByHand, string[]]>([
    ['an upload', () => voided(2, 'two'), ['two']],
    [
      'an agency, open uploads included',
      lottery =>
        ({ ...voided(2), uploads: lottery.uploads.of(2).map(({ name }) => name) }) as ByHand,
      ['two', 'other'],
    ],
  ])('void of %s keeps the upload names until a reopen', async (_, decide, names) => {
    const folder = await filledFolder();
    await intervene(folder, '1-2', decide);
    expect((await lotteryIn(folder)).uploads.voidedOf(2)).toEqual(names);
    await intervene(folder, '1-2', () => voided(1));
    expect((await lotteryIn(folder)).uploads.voidedOf(2)).toEqual(names);
    await intervene(folder, '1-2', () => REOPENED);
    expect((await lotteryIn(folder)).uploads.voidedOf(2)).toEqual([]);
  });

  test('void removes adopted rows of one agency and keeps those of others', async () => {
    const folder = await temporaryFolder();
    const rows = [
      '1,"a, b",Paz,1,2000-02-29,7',
      '2,Eva,Gil,2,1999-01-01,7574',
      '1,Ana,"x""y",3,2000-01-01,1',
    ];
    await writeFile(betsPath(folder), rows.map(row => `${row}\r\n`).join(''));
    await (await CsvStore.open(folder, { agencies: '1-2' })).store.close();
    await intervene(folder, '1-2', () => voided(2));
    expect(readFiles(folder).bets.toString()).toBe(`${rows[0]}\r\n${rows[2]}\r\n`);
    const { lottery } = await verifyStore(folder, hasWon);
    expect([...lottery.bets]).toEqual([[1, 2]]);
    await intervene(folder, '1-2', () => voided(1));
    expect(readFiles(folder).bets).toHaveLength(0);
    await verifyStore(folder, hasWon);
  });

  test('a refused intervention changes no byte, also beside a running server', async () => {
    const folder = await filledFolder();
    const files = readFiles(folder);
    const refuse = (): never => {
      throw new StoreError('unusable', 'nothing was done');
    };
    await expect(intervene(folder, '1-2', refuse)).rejects.toThrow('nothing was done');
    const { store } = await CsvStore.open(folder);
    await expect(intervene(folder, '1-2', () => voided(2))).rejects.toThrow('another process has');
    await store.close();
    expect(readFiles(folder)).toEqual(files);
    const empty = await temporaryFolder();
    await expect(intervene(empty, '1-2', () => voided(2))).rejects.toThrow(
      'there is no lottery in',
    );
    expect(readdirSync(empty)).toEqual([]);
  });

  test('a journal of version 1 gets the configured agencies once', async () => {
    const folder = await temporaryFolder();
    const begin = { type: 'begin', version: 1, time: INTERVENTION.time };
    writeFiles(folder, {
      bets: Buffer.alloc(0),
      journal: appendLines(Buffer.alloc(0), begin, { type: 'finished', agency: 1 }),
    });
    for (const agencies of ['1-2', '1-5']) {
      await (await CsvStore.open(folder, { agencies })).store.close();
      expect((await lotteryIn(folder)).missing).toEqual([2]);
    }
    const lines = readFileSync(journalPath(folder), 'utf8').split('\n').slice(0, -1);
    expect(lines.map(line => (JSON.parse(line) as { type: string }).type)).toEqual([
      'begin',
      'finished',
      'agencies',
    ]);
    await verifyStore(folder, hasWon);
  });
});
