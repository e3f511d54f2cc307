import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OnStoreEvent } from '../../src/store/store.ts';
import { archiveDraw } from '../../src/store/csv/archive.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { FaultyFiles, systemError } from './faulty-files.ts';
import { codeOf, holdSyncs, idle } from './faulty-store.ts';
import { drawIn, fillFolder, readFiles } from './store-folder.ts';
import { sealDraw } from '../support/seal-draw.ts';

async function open(): Promise<{ store: CsvStore; files: FaultyFiles; warnings: string[] }> {
  const files = new FaultyFiles();
  const warnings: string[] = [];
  const onEvent: OnStoreEvent = event => {
    if (event.event === 'store-warning') warnings.push(`${event.file}, ${event.warning}`);
  };
  const { store } = await CsvStore.open('/data', { files, onEvent });
  return { store, files, warnings };
}

/** Replaces an open file by another one. */
const replace = (files: FaultyFiles, name: string): void =>
  files.state.put(`/data/${name}`, 'other');

describe('a replaced data file', () => {
  test('is copied once there is room, after which the store fails', async () => {
    const { store, files, warnings } = await open();
    await store.append(batchNamed(1));
    let refusals = 2;
    files.onWrite = (_, file) =>
      file === 'bets.csv.kept' && refusals-- > 0
        ? { bytes: 3, error: systemError('ENOSPC', 'write') }
        : undefined;
    replace(files, 'bets.csv');
    let ended = false;
    void store.failure.then(() => (ended = true));
    expect(await codeOf(store.append(batchNamed(2)).then(() => store.close()))).toBe('fulfilled');
    expect(ended).toBe(true);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain(
      'cannot write /data/bets.csv.kept, the disk is full (ENOSPC); make room',
    );
    expect((await store.failure).message).toContain('move /data/bets.csv.kept to /data/bets.csv');
    const both = Buffer.concat([batchNamed(1).rows, batchNamed(2).rows]);
    expect(files.contentOf('bets.csv.kept').equals(both)).toBe(true);
    expect(files.contentOf('bets.csv').toString()).toBe('other');
  });

  test('is copied together with the other file when both were replaced', async () => {
    const { store, files } = await open();
    await store.append(batchNamed(1));
    const journal = files.contentOf('bets.journal');
    replace(files, 'bets.csv');
    replace(files, 'bets.journal');
    await store.close();
    expect((await store.failure).message).toContain(
      'move /data/bets.csv.kept to /data/bets.csv and /data/bets.journal.kept to /data/bets.journal',
    );
    expect(files.contentOf('bets.csv.kept').equals(Buffer.from(batchNamed(1).rows))).toBe(true);
    expect(files.contentOf('bets.journal.kept').equals(journal)).toBe(true);
    expect([files.openCount, files.isLocked]).toEqual([0, false]);
  });

  test('refuses the draw; its copy holds a pending batch only if acknowledged', async () => {
    const { store, files } = await open();
    const { held, release } = holdSyncs(files);
    const onItsWay = store.append(batchNamed(1));
    await idle();
    expect(held()).toBe(1);
    replace(files, 'bets.csv');
    const closed = store.close();
    await idle();
    release();
    const answer = await codeOf(onItsWay);
    files.onSync = undefined;
    await closed;
    const kept = files.contentOf('bets.csv.kept').length;
    expect(kept).toBe(answer === 'fulfilled' ? batchNamed(1).rows.length : 0);
    expect(await codeOf(sealDraw(store, { bets: 1, winners: new Map() }))).toBe('failed');
  });
});

describe('a data file changed by another program', () => {
  test.each(['bets.csv', 'bets.journal'])('is not overwritten: %s', async name => {
    const { store, files } = await open();
    await store.append(batchNamed(1));
    const path = `/data/${name}`;
    const before = files.contentOf(name);
    files.state.write(path, before.length, Buffer.from('theirs'));
    expect(await codeOf(store.append(batchNamed(2)))).toBe('failed');
    expect((await store.failure).message).toContain(
      `another program changed ${path}, it has ${before.length + 6} bytes and the server has written`,
    );
    expect(files.contentOf(name).subarray(before.length).toString()).toBe('theirs');
    await store.close();
  });
});

test('without bets.lock, either the archiving or the running server fails', async () => {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  await drawIn(folder);
  const { store } = await CsvStore.open(folder);
  const before = readFiles(folder);
  rmSync(join(folder, 'bets.lock'));
  const archived = await archiveDraw(folder).catch(() => undefined);
  const failed = await Promise.race([store.failure, Promise.resolve()]);
  // Either archived, or still open in the server.
  expect(archived !== undefined).toBe(failed !== undefined);
  expect(readFiles(archived ?? folder)).toEqual(before);
  await store.close();
});
