import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../files/system-error.ts';
import { makePrivateFolder } from '../../files/private.ts';
import { StoreError } from '../store.ts';
import { NODE_FILES } from './files.ts';
import { FolderLease } from './folder-lease.ts';
import { visitJournal } from './inspection.ts';
import type { Drawn } from './journal-record.ts';
import { BETS_FILE, expectLottery, JOURNAL_FILE } from './store-walk.ts';

const ARCHIVE_FOLDER = 'draws';

/** Copies with rows: of voids, replaced files and torn tails. */
const COPY = /^bets\.(?:csv|journal)\.(?:before-|kept|cut)/;

/**
 * Moves the files of a lottery after its draw to `draws/<time>-<seal>/`. After an interruption, a
 * second call moves the rest.
 *
 * @param isOfDraw whether another file in the folder, by its name, belongs to the draw
 * @returns the folder
 * @throws StoreError when a server has the files, when there is no draw in them, or when they
 *   cannot be moved
 */
export async function archiveDraw(
  directory: string,
  isOfDraw: (name: string) => boolean = () => false,
): Promise<string> {
  const files = NODE_FILES;
  let lease: FolderLease | undefined;
  try {
    // Before the lock file is created.
    await expectLottery(directory, files);
    lease = await FolderLease.take(directory, files);
    const { time, sha256 } = await findDraw(directory);
    const folder = join(
      directory,
      ARCHIVE_FOLDER,
      `${time.replaceAll(':', '-')}-${sha256.slice(0, 8)}`,
    );
    await makePrivateFolder(folder);
    // The journal last: rows without a journal would be adopted into the next draw.
    const others = (await readdir(directory)).filter(name => COPY.test(name) || isOfDraw(name));
    for (const name of [BETS_FILE, ...others, JOURNAL_FILE]) await move(name, directory, folder);
    await files.syncDirectory(join(directory, ARCHIVE_FOLDER));
    return folder;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError(
      'unusable',
      `cannot archive the draw in ${directory}, ${reasonOf(error)}`,
      error,
    );
  } finally {
    lease?.release();
  }
}

/** Moves a file that was not moved yet; never overwrites. */
async function move(name: string, from: string, to: string): Promise<void> {
  const files = NODE_FILES;
  const path = join(from, name);
  const target = join(to, name);
  if ((await files.identify(path)) === undefined) return;
  if ((await files.identify(target)) !== undefined) {
    throw new StoreError(
      'unusable',
      `${target} is there already, and so is ${path}: one of them does not belong there`,
    );
  }
  await files.rename(path, target);
  await files.syncDirectory(to);
  await files.syncDirectory(from);
}

async function findDraw(directory: string): Promise<Drawn> {
  let draw: Drawn | undefined;
  await visitJournal(directory, ({ record }) => {
    if (record.type === 'draw') draw = record;
  });
  if (draw !== undefined) return draw;
  throw new StoreError(
    'unusable',
    `no draw has been held in ${directory}; to give an unfinished lottery up, move ${BETS_FILE} and ${JOURNAL_FILE} away together`,
  );
}
