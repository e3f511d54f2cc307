import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { reasonOf } from './system-error.ts';

/** Files with personal data or keys are for their owner alone. */
export const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** An existing file must not be overwritten. */
export class FileRefused extends Error {
  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} ${why}`, { cause });
    this.name = 'FileRefused';
  }
}

/** Following a link would let others redirect writes to any file of this user. */
export const IS_LINK = 'is a symbolic link, which is not followed; name the file itself';

/**
 * Opens a file for writing that is created for its owner alone.
 *
 * @param flags of `open`, such as `O_WRONLY | O_TRUNC`
 * @throws FileRefused (as a rejection) when it is a symbolic link, or the error of the file system
 */
export async function openPrivate(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags | constants.O_CREAT | constants.O_NOFOLLOW, PRIVATE_FILE);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ELOOP'
      ? new FileRefused(path, IS_LINK, error)
      : error;
  }
}

/** Replaces the content of a file; see `openPrivate`. */
export async function writePrivate(path: string, data: string | Uint8Array): Promise<void> {
  const file = await openPrivate(path, constants.O_WRONLY | constants.O_TRUNC);
  try {
    await file.writeFile(data);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file atomically, for the only process that writes in its folder. A crash can leave the
 * unfinished file; the next write replaces it.
 */
export async function replacePrivate(path: string, data: string): Promise<void> {
  const unfinished = `${path}.new`;
  await writePrivate(unfinished, data);
  await rename(unfinished, path);
}

/**
 * Creates a file atomically: at no time, and after no crash, is it there with a part of `data`.
 *
 * @returns whether it was created; false when something is there already, which stays unchanged
 */
export async function createPrivate(path: string, data: Uint8Array): Promise<boolean> {
  const unfinished = besides(path);
  try {
    await writePrivate(unfinished, data);
    // Unlike `rename`, `link` never replaces a file.
    await link(unfinished, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

/**
 * Creates and removes a file beside `path`. Other processes would see one that is `path` itself.
 *
 * @throws the error of the file system, as when `path` cannot be created
 */
export async function tryToCreate(path: string): Promise<void> {
  const probe = besides(path);
  await (await openPrivate(probe, constants.O_WRONLY)).close();
  await rm(probe);
}

/**
 * A name that no other process uses: clients may share a folder, and those of an agency a
 * `winners.file`. A fixed name would be written by several of them at the same time.
 */
function besides(path: string): string {
  return `${path}.${randomBytes(3).toString('base64url')}`;
}

/**
 * Creates a folder and its parents for their owner alone; does not change existing ones.
 *
 * @throws FileRefused (as a rejection) when it cannot be created
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    const why = `cannot be created as a folder, ${reasonOf(error)}; name another one`;
    throw new FileRefused(path, why, error);
  }
}

/** @throws FileRefused when what may be replaced is a symbolic link or no file */
export function expectFile(path: string, stats: Stats): void {
  if (stats.isSymbolicLink()) throw new FileRefused(path, IS_LINK);
  if (!stats.isFile()) throw new FileRefused(path, 'is not a file');
}

/**
 * Removes files before they are created anew; all or none.
 *
 * @param force whether to remove existing files
 * @throws FileRefused (as a rejection)
 */
export async function makeWay(paths: readonly string[], force: boolean): Promise<void> {
  const there: string[] = [];
  for (const path of paths) {
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined) continue;
    expectFile(path, stats);
    if (!force) throw new FileRefused(path, 'is there already; --force overwrites it');
    there.push(path);
  }
  for (const path of there) await rm(path);
}
