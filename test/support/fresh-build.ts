import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from './built-program.ts';

const root = join(import.meta.dirname, '../..');

/** Global setup of every test project: rebuilds `dist/` if a source is newer. */
export default function setup(): void {
  const sources = [
    ...filesUnder('src'),
    ...filesUnder('web'),
    'scripts/build.mjs',
    'package-lock.json',
  ];
  const changedAtMs = Math.max(...sources.map(file => statSync(join(root, file)).mtimeMs));
  const builtAtMs = statSync(PROGRAM, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtAtMs > changedAtMs) return;
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the build failed, and the tests need it');
}

function filesUnder(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length));
}
