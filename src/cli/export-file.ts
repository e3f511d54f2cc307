import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { expectFile, PRIVATE_FILE } from '../files/private.ts';
import { withPath } from '../files/system-error.ts';
import { StoreError } from '../store/store.ts';

/**
 * A file of rows and its seal. Both are written to `.part` files and renamed after a sync, so that
 * no incomplete file ever has the final name. Writes are synchronous.
 */
export class ExportFile {
  readonly path: string;
  /** Written so far. */
  bytes = 0;
  /** The error of a write of rows. */
  failure: Error | undefined;
  readonly #hash = createHash('sha256');
  readonly #descriptor: number;

  private constructor(path: string) {
    this.path = path;
    this.#descriptor = openSync(this.partPath, 'wx', PRIVATE_FILE);
  }

  /**
   * @param force whether to overwrite the file, or the `.part` of an interrupted export
   * @throws StoreError `unusable` if one exists; FileRefused if it is a symbolic link or a folder
   */
  static create(path: string, force: boolean): ExportFile {
    const part = partOf(path);
    const sealPart = partOf(sealOf(path));
    for (const name of [path, sealOf(path), part, sealPart]) {
      const stats = lstatSync(name, { throwIfNoEntry: false });
      if (stats !== undefined) expectFile(name, stats);
    }
    const found = [path, sealOf(path), part].find(name => existsSync(name));
    if (found !== undefined && !force) throw isThere(found, found === part);
    for (const name of [part, sealPart]) rmSync(name, { force: true });
    return new ExportFile(path);
  }

  get partPath(): string {
    return partOf(this.path);
  }

  get sealPath(): string {
    return sealOf(this.path);
  }

  write(rows: Uint8Array): void {
    try {
      this.#hash.update(rows);
      this.bytes += rows.length;
      writeFileSync(this.#descriptor, rows);
    } catch (error) {
      this.failure = withPath(error, this.partPath);
      throw this.failure;
    }
  }

  /**
   * Renames the file and writes its seal.
   *
   * @param describe makes the seal from the digest of the file
   */
  finish(describe: (sha256: string) => unknown): void {
    fsyncSync(this.#descriptor);
    this.#expectOwnPart();
    closeSync(this.#descriptor);
    const sha256 = this.#hash.digest('hex');
    const sealPart = partOf(this.sealPath);
    const seal = `${JSON.stringify(describe(sha256), undefined, 2)}\n`;
    try {
      writeFileSync(sealPart, seal, { flush: true, flag: 'wx', mode: PRIVATE_FILE });
    } catch (error) {
      throw withPath(error, sealPart);
    }
    // A crash from here on must not leave an old seal beside a new file.
    rmSync(this.sealPath, { force: true });
    renameSync(this.partPath, this.path);
    renameSync(sealPart, this.sealPath);
    syncDirectory(dirname(this.path));
  }

  /** Removes an incomplete file. */
  discard(): void {
    rmSync(this.partPath, { force: true });
    rmSync(partOf(this.sealPath), { force: true });
  }

  /** @throws StoreError `unusable` if another export has taken over the `.part` file */
  #expectOwnPart(): void {
    const own = fstatSync(this.#descriptor);
    const found = statSync(this.partPath, { throwIfNoEntry: false });
    if (found?.ino === own.ino && found.dev === own.dev) return;
    throw new StoreError('unusable', `another export writes ${this.path}`);
  }
}

const partOf = (path: string): string => `${path}.part`;
const sealOf = (path: string): string => `${path}.seal`;

function isThere(path: string, isPart: boolean): StoreError {
  const why = isPart ? ', another export writes it or was interrupted' : '';
  return new StoreError('unusable', `${path} is there already${why}; --force overwrites it`);
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
