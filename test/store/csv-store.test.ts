import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { type Files, NODE_FILES } from '../../src/store/csv/files.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { batchNamed, betsNamed, describeStore } from '../contract/store-contract.ts';
import { batchOf, betWith, rowOf, rowsOf } from '../lottery/bets.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { idle } from './faulty-store.ts';
import { betsPath, journalPath, linesOf, openFilesIn, readFiles } from './store-folder.ts';

/** The types of the lines of a journal. */
function typesIn(folder: string): string[] {
  return linesOf(readFileSync(journalPath(folder))).map(
    line => (JSON.parse(line.toString()) as { type: string }).type,
  );
}

describe('CsvStore', () => {
  describeStore(
    async onFact => (await CsvStore.open(await temporaryFolder(), { onFact })).store,
    async () => {
      const folder = await temporaryFolder();
      return async onFact => (await CsvStore.open(folder, { onFact })).store;
    },
  );
});

describe('bets.csv', () => {
  test('holds exactly the rows of the batches', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    const first = [betWith({ firstName: 'Ñ, "x"' }), betWith({ document: '007', number: 7 })];
    await store.append(batchOf(first));
    expect(readFileSync(betsPath(folder), 'utf8')).toBe(
      '1,"Ñ, ""x""",Lorca,30904465,1999-03-17,7574\r\n1,Santiago Lionel,Lorca,007,1999-03-17,7\r\n',
    );
    const names = Array.from({ length: 3000 }, (_, name) => name);
    await Promise.all(names.map(name => store.append(batchNamed(name, 2))));
    await store.close();
    const rows = rowsOf([...first, ...names.flatMap(name => betsNamed(name, 2))]);
    expect(readFileSync(betsPath(folder)).equals(rows)).toBe(true);
    await verifyStore(folder, hasWon);
  });

  test.skipIf(process.platform !== 'linux')(
    'stays open with journal and lock until close, even after a partial read',
    async () => {
      const folder = await temporaryFolder();
      const { store } = await CsvStore.open(folder);
      await store.append(batchNamed(1, 10_000));
      expect(openFilesIn(folder).toSorted()).toEqual(['bets.csv', 'bets.journal', 'bets.lock']);
      for await (const slice of store.bets()) {
        expect([...slice].length).toBeGreaterThan(0);
        break;
      }
      await store.close();
      expect(openFilesIn(folder)).toEqual([]);
    },
  );

  test('is read for the draw in slices that let other tasks run in between', async () => {
    const { store } = await CsvStore.open(await temporaryFolder());
    await store.append(batchNamed(1, 20_000));
    let turns = 0;
    let reading = true;
    const work = (): void => {
      turns += 1;
      if (reading) setImmediate(work);
    };
    setImmediate(work);
    const lengths: number[] = [];
    for await (const slice of store.bets()) lengths.push([...slice].length);
    reading = false;
    expect(lengths.reduce((sum, length) => sum + length)).toBe(20_000);
    expect(Math.max(...lengths)).toBeLessThan(10_000);
    expect(turns).toBeGreaterThan(1);
    await store.close();
  });

  test('yields only durable bets, not those still being synced', async () => {
    const gate = Promise.withResolvers<void>();
    const syncing = Promise.withResolvers<void>();
    let hold = false;
    const files: Files = {
      ...NODE_FILES,
      async open(path) {
        const file = await NODE_FILES.open(path);
        const sync = file.sync.bind(file);
        file.sync = async () => {
          if (hold) {
            syncing.resolve();
            await gate.promise;
          }
          await sync();
        };
        return file;
      },
    };
    const { store } = await CsvStore.open(await temporaryFolder(), { files });
    await store.append(batchNamed(1));
    hold = true;
    const append = store.append(batchNamed(2));
    await syncing.promise;
    // It may return the durable ones now, or wait.
    const given: Bet[] = [];
    const reading = (async () => {
      for await (const slice of store.bets()) given.push(...slice);
    })();
    for (let turn = 0; turn < 5; turn += 1) await idle();
    const beforeSync = given.map(bet => bet.document);
    gate.resolve();
    await append;
    await reading;
    await store.close();
    expect(beforeSync).not.toContain('2');
    expect(given.slice(0, 1)).toEqual(betsNamed(1));
  });
});

describe('bets.journal', () => {
  test('ends with a checkpoint on close if rows are not covered yet', async () => {
    const folder = await temporaryFolder();
    const reopened = async (append: boolean): Promise<string[]> => {
      const { store } = await CsvStore.open(folder);
      if (append) await store.append(batchNamed(1));
      await store.close();
      await verifyStore(folder, hasWon);
      return typesIn(folder);
    };
    expect(await reopened(false)).toEqual(['begin']);
    expect(await reopened(true)).toEqual(['begin', 'group', 'checkpoint']);
    expect(await reopened(false)).toEqual(['begin', 'group', 'checkpoint']);
    expect(await reopened(true)).toEqual(['begin', 'group', 'checkpoint', 'group', 'checkpoint']);
  });

  test('gets a checkpoint after many megabytes once no write is pending', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    onTestFinished(() => store.close());
    const row = rowOf(betWith());
    const count = Math.ceil((1024 * 1024) / row.length);
    const megabyte = { agency: 1, count, rows: Buffer.from(row.repeat(count)) };
    await Promise.all(Array.from({ length: 65 }, () => store.append(megabyte)));
    for (let tries = 0; typesIn(folder).at(-1) !== 'checkpoint'; tries += 1) {
      if (tries === 200) expect.fail(`no checkpoint in ${typesIn(folder).join(' ')}`);
      await delay(50);
    }
    const { bets, journal } = readFiles(folder);
    const line = JSON.parse(linesOf(journal).at(-1)!.toString()) as Record<string, unknown>;
    expect(line).toMatchObject({
      end: bets.length,
      sha256: createHash('sha256').update(bets).digest('hex'),
    });
  });
});
