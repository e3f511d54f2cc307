import { symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { loteria } from '../store/store-folder.ts';
import { temporaryFolder } from './temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A temporary copy of the project's root, for commands that write into it. */
export async function projectFolder(links: Readonly<Record<string, string>> = {}): Promise<string> {
  const project = await temporaryFolder();
  const all = { loteria: join(ROOT, 'loteria'), docs: join(ROOT, 'docs'), ...links };
  for (const [name, target] of Object.entries(all)) symlinkSync(target, join(project, name));
  return project;
}

/**
 * Runs a lottery with real processes. @returns a project folder with its `data`, and with the file
 * and the winners of agency 3
 */
export async function projectAfter(...args: readonly string[]): Promise<string> {
  const tmp = join(await temporaryFolder(), 'tmp');
  await mkdir(tmp);
  const { code, stdout } = await loteria(tmp, ['run', '--keep', ...args], { TMPDIR: tmp });
  expect(code).toBe(0);
  const kept = /^kept: (.*)$/m.exec(stdout)![1]!;
  return projectFolder({
    data: join(kept, 'server'),
    'agency-3.csv': join(kept, 'data/agency-3.csv'),
    'winners-3.txt': join(kept, 'winners-3.txt'),
  });
}
