import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { inspectStore, verifyStore } from '../../src/store/csv/inspection.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { filled } from './store-folder.ts';

describe('inspection', () => {
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
    // Until some groups are durable.
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

  test('creates no file, not even a lock', async () => {
    const folder = await filled();
    await rm(`${folder}/bets.lock`);
    await inspectStore(folder, []);
    await verifyStore(folder, hasWon);
    expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal']);
  });
});
