import { access, constants, lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { PRIVATE_FILE } from '../../files/private.ts';
import { reasonNotCreated, reasonOf } from '../../files/system-error.ts';
import { FolderError, StoreError } from '../store.ts';
import { type FileIdentity, identifyFile, LINK_REASON } from './file-identity.ts';

/** SQLite's result code for a lock of another process. */
const SQLITE_BUSY = 5;

export interface FolderLock {
  /** The lock file. */
  readonly file: FileIdentity;
  /** Whether the file was missing before. */
  readonly isNew: boolean;
  readonly release: () => void;
}

/**
 * Locks a folder for this process. Node has no call for a lock that the system releases when its
 * owner dies; SQLite, which is part of Node, takes one on an empty file.
 *
 * @throws StoreError `unusable` when another process has the lock or the folder cannot be used
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  await refuseUnusable(dirname(path));
  const isNew = await createLockFile(path);
  const before = await identifyFile(path);
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
        : `cannot use ${path}, ${await whyUnusable(path, error)}`,
      error,
    );
  }
  const locked = database;
  const release = (): void => locked.close();
  const file = await identifyFile(path);
  if (file !== undefined && file.id === before?.id) return { file, isNew, release };
  release();
  throw new StoreError('unusable', `${path} was replaced while it was being locked; start again`);
}

/**
 * SQLite would create a world-readable file and follow a link. An existing file is not opened here:
 * closing it would release a lock of this process on it.
 *
 * @returns whether the file was missing
 */
async function createLockFile(path: string): Promise<boolean> {
  try {
    const { O_CREAT, O_EXCL, O_RDWR } = constants;
    await (await open(path, O_RDWR | O_CREAT | O_EXCL, PRIVATE_FILE)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new StoreError('unusable', `cannot use ${path}, ${reasonNotCreated(error)}`, error);
    }
  }
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isSymbolicLink() === true) {
    throw new StoreError('unusable', `cannot use ${path}, ${LINK_REASON}`);
  }
  if (stats?.isDirectory() === true)
    throw new StoreError('unusable', `cannot use ${path}, it is a folder`);
  return false;
}

/** SQLite reports "unable to open database file" for every reason. */
function whyUnusable(path: string, error: unknown): Promise<string> {
  return access(path, constants.R_OK | constants.W_OK).then(() => reasonOf(error), reasonOf);
}

async function refuseUnusable(folder: string): Promise<void> {
  try {
    await access(`${folder}/.`, constants.W_OK);
  } catch (error) {
    throw new FolderError(folder, reasonOf(error), error);
  }
}
