import { readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { inspectStore, verifyStore, visitJournal } from '../../src/store/csv/inspection.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { filled, journalPath, ROWS, TIME } from './store-folder.ts';

describe('inspection', () => {
  test('reports the state of an open lottery', async () => {
    const { lottery, begun, draw, ...walk } = await inspectStore(await filled(), [1, 2, 3]);
    expect({ begun, draw }).toEqual({ begun: TIME, draw: undefined });
    expect([lottery.state, lottery.finished, lottery.missing]).toEqual(['open', [1, 2], [3]]);
    expect(Object.fromEntries(lottery.bets)).toEqual({ 1: 4, 2: 2 });
    expect(walk).toMatchObject({
      journalLines: 6,
      journalTornBytes: 0,
      betsEnd: ROWS.length,
      betsTornBytes: 0,
    });
  });

  test('finds no damage, and never fewer bets than before, during writes', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    let appended = 0;
    const written = new AbortController();
    const write = async (): Promise<void> => {
      while (!written.signal.aborted)
        await store.append(batchNamed((appended += 1), 20, 1 + (appended % 3)));
    };
    const writers = [write(), write(), write()];
    let before = 0;
    // Until the disk has taken some groups, however slow it is.
    for (let round = 0; round < 40 || before < 400; round += 1) {
      if (round === 10_000) expect.fail(`only ${before} bets are durable`);
      const { lottery } = await verifyStore(folder, hasWon);
      const bets = [...lottery.bets.values()].reduce((sum, count) => sum + count, 0);
      expect(bets).toBeGreaterThanOrEqual(before);
      before = bets;
    }
    written.abort();
    await Promise.all(writers);
    await store.close();
    expect(before).toBeLessThanOrEqual(20 * appended);
  });

  test.each([
    [
      'has no journal',
      'there is no lottery in FOLDER, it has no bets.journal; name the DATA_DIR of a server',
      (folder: string) => rm(journalPath(folder)),
    ],
    [
      'is missing',
      'cannot use the folder FOLDER, it does not exist; DATA_DIR or the command line names it',
      (folder: string) => rm(folder, { recursive: true }),
    ],
    [
      'is a file',
      'cannot use the folder FOLDER, a file stands where a folder is needed (ENOTDIR); DATA_DIR or the command line names it',
      async (folder: string) => {
        await rm(folder, { recursive: true });
        writeFileSync(folder, '');
      },
    ],
  ])('refuses a folder that %s', async (_, reason, spoil) => {
    const folder = await filled();
    await spoil(folder);
    const refusal = { code: 'unusable', message: reason.replace('FOLDER', folder) };
    await expect(inspectStore(folder, [])).rejects.toMatchObject(refusal);
    await expect(verifyStore(folder, hasWon)).rejects.toMatchObject(refusal);
    await expect(visitJournal(folder, () => {})).rejects.toMatchObject(refusal);
  });

  test('creates no file, not even a lock', async () => {
    const folder = await filled();
    await rm(`${folder}/bets.lock`);
    await inspectStore(folder, []);
    await verifyStore(folder, hasWon);
    expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal']);
  });
});
