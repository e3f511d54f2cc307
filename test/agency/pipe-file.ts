import { execFileSync } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Part of every POSIX system. */
const MAKE_PIPE = 'mkfifo';

/**
 * `agency.csv` as a pipe with a name: the test says when the agency gets to read more of its file.
 * Closing the writer ends the file; that happens at the end of the test at the latest.
 */
export async function pipeFile(folder: string): Promise<{ path: string; writer: FileHandle }> {
  const path = join(folder, 'agency.csv');
  execFileSync(MAKE_PIPE, [path]);
  // Open for reading too, so that neither side waits for the other to open it.
  const writer = await open(path, 'r+');
  onTestFinished(() => writer.close());
  return { path, writer };
}
