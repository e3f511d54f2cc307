import { join } from 'node:path';
import { reasonOf } from '../../files/system-error.ts';
import { StoreError } from '../store.ts';
import type { DataFile, Files, ReadableFile } from './files.ts';
import { BETS_FILE, JOURNAL_FILE } from './store-walk.ts';

/** Name of a journal until its first lines are durable. */
export const NEW_JOURNAL_FILE = 'bets.journal.new';

/** How the first line of a journal begins. */
const BEGINNING = Buffer.from('{"n":1,"type":"begin",');

/**
 * Creates the empty file for a new journal, unless the folder has lost one. This is the first step
 * after the lock: rows with a lock and without either file had a journal once.
 *
 * @param betsBytes length of `bets.csv`
 * @param isUnused whether the lock file was missing too
 * @throws StoreError `unusable`
 */
export async function prepareNewJournal(
  directory: string,
  files: Files,
  betsBytes: number,
  isUnused: boolean,
): Promise<void> {
  const path = join(directory, NEW_JOURNAL_FILE);
  const isBegun = (await files.identify(path)) !== undefined;
  if (betsBytes > 0 && !isUnused && !isBegun) {
    throw new StoreError(
      'unusable',
      `${BETS_FILE} has rows and ${JOURNAL_FILE} is missing, although a server has used ${directory} before; ` +
        `move ${JOURNAL_FILE} back there. Only to begin a new lottery with the rows of ${BETS_FILE}, without what ` +
        `the journal said (finished agencies, uploads, a draw), remove bets.lock as well`,
    );
  }
  if (await using(() => files.open(path), path, beginsLikeJournal)) return;
  throw new StoreError('unusable', `${path} was not written by this program; move it away`);
}

/** Whether a file can be a torn journal: empty, a prefix, or zeros. */
export async function beginsLikeJournal(file: DataFile): Promise<boolean> {
  const bytes = Buffer.alloc(BEGINNING.length);
  await file.read(bytes, 0);
  return bytes.every((byte, index) => byte === 0 || byte === BEGINNING[index]);
}

/**
 * Looks at a file, and closes it.
 *
 * @throws StoreError `unusable`
 */
export async function using<File extends ReadableFile>(
  open: () => Promise<File>,
  path: string,
  look: (file: File) => Promise<boolean>,
): Promise<boolean> {
  try {
    const file = await open();
    try {
      return await look(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new StoreError('unusable', `cannot use ${path}, ${reasonOf(error)}`, error);
  }
}
