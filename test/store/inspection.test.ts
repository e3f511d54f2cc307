import { readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { inspectStore, verifyStore, visitJournal } from '../../src/store/csv/inspection.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  BATCHES,
  crc32Of,
  drawn,
  filled,
  journalPath,
  offsetOf,
  readFiles,
  ROWS,
  sha256,
  TIME,
} from './store-folder.ts';

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

  test('reports the durable bets of a running server without disturbing it', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    for (let name = 0; name < 3; name += 1) {
      await store.append(batchNamed(name, 2));
      const { lottery } = await inspectStore(folder, [1]);
      expect(lottery.bets.get(1)).toBe(2 * (name + 1));
      expect((await verifyStore(folder, hasWon)).sha256).toBe(sha256(readFiles(folder).bets));
    }
    await store.close();
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

describe('the journal of a draw', () => {
  test('holds the SHA-256 of all rows as checkpoint and seal, and a CRC-32 per group', async () => {
    const folder = await drawn();
    const { bets, journal } = readFiles(folder);
    const records: unknown[] = [];
    await visitJournal(folder, ({ n, offset, record }) => {
      expect(offset).toBe(offsetOf(journal, n));
      records.push(record);
    });
    const seal = sha256(bets);
    const [first, ...others] = BATCHES.map(({ rows }) => rows);
    expect(records).toEqual([
      { type: 'begin', version: 2, time: TIME },
      {
        type: 'group',
        end: first!.length,
        crc32: crc32Of(first!),
        batches: [[1, 3, first!.length, 'one', 1]],
      },
      {
        type: 'group',
        end: bets.length,
        crc32: crc32Of(Buffer.concat(others)),
        batches: [
          [2, 2, others[0]!.length, 'two', 1],
          {
            agency: 2,
            upload: 'two',
            seq: 2,
            count: 3,
            index: 1,
            field: 'birthdate',
            reason: 'not-a-date',
          },
          [1, 1, others[1]!.length],
        ],
      },
      { type: 'finished', agency: 1, upload: 'one' },
      { type: 'finished', agency: 2 },
      { type: 'checkpoint', end: bets.length, sha256: seal },
      {
        type: 'draw',
        time: TIME,
        end: bets.length,
        sha256: seal,
        bets: 6,
        winners: [
          [1, ['11', '13']],
          [2, ['21']],
        ],
      },
    ]);
    expect((await verifyStore(folder, hasWon)).sha256).toBe(seal);
  });
});
