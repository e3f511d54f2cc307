import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { archiveDraw } from '../../src/store/csv/archive.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  betsPath,
  drawIn,
  fillFolder,
  linesOf,
  readFiles,
  start,
  type StoreFiles,
  writeFiles,
} from './store-folder.ts';

async function drawnFolder(): Promise<StoreFiles & { readonly folder: string }> {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  await drawIn(folder);
  return { folder, ...readFiles(folder) };
}

async function refusalOf(folder: string): Promise<string> {
  const outcome = await archiveDraw(folder).catch((error: unknown) => error);
  if (!(outcome instanceof StoreError)) throw new Error(`archiving gave ${String(outcome)}`);
  return outcome.message;
}

/** Everything except the lock. */
const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter(name => name !== 'bets.lock')
    .toSorted();

describe('archiveDraw', () => {
  test('moves both files unchanged to a folder named after draw time and seal', async () => {
    const { folder, bets, journal } = await drawnFolder();
    const { sha256 } = await verifyStore(folder, hasWon);
    const archive = await archiveDraw(folder);
    expect(archive).toBe(join(folder, 'draws', `2024-08-21T22-11-15.000Z-${sha256.slice(0, 8)}`));
    expect(namesIn(folder)).toEqual(['draws']);
    expect(namesIn(archive)).toEqual(['bets.csv', 'bets.journal']);
    expect(readFiles(archive)).toEqual({ bets, journal });
    expect((await verifyStore(archive, hasWon)).draw?.sha256).toBe(sha256);
  });

  test('also moves copies of the data files and selected files, and no others', async () => {
    const { folder } = await drawnFolder();
    const copies = [
      'bets.csv.before-20261130T100000000Z',
      'bets.journal.before-20261130T100000000Z-2',
    ];
    const more = ['bets.csv.kept', 'bets.csv.cut-2', 'acta.txt'];
    for (const name of [...copies, ...more, 'config.ini', 'bets.csv.bak'])
      writeFileSync(join(folder, name), name);
    const archive = await archiveDraw(folder, name => name === 'acta.txt');
    expect(namesIn(folder)).toEqual(['bets.csv.bak', 'config.ini', 'draws']);
    expect(namesIn(archive)).toEqual(['bets.csv', 'bets.journal', ...copies, ...more].toSorted());
  });

  test('lets the next lottery begin, whose draw gets a separate archive', async () => {
    const { folder } = await drawnFolder();
    const first = await archiveDraw(folder);
    const fresh = await start(folder);
    expect([fresh.facts, fresh.bets.length]).toEqual([[], 0]);
    const { store } = await CsvStore.open(folder);
    await store.append(batchNamed(1, 3));
    await store.close();
    await drawIn(folder);
    const second = await archiveDraw(folder);
    expect(second).not.toBe(first);
    expect((await verifyStore(second, hasWon)).draw?.bets).toBe(3);
    expect((await verifyStore(first, hasWon)).draw?.bets).toBe(6);
  });

  test('completes an archiving that was interrupted at any step', async () => {
    const whole = await drawnFolder();
    const name = (await archiveDraw(whole.folder)).slice(`${whole.folder}/`.length);
    const instants: readonly (readonly string[] | undefined)[] = [undefined, [], ['bets.csv']];
    for (const moved of instants) {
      const { folder, bets, journal } = await drawnFolder();
      const archive = join(folder, name);
      if (moved !== undefined) mkdirSync(archive, { recursive: true });
      for (const file of moved ?? []) renameSync(join(folder, file), join(archive, file));
      expect(await archiveDraw(folder)).toBe(archive);
      expect(namesIn(folder)).toEqual(['draws']);
      expect(readFiles(archive)).toEqual({ bets, journal });
    }
  });

  test('never overwrites an archived draw', async () => {
    const { folder, bets } = await drawnFolder();
    const { journal } = readFiles(folder);
    const archive = await archiveDraw(folder);
    // The same journal again, with other rows.
    writeFiles(folder, { journal, bets: Buffer.from('1,Ana,Paz,1,2000-02-29,7574\r\n') });
    await archiveDraw(folder).catch(() => {});
    expect(readFileSync(betsPath(archive)).equals(bets)).toBe(true);
  });

  test('refuses a damaged journal, even with damage after the draw record', async () => {
    const { folder, journal } = await drawnFolder();
    const lines = linesOf(journal);
    for (const spoilt of [
      Buffer.concat(lines.toSpliced(3, 1)),
      Buffer.concat([journal, Buffer.from('x\n')]),
    ]) {
      writeFiles(folder, { journal: spoilt });
      expect(await refusalOf(folder)).toMatch(/^bets\.journal is damaged at offset \d+, /);
      expect(namesIn(folder)).toEqual(['bets.csv', 'bets.journal']);
    }
  });
});
