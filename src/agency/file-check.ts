import { createHash, randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { BatchEncoder } from '../wire/dialect.ts';
import { type Refuse, readBatches } from './batcher.ts';
import { CsvSource, type FileFormat, unreadable } from './csv-source.ts';
import { RowDigester, type RowsDigest } from './rows-digest.ts';
import { Stopped } from './errors.ts';

/** Hex digits of the digest that make a name: 128 bits, so that no two files share one. */
const NAME_DIGITS = 32;

/** Bets of a batch of the check, which is not sent. */
const BATCH_AMOUNT = 1024;

/** The name of a file for the central, and what reveals a later change. */
interface NamedFile {
  /** Derived from the content, so that a restarted client finds its upload again. */
  readonly name: string;
  /** Whether the file can be read again. A pipe cannot, and its name is random. */
  readonly rereadable: boolean;
  readonly size: number;
  readonly modifiedMs: number;
}

/** A file whose lines were checked before anything is sent; those of a pipe cannot be. */
export interface CheckedFile extends FileFormat, NamedFile {
  /** Bets that can be sent; undefined for a pipe. */
  readonly bets: number | undefined;
  /** Their rows in the central; undefined without a `RowDigester`. */
  readonly rows?: RowsDigest | undefined;
}

/** A file to send. `refuse` is called with each invalid record. */
export interface UploadFile extends CheckedFile {
  readonly refuse: Refuse;
}

/**
 * Reads the whole file once: computes its name and reports invalid records.
 *
 * @param encoder of the dialect that the file will be sent in: not every dialect can send every
 *   bet; a `RowDigester` computes the digest of the rows, too
 * @throws AgencyError when the file cannot be read, Stopped
 */
export async function checkFile(
  format: FileFormat,
  encoder: BatchEncoder,
  refuse: Refuse,
  stop: AbortSignal,
): Promise<CheckedFile> {
  const found = await statFile(format.path).catch((error: unknown) => {
    throw unreadable(format.path, error);
  });
  if (!found.rereadable) return { ...format, ...found, name: randomUUID(), bets: undefined };
  const hash = createHash('sha256');
  const source = await CsvSource.open(format, stop, bytes => {
    if (stop.aborted) throw new Stopped();
    hash.update(bytes);
  });
  try {
    let bets = 0;
    for await (const { count } of readBatches(source, encoder, () => BATCH_AMOUNT, refuse))
      bets += count;
    const name = hash.digest('hex').slice(0, NAME_DIGITS);
    const rows = encoder instanceof RowDigester ? encoder.digest : undefined;
    return { ...format, ...found, name, bets, rows };
  } finally {
    await source.close();
  }
}

/** Whether the file is still the one that was checked. */
export async function isSameFile({
  path,
  rereadable,
  size,
  modifiedMs,
}: CheckedFile): Promise<boolean> {
  if (!rereadable) return true;
  const now = await statFile(path).catch(() => undefined);
  return now?.size === size && now.modifiedMs === modifiedMs;
}

async function statFile(path: string): Promise<Omit<NamedFile, 'name'>> {
  const stats = await stat(path);
  if (stats.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  return { size: stats.size, modifiedMs: stats.mtimeMs, rereadable: stats.isFile() };
}
