import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { type Files, NODE_FILES } from '../../src/store/csv/files.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed, betsNamed, describeStore, storedBets } from '../contract/store-contract.ts';
import { batchOf, betWith, rowOf, rowsOf } from '../lottery/bets.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { FaultyFiles, systemError } from './faulty-files.ts';
import { idle } from './faulty-store.ts';

const HAS_PROC = process.platform === 'linux';

/** Whether this process has the file open. */
function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some(descriptor => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  });
}

describe('the csv store', () => {
  describeStore(async () => (await CsvStore.open(await temporaryFolder())).store);
});

describe('bets.csv', () => {
  test('is created empty when it is missing', async () => {
    const folder = await temporaryFolder();
    const { store, tornBytes } = await CsvStore.open(folder);
    expect(tornBytes).toBe(0);
    expect(readdirSync(folder)).toEqual(['bets.csv']);
    expect(readFileSync(join(folder, 'bets.csv'))).toHaveLength(0);
    await store.close();
  });

  test('holds exactly the rows of the batches', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    const first = [betWith({ firstName: 'Ñ, "x"' }), betWith({ document: '007', number: 7 })];
    await store.append(batchOf(first));
    expect(readFileSync(join(folder, 'bets.csv'), 'utf8')).toBe(
      '1,"Ñ, ""x""",Lorca,30904465,1999-03-17,7574\r\n1,Santiago Lionel,Lorca,007,1999-03-17,7\r\n',
    );
    const names = Array.from({ length: 3000 }, (_, name) => name);
    await Promise.all(names.map(name => store.append(batchNamed(name, 2))));
    await store.close();
    const rows = rowsOf([...first, ...names.flatMap(name => betsNamed(name, 2))]);
    expect(readFileSync(join(folder, 'bets.csv')).equals(rows)).toBe(true);
  });

  test('keeps its rows when it is opened again, and takes more behind them', async () => {
    const folder = await temporaryFolder();
    for (let round = 0; round < 3; round += 1) {
      const { store, tornBytes } = await CsvStore.open(folder);
      expect(tornBytes).toBe(0);
      const before = Array.from({ length: round }, (_, name) => betsNamed(name, 2)).flat();
      expect(await storedBets(store)).toEqual(before);
      await store.append(batchNamed(round, 2));
      expect(await storedBets(store)).toEqual([...before, ...betsNamed(round, 2)]);
      await store.close();
    }
  });

  test('may have been written by the functions of the course', async () => {
    const folder = await temporaryFolder();
    const rows = '3,"a\r\nb",Paz,1,2000-02-29,7\r\n1,Ana,"x""y",2,1999-01-01,7574\r\n';
    await writeFile(join(folder, 'bets.csv'), rows);
    const { store, tornBytes } = await CsvStore.open(folder);
    expect(tornBytes).toBe(0);
    await store.append(batchNamed(5));
    const bets = await storedBets(store);
    expect(bets.map(({ agency, firstName, lastName }) => [agency, firstName, lastName])).toEqual([
      [3, 'a\r\nb', 'Paz'],
      [1, 'Ana', 'x"y'],
      [1, 'Ñ, "0"', 'Lorca'],
    ]);
    await store.close();
  });

  test.each([
    ['the beginning of a row', '1,Ana,Paz,1,20'],
    ['a row without its line end', '1,Ana,Paz,1,2000-02-29,7'],
    ['a row with half of its line end', '1,Ana,Paz,1,2000-02-29,7\r'],
    ['one byte', '1'],
    ['half of a character', Buffer.from('312cc3', 'hex')],
    ['more than is read at once', 'x'.repeat(200_000)],
  ])('that ends with %s is cut back to its whole rows, and the cut bytes are counted', async (_, torn) => {
    const folder = await temporaryFolder();
    const path = join(folder, 'bets.csv');
    const whole = rowsOf(betsNamed(1, 3));
    await writeFile(path, Buffer.concat([whole, Buffer.from(torn as Uint8Array)]));
    const { store, tornBytes } = await CsvStore.open(folder);
    expect(tornBytes).toBe(Buffer.byteLength(torn as string));
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(await storedBets(store)).toEqual(betsNamed(1, 3));
    await store.append(batchNamed(2));
    expect(readFileSync(path).equals(Buffer.concat([whole, rowsOf(betsNamed(2))]))).toBe(true);
    await store.close();
  });

  test('that is nothing but a torn row is cut back to nothing', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'bets.csv'), 'x'.repeat(70_000));
    const { store, tornBytes } = await CsvStore.open(folder);
    expect(tornBytes).toBe(70_000);
    expect(await storedBets(store)).toEqual([]);
    await store.close();
  });

  test('is cut at the last line end, wherever the row was torn, however little a read gives', async () => {
    const rows = rowsOf(betsNamed(1, 2));
    const row = rowsOf(betsNamed(1)).length;
    for (let length = 0; length <= rows.length; length += 1) {
      const files = new FaultyFiles();
      files.content = rows.subarray(0, length);
      files.readBytesMax = 7;
      const { tornBytes } = await CsvStore.open('/data', files);
      const expected = length === rows.length ? rows.length : length >= row ? row : 0;
      expect([tornBytes, files.content.length]).toEqual([length - expected, expected]);
    }
  });

  test('is cut at the last line end also when that lies where a block that is read begins or ends', async () => {
    const row = rowOf(betWith());
    for (const blocks of [1, 2, 3]) {
      for (let around = -3; around <= 3; around += 1) {
        const torn = blocks * 64 * 1024 + around;
        const files = new FaultyFiles(`${row}${row}${'x'.repeat(torn)}`);
        const { tornBytes } = await CsvStore.open('/data', files);
        expect([tornBytes, files.content.toString()]).toEqual([torn, `${row}${row}`]);
      }
    }
  });

  test('is durable, cut and known to its directory before it is used', async () => {
    const files = new FaultyFiles(`${rowOf(betWith())}1,An`);
    await CsvStore.open('/data', files);
    expect(files.calls).toEqual([
      'open /data/bets.csv',
      `truncate ${rowOf(betWith()).length}`,
      'sync',
      'sync directory /data',
    ]);
  });

  test.skipIf(!HAS_PROC)('is open until the store is closed, and after reading it in part too', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'bets.csv');
    const { store } = await CsvStore.open(folder);
    await store.append(batchNamed(1, 10_000));
    expect(isOpen(path)).toBe(true);
    for await (const slice of store.bets()) {
      expect([...slice].length).toBeGreaterThan(0);
      break;
    }
    await store.close();
    expect(isOpen(path)).toBe(false);
    await expect(store.close()).resolves.toBeUndefined();
  });

  test('is read for the draw in slices between which other work passes', async () => {
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

  test('gives only bets that are durable, not those on their way to the disk', async () => {
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
    const { store } = await CsvStore.open(await temporaryFolder(), files);
    await store.append(batchNamed(1));
    hold = true;
    const append = store.append(batchNamed(2));
    await syncing.promise;
    // It may give the durable ones now, or wait.
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

describe('a folder that cannot be used', () => {
  const openingOf = async (folder: string, files?: Files): Promise<StoreError> => {
    const error = await CsvStore.open(folder, files).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof StoreError)) throw new Error(`opening gave ${String(error)}`);
    return error;
  };

  test('because it is missing is an error that names the file and the reason', async () => {
    const folder = join(await temporaryFolder(), 'missing');
    const error = await openingOf(folder);
    expect(error.code).toBe('unusable');
    expect(error.message).toBe(`cannot use ${join(folder, 'bets.csv')}, ENOENT on open`);
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });

  test('because bets.csv is a folder is an error that says so', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'bets.csv'));
    const error = await openingOf(folder);
    expect([error.code, error.message]).toEqual([
      'unusable',
      `cannot use ${join(folder, 'bets.csv')}, EISDIR on open`,
    ]);
  });

  test('because it is a file is an error that says so', async () => {
    const folder = join(await temporaryFolder(), 'file');
    await writeFile(folder, '');
    const error = await openingOf(folder);
    expect([error.code, error.message]).toEqual([
      'unusable',
      `cannot use ${join(folder, 'bets.csv')}, ENOTDIR on open`,
    ]);
  });

  const BROKEN: [string, 'onSync' | 'onTruncate' | 'onSyncDirectory', string][] = [
    ['bets.csv cannot be synced', 'onSync', 'fdatasync'],
    ['a torn row cannot be cut off', 'onTruncate', 'ftruncate'],
    ['its directory cannot be synced', 'onSyncDirectory', 'fsync'],
  ];

  test.each(BROKEN)('because %s is an error that names file and reason', async (_, hook, syscall) => {
    const files = new FaultyFiles('torn');
    files[hook] = () => {
      throw systemError('EIO', syscall);
    };
    const error = await openingOf('/data', files);
    expect([error.code, error.message]).toEqual(['unusable', `cannot use /data/bets.csv, EIO on ${syscall}`]);
  });

  test.each(BROKEN)('because %s does not stay open', async (_, hook, syscall) => {
    const files = new FaultyFiles('torn');
    files[hook] = () => {
      throw systemError('EIO', syscall);
    };
    await openingOf('/data', files);
    expect(files.openCount).toBe(0);
  });
});
