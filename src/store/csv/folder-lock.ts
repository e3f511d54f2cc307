import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../store.ts';

/** SQLite's own result code for "another process has it". */
const SQLITE_BUSY = 5;

/**
 * Keeps a folder for this process. Node has no call for a lock that the system lets go of when its owner dies, however it
 * dies, and that containers sharing the folder respect; SQLite, which is part of Node, takes one on an empty file.
 *
 * @returns what lets go of it
 * @throws StoreError `unusable` when another process has the lock or the folder cannot be used
 */
export async function lockFolder(path: string): Promise<() => void> {
  await refuseUnusable(dirname(path));
  const sqlite = await import('node:sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(path);
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const busy = (error as { errcode?: number }).errcode === SQLITE_BUSY;
    throw new StoreError(
      'unusable',
      busy
        ? `another process has ${path} locked; end it, or use another DATA_DIR`
        : `cannot use ${path}, ${(error as Error).message}`,
      error,
    );
  }
  const locked = database;
  return () => locked.close();
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no folder',
  EACCES: 'this user may not write there',
  EROFS: 'it is read-only',
};

/** SQLite would say "unable to open database file", whatever the reason is. */
async function refuseUnusable(folder: string): Promise<void> {
  try {
    await access(`${folder}/.`, constants.W_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const reason = REASONS[code] ?? 'it cannot be written';
    throw new StoreError('unusable', `cannot use the folder ${folder}, ${reason} (${code})`, error);
  }
}
