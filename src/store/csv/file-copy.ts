import { AppendFile } from './append-file.ts';
import type { Files, ReadableFile } from './files.ts';

/** Bytes of one copy step. */
const COPY_BYTES = 1024 * 1024;

/** Creates an empty file under the first free name: `path`, `path-2`, `path-3`, … */
export async function createCopy(files: Files, path: string): Promise<AppendFile> {
  for (let number = 1; ; number += 1) {
    const numbered = number === 1 ? path : `${path}-${number}`;
    try {
      return new AppendFile(numbered, await files.create(numbered), 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Copies a file up to `end`, and syncs. */
export async function copyOver(from: ReadableFile, end: number, to: AppendFile): Promise<void> {
  const block = Buffer.allocUnsafe(COPY_BYTES);
  for (let position = 0; position < end; ) {
    const wanted = block.subarray(0, Math.min(block.length, end - position));
    const length = await from.read(wanted, position);
    if (length === 0) break;
    await to.write([wanted.subarray(0, length)]);
    position += length;
  }
  await to.sync();
}
