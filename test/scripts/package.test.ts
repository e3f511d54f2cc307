import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

test('the packed package installs offline without dependencies and runs a lottery', async () => {
  const folder = await temporaryFolder();
  // The tests share dist/, which prepack would rebuild.
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
  });
  const [packed] = await readdir(folder);
  const offline = ['--offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...offline, `./${packed!}`], { cwd: folder });
  expect(await readdir(join(folder, 'node_modules'))).toEqual([
    '.bin',
    '.package-lock.json',
    'loteria-nacional',
  ]);
  const shape = ['--agencies', '2', '--bets', '300'];
  const { stdout } = await run('npx', ['--offline', 'loteria-nacional', 'run', ...shape], {
    cwd: folder,
  });
  expect(stdout).toContain('every agency was told its winners');
});
