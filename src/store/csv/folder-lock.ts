import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError } from '../store.ts';

/** SQLite's own result code for "another process has it". */
const SQLITE_BUSY = 5;

/**
 * Keeps a folder for this process. Node has no call for a lock that the system lets go of when its owner dies, however it
 * dies, and that containers sharing the folder respect; SQLite, which is part of Node, takes one on an empty file.
 *
 * @returns what lets go of it
 * @throws StoreError `unusable` when another process has the lock, a system error when the folder cannot be used
 */
export async function lockFolder(path: string): Promise<() => void> {
  // SQLite would say "unable to open database file", whatever the reason is.
  await access(dirname(path), constants.W_OK);
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new StoreError('unusable', `another process has ${path} locked: end it, or use another DATA_DIR`);
  }
}
