import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_FILES } from '../../src/store/csv/files.ts';
import { FolderLease, TAKE_OVER_MS } from '../../src/store/csv/folder-lease.ts';
import { lockFolder } from '../../src/store/csv/folder-lock.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const lockPath = (folder: string): string => join(folder, 'bets.lock');

/** Takes the lease of a folder; returns its waits. `during` happens in each, in order. */
async function take(folder: string, ...during: (() => unknown)[]): Promise<number[]> {
  const waits: number[] = [];
  const lease = await FolderLease.take(folder, NODE_FILES, async ms => {
    waits.push(ms);
    await during.shift()?.();
  });
  lease.release();
  return waits;
}

async function folderWith(...names: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of names) writeFileSync(join(folder, name), 'content');
  return folder;
}

describe('FolderLease.take', () => {
  test('does not wait in an empty folder', async () => {
    expect(await take(await temporaryFolder())).toEqual([]);
  });

  test.each(['bets.journal', 'bets.csv'])('waits where %s exists without bets.lock', async name => {
    const folder = await folderWith(name);
    expect(await take(folder)).toEqual([TAKE_OVER_MS]);
  });

  test('does not wait where bets.lock is older than the files', async () => {
    const folder = await temporaryFolder();
    await take(folder);
    writeFileSync(join(folder, 'bets.journal'), 'content');
    expect(await take(folder)).toEqual([]);
  });

  test('waits where bets.lock is newer than the data files', async context => {
    const folder = await folderWith('bets.journal');
    const { bornMs } = (await NODE_FILES.identify(join(folder, 'bets.journal')))!;
    if (bornMs === 0) context.skip('the file system keeps no time of creation');
    await new Promise(resolve => setTimeout(resolve, 20));
    writeFileSync(lockPath(folder), '');
    expect(await take(folder)).toEqual([TAKE_OVER_MS]);
  });

  test('waits again when bets.lock is removed meanwhile', async () => {
    const folder = await folderWith('bets.journal');
    const remove = (): void => rmSync(lockPath(folder));
    expect(await take(folder, remove, remove)).toEqual([TAKE_OVER_MS, TAKE_OVER_MS, TAKE_OVER_MS]);
  });

  test('fails when a new bets.lock is locked meanwhile', async () => {
    const folder = await folderWith('bets.journal');
    const locked: Awaited<ReturnType<typeof lockFolder>>[] = [];
    const taking = take(folder, async () => {
      rmSync(lockPath(folder));
      locked.push(await lockFolder(lockPath(folder)));
    });
    await expect(taking).rejects.toThrow(`another process has ${lockPath(folder)} locked`);
    locked[0]!.release();
    expect(await take(folder)).toEqual([TAKE_OVER_MS]);
  });
});
