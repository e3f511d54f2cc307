import { createHash, randomUUID } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { unreadable } from './csv-source.ts';
import { Stopped } from './errors.ts';

const CHUNK_BYTES = 512 * 1024;

/** Hex digits of the digest that make a name: 128 bits, so that no two files share one. */
const NAME_DIGITS = 32;

/** How a file is known to the central, and how to notice that it was changed meanwhile. */
export interface NamedFile {
  /** The same every time the same content is sent: a restarted client finds its own upload again. */
  readonly name: string;
  /** Whether the file can be read again from its beginning; a pipe cannot, and has a name of its own each time. */
  readonly rereadable: boolean;
  readonly size: number;
  readonly modifiedMs: number;
}

/**
 * Reads the whole file for its name.
 *
 * @throws AgencyError when the file cannot be read, Stopped
 */
export async function nameFile(path: string, stop: AbortSignal): Promise<NamedFile> {
  try {
    const { size, mtimeMs: modifiedMs, ...stats } = await statFile(path);
    if (!stats.rereadable) return { name: randomUUID(), rereadable: false, size, modifiedMs };
    const digest = await digestOf(path, stop);
    return { name: digest.slice(0, NAME_DIGITS), rereadable: true, size, modifiedMs };
  } catch (error) {
    if (error instanceof Stopped) throw error;
    throw unreadable(path, error);
  }
}

/** The digest of a file's content, in hex. The next chunk is being read while one is digested. */
async function digestOf(path: string, stop: AbortSignal): Promise<string> {
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let next = Buffer.allocUnsafe(CHUNK_BYTES);
    let { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
    while (bytesRead > 0) {
      if (stop.aborted) throw new Stopped();
      const reading = file.read(next, 0, CHUNK_BYTES);
      hash.update(chunk.subarray(0, bytesRead));
      ({ bytesRead } = await reading);
      [chunk, next] = [next, chunk];
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

/** Whether the file is still the one that was named. */
export async function isSameFile(
  path: string,
  { rereadable, size, modifiedMs }: NamedFile,
): Promise<boolean> {
  if (!rereadable) return true;
  const now = await statFile(path).catch(() => undefined);
  return now?.size === size && now.mtimeMs === modifiedMs;
}

async function statFile(path: string): Promise<{ size: number; mtimeMs: number; rereadable: boolean }> {
  const stats = await stat(path);
  if (stats.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  return { size: stats.size, mtimeMs: stats.mtimeMs, rereadable: stats.isFile() };
}
