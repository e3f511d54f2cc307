import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { lockFolder } from '../../src/store/csv/folder-lock.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { betsPath, openFilesIn } from './store-folder.ts';

/** A user id other than root, bound by file permissions. */
const NOBODY = 65_534;

const SOURCES = join(import.meta.dirname, '../../src/store/csv');

/** A process that opens the store of a folder, prints `open` or the error, and stays. */
const HOLDER = `
const { CsvStore } = await import(${JSON.stringify(join(SOURCES, 'csv-store.ts'))});
try {
  await CsvStore.open(process.argv[1]);
  console.log('open');
  setInterval(() => {}, 1000);
} catch (error) {
  console.log(error.code + ': ' + error.message);
}
`;

interface Holder {
  readonly process: ChildProcess;
  /** Its first line. */
  readonly said: string;
}

/** @param uid user id of the process; the caller's by default */
async function holdFrom(folder: string, uid?: number): Promise<Holder> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let stderr = '';
  child.stderr.on('data', text => (stderr += String(text)));
  const lines = createInterface({ input: child.stdout });
  const said = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    once(child, 'close').then(() => `it ended: ${stderr}`),
  ]);
  return { process: child, said };
}

async function refusalOf(folder: string): Promise<string> {
  const outcome = await CsvStore.open(folder).catch((error: unknown) => error);
  if (!(outcome instanceof StoreError)) throw new Error(`opening gave ${String(outcome)}`);
  return `${outcome.code}: ${outcome.message}`;
}

const busy = (folder: string): string =>
  `unusable: another process has ${folder}/bets.lock locked; end it, or use another DATA_DIR`;

describe('the folder lock', () => {
  test('refuses a second store in the same process', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    expect(await refusalOf(folder)).toBe(busy(folder));
    await store.append(batchNamed(1));
    await store.close();
    await (await CsvStore.open(folder)).store.close();
  });

  test('is taken before any file in the folder is read or changed', async () => {
    const folder = await temporaryFolder();
    const { release } = await lockFolder(join(folder, 'bets.lock'));
    writeFileSync(betsPath(folder), '1,torn');
    expect(await refusalOf(folder)).toBe(busy(folder));
    expect(statSync(betsPath(folder)).size).toBe(6);
    release();
  });

  test('is released, with every file closed, when opening the store fails', async () => {
    const folder = await temporaryFolder();
    writeFileSync(betsPath(folder), 'no bet\r\n');
    expect(await refusalOf(folder)).toContain('is not a row of a bet');
    expect(openFilesIn(folder)).toEqual([]);
    rmSync(betsPath(folder));
    const { store } = await CsvStore.open(folder);
    await store.close();
    expect(openFilesIn(folder)).toEqual([]);
  });
});

describe('an unusable folder', () => {
  test.each([
    ['bets.csv', 'it is a folder'],
    ['bets.journal', 'it is a folder'],
    ['bets.lock', 'it is a folder'],
  ])('is reported with the path of %s when that is a folder', async (name, reason) => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, name));
    expect(await refusalOf(folder)).toMatch(
      new RegExp(`^unusable: cannot (?:use|lock) ${folder}/${name}, ${reason}(?: \\(EISDIR\\))?$`),
    );
    expect(openFilesIn(folder)).toEqual([]);
    rmSync(join(folder, name), { recursive: true });
    await (await CsvStore.open(folder)).store.close();
  });

  test('is named with the reason when this user may not write in it', async () => {
    const folder = await temporaryFolder();
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
    const isRoot = process.getuid?.() === 0;
    const { said } = await holdFrom(folder, isRoot ? NOBODY : undefined);
    expect(said).toBe(
      `unusable: cannot use the folder ${folder}, this user has no permission (EACCES); DATA_DIR or the command line names it`,
    );
  });

  test('is reported with the path of a file that belongs to another user', async context => {
    if (process.getuid?.() !== 0) context.skip('only root can change the owner of a file');
    for (const name of ['bets.csv', 'bets.journal', 'bets.lock']) {
      const folder = await temporaryFolder();
      await (await CsvStore.open(folder)).store.close();
      for (const own of ['', 'bets.csv', 'bets.journal', 'bets.lock']) {
        if (own !== name) chownSync(join(folder, own), NOBODY, NOBODY);
      }
      chmodSync(join(folder, name), 0o600);
      const { said } = await holdFrom(folder, NOBODY);
      expect(said).toMatch(new RegExp(`^unusable: cannot (?:use|lock) ${folder}/${name}, `));
    }
  });
});
