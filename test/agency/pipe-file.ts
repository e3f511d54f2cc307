import { execFileSync } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Part of every POSIX system. */
const MAKE_PIPE = 'mkfifo';

/**
 * `agency.csv` as a named pipe, which the test writes. Closing the writer ends the file, at the
 * latest at the end of the test.
 */
export async function pipeFile(folder: string): Promise<{ path: string; writer: FileHandle }> {
  const path = join(folder, 'agency.csv');
  execFileSync(MAKE_PIPE, [path]);
  // Open for reading too, so that no open waits for the other side.
  const writer = await open(path, 'r+');
  onTestFinished(() => writer.close());
  return { path, writer };
}
