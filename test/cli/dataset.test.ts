import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loteria } from '../store/store-folder.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SHAPE = ['--agencies', '2', '--bets', '10'];

test.each(['agency-1.csv', 'agency-2.csv', 'expected.json'])(
  'loteria dataset does not overwrite %s, unless it is told to',
  async name => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, name), 'as it was');
    const refused = await loteria(folder, ['dataset', '.', ...SHAPE]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: `loteria: ${name} is there already; --force overwrites it\n`,
    });
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(join(folder, name), 'utf8')).toBe('as it was');
    expect((await loteria(folder, ['dataset', '.', ...SHAPE, '--force'])).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['agency-1.csv', 'agency-2.csv', 'expected.json']);
    expect(readFileSync(join(folder, name), 'utf8')).not.toBe('as it was');
  },
);

test('loteria dataset follows no symbolic link, and makes files for their owner alone', async () => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'target'), 'as it was');
  symlinkSync('target', join(folder, 'agency-2.csv'));
  const refused = await loteria(folder, ['dataset', '.', ...SHAPE, '--force']);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('agency-2.csv is a symbolic link') as string,
  });
  expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('as it was');
  expect((await loteria(folder, ['dataset', 'new', ...SHAPE])).code).toBe(0);
  const modes = ['new', 'new/agency-1.csv', 'new/expected.json'].map(
    name => statSync(join(folder, name)).mode & 0o777,
  );
  expect(modes).toEqual([0o700, 0o600, 0o600]);
});

test('loteria dataset says how many bets and winners it made up, and with which seed', async () => {
  const folder = await temporaryFolder();
  const shape = ['--agencies', '2', '--bets', '1001', '--seed', '5'];
  const made = await loteria(folder, ['dataset', 'made/new', ...shape]);
  expect(made.stdout.split('\n')).toEqual([
    'agency-1.csv: 515 bets, 1 winner',
    'agency-2.csv: 486 bets, 1 winner',
    'made/new: 2 files, 1,001 bets (made up, seed 5), winners in expected.json',
    '',
  ]);
  const more = await loteria(folder, [
    'dataset',
    'made/new',
    ...shape,
    '--winners',
    '3',
    '--force',
  ]);
  expect(more.stdout).toContain('agency-2.csv: 486 bets, 3 winners\n');
});
