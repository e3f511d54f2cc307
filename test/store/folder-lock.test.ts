import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { lockFolder } from '../../src/store/csv/folder-lock.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed, betsNamed, storedBets } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { betsPath, openFilesIn, readFiles } from './store-folder.ts';

/** Somebody who is not root, whom permissions stop. */
const NOBODY = 65_534;

const SOURCES = join(import.meta.dirname, '../../src/store/csv');

/** A process that opens the store of a folder, says `open` or why not, and stays. */
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
  /** The first line that it said. */
  readonly said: string;
}

/** @param uid who it is; the caller when not given */
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

describe('a folder', () => {
  test('that another process has is refused, and is free as soon as that is killed', async () => {
    const folder = await temporaryFolder();
    const first = await holdFrom(folder);
    expect(first.said).toBe('open');
    const before = readFiles(folder);
    expect(await refusalOf(folder)).toBe(busy(folder));
    expect((await holdFrom(folder)).said).toBe(busy(folder));
    expect(readFiles(folder)).toEqual(before);

    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    const { store } = await CsvStore.open(folder);
    await store.append(batchNamed(1));
    expect(await storedBets(store)).toEqual(betsNamed(1));
    // And now it is the other way round.
    expect((await holdFrom(folder)).said).toBe(busy(folder));
    await store.close();
    expect((await holdFrom(folder)).said).toBe('open');
  });

  test('that this very process has is refused a second time', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    expect(await refusalOf(folder)).toBe(busy(folder));
    await store.append(batchNamed(1));
    await store.close();
    await (await CsvStore.open(folder)).store.close();
  });

  test('is locked before anything in it is looked at or changed', async () => {
    const folder = await temporaryFolder();
    const { release } = await lockFolder(join(folder, 'bets.lock'));
    writeFileSync(betsPath(folder), '1,torn');
    expect(await refusalOf(folder)).toBe(busy(folder));
    expect(statSync(betsPath(folder)).size).toBe(6);
    release();
  });

  test('whose store could not be opened is free again, and no file of it stays open', async () => {
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

describe('a folder that cannot be used', () => {
  test('because it is missing is named, with the reason', async () => {
    const folder = join(await temporaryFolder(), 'missing');
    expect(await refusalOf(folder)).toBe(
      `unusable: cannot use the folder ${folder}, it does not exist (ENOENT); DATA_DIR or the command line names it`,
    );
    expect(existsSync(folder)).toBe(false);
  });

  test('because it is a file is named, with the reason', async () => {
    const folder = join(await temporaryFolder(), 'file');
    writeFileSync(folder, '');
    expect(await refusalOf(folder)).toBe(
      `unusable: cannot use the folder ${folder}, a file stands where a folder is needed (ENOTDIR); DATA_DIR or the command line names it`,
    );
  });

  test.each([
    ['bets.csv', 'it is a folder'],
    ['bets.journal', 'it is a folder'],
    ['bets.lock', 'it is a folder'],
  ])('because %s in it is a folder is an error that names it', async (name, reason) => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, name));
    expect(await refusalOf(folder)).toMatch(
      new RegExp(`^unusable: cannot (?:use|lock) ${folder}/${name}, ${reason}(?: \\(EISDIR\\))?$`),
    );
    expect(openFilesIn(folder)).toEqual([]);
    rmSync(join(folder, name), { recursive: true });
    await (await CsvStore.open(folder)).store.close();
  });

  test('because this user may not write in it is named, with the reason', async () => {
    const folder = await temporaryFolder();
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
    const isRoot = process.getuid?.() === 0;
    const { said } = await holdFrom(folder, isRoot ? NOBODY : undefined);
    expect(said).toBe(
      `unusable: cannot use the folder ${folder}, this user has no permission (EACCES); DATA_DIR or the command line names it`,
    );
  });

  test('because a file in it belongs to somebody else is an error that names the file', async context => {
    if (process.getuid?.() !== 0) context.skip('only root can give files to somebody else');
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
