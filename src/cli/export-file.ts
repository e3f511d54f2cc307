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
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FileRefused, IS_LINK, PRIVATE_FILE } from '../files/private.ts';
import { StoreError } from '../store/store.ts';

/** Rows that are written at a time, in bytes: the pieces that come may be small. */
const BUFFER_BYTES = 1024 * 1024;

/**
 * A file of rows and, beside it, its seal. Both are written under other names and take their own when they are whole and synced, so
 * that nobody ever finds half of one. Writing waits for the disk: whoever hands rows over has nothing better to do.
 */
export class ExportFile {
  readonly path: string;
  /** What went wrong when rows were written. */
  failure: Error | undefined;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  readonly #descriptor: number;
  #filled = 0;
  #bytes = 0;

  private constructor(path: string) {
    this.path = path;
    this.#descriptor = openSync(this.partPath, 'wx', PRIVATE_FILE);
  }

  /**
   * @param force whether a file of that name, or the rest of an export that was interrupted, may be there
   * @throws StoreError `unusable` when it is and may not; FileRefused when it is a symbolic link
   */
  static create(path: string, force: boolean): ExportFile {
    const part = partOf(path);
    const link = [path, sealOf(path)].find(name =>
      lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink(),
    );
    if (link !== undefined) throw new FileRefused(link, IS_LINK);
    const found = [path, sealOf(path), part].find(name => existsSync(name));
    if (found !== undefined && !force) throw isThere(found, found === part);
    if (existsSync(path) && !statSync(path).isFile()) throw new StoreError('unusable', `${path} is no file`);
    for (const name of [part, partOf(sealOf(path))]) rmSync(name, { force: true });
    return new ExportFile(path);
  }

  get partPath(): string {
    return partOf(this.path);
  }

  get sealPath(): string {
    return sealOf(this.path);
  }

  /** Length of what was handed over. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the next rows, which are copied or written. */
  write(rows: Uint8Array): void {
    try {
      this.#hash.update(rows);
      this.#bytes += rows.length;
      if (rows.length > BUFFER_BYTES - this.#filled) this.#flush();
      if (rows.length > BUFFER_BYTES) {
        writeAll(this.#descriptor, rows);
        return;
      }
      this.#buffer.set(rows, this.#filled);
      this.#filled += rows.length;
    } catch (error) {
      this.failure = error as Error;
      throw error;
    }
  }

  /**
   * Gives the file its name, and its seal.
   *
   * @param describe makes the seal, of the digest of the file
   * @returns the digest
   */
  finish(describe: (sha256: string) => unknown): string {
    this.#flush();
    fsyncSync(this.#descriptor);
    this.#expectOwnPart();
    closeSync(this.#descriptor);
    const sha256 = this.#hash.digest('hex');
    const sealPart = partOf(this.sealPath);
    const seal = `${JSON.stringify(describe(sha256), undefined, 2)}\n`;
    writeFileSync(sealPart, seal, { flush: true, flag: 'wx', mode: PRIVATE_FILE });
    // Not a seal beside another file, should the process end now.
    rmSync(this.sealPath, { force: true });
    renameSync(this.partPath, this.path);
    renameSync(sealPart, this.sealPath);
    syncDirectory(dirname(this.path));
    return sha256;
  }

  /** Leaves nothing behind of a file that is not finished. */
  discard(): void {
    rmSync(this.partPath, { force: true });
    rmSync(partOf(this.sealPath), { force: true });
  }

  /** @throws StoreError `unusable` when another export has begun to write the same file */
  #expectOwnPart(): void {
    const own = fstatSync(this.#descriptor);
    const found = statSync(this.partPath, { throwIfNoEntry: false });
    if (found?.ino === own.ino && found.dev === own.dev) return;
    throw new StoreError('unusable', `another export writes ${this.path}`);
  }

  #flush(): void {
    writeAll(this.#descriptor, this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

const partOf = (path: string): string => `${path}.part`;
const sealOf = (path: string): string => `${path}.seal`;

function isThere(path: string, isPart: boolean): StoreError {
  const why = isPart ? ', another export writes it or was interrupted' : '';
  return new StoreError('unusable', `${path} is there already${why}; --force overwrites it`);
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
