import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROGRAM } from '../support/built-program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DIST = join(dirname(PROGRAM), '..');

/** A copy of the built program without packages, as in an image. */
async function copyProgram(): Promise<{ main: string; compiled: string }> {
  const folder = await temporaryFolder();
  for (const part of ['cli', 'kernel']) {
    await cp(join(DIST, part), join(folder, 'dist', part), { recursive: true });
  }
  await cp(join(DIST, '../package.json'), join(folder, 'package.json'));
  return { main: join(folder, 'dist/cli/main.js'), compiled: join(folder, 'dist/compiled') };
}

function run(
  main: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], {
    cwd: dirname(main),
    env: {},
    encoding: 'utf8',
  });
}

describe('the built program', () => {
  test('includes the licences of its bundled packages', async () => {
    const licences = await readFile(join(DIST, 'THIRD-PARTY-LICENCES.txt'), 'utf8');
    const folders = ['src', 'web'].map(name => join(DIST, '..', name));
    const names = folders.flatMap(folder =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
    );
    const sources = names
      .filter(name => name.endsWith('.ts'))
      .map(name => readFileSync(name, 'utf8'));
    const imported = sources
      .join('')
      .matchAll(/(?:from|import) '((?!node:|\.)(?:@[^/']+\/)?[^/']+)/g);
    const packages = new Set([...imported].map(([, name]) => name!));
    expect(packages.size).toBeGreaterThan(10);
    for (const name of packages) expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  test('runs its commands without node_modules', async () => {
    const { main } = await copyProgram();
    const folder = await temporaryFolder();
    const { status, stdout, stderr } = run(main, 'run', '--bets', '100', '--agencies', '1');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('every agency was told its winners');
    expect(run(main, 'dataset', folder, '--bets', '10').status).toBe(0);
    expect(run(main, 'certs', folder).status).toBe(0);
    expect(run(main, 'dataset', folder, '--from', 'no.zip').stderr).toMatch(
      /^loteria: --from no\.zip cannot be unpacked/,
    );
    await writeFile(join(folder, 'config.yaml'), 'id: 70000');
    expect(run(main, 'client', '--config', join(folder, 'config.yaml')).stderr).toContain(
      "id is '70000'",
    );
  });

  test('loads no TLS module in an agency unless TLS is on', async () => {
    const { main } = await copyProgram();
    const script = `process.on('exit', () => console.error(process.moduleLoadList.includes('NativeModule tls')))`;
    const agency = {
      CLI_ID: '1',
      CLI_SERVER_ADDRESS: '127.0.0.1:1',
      CLI_RETRY_MAXELAPSED: '1ms',
      CLI_FILE_NAME: main,
    };
    const loadsTls = (env: Record<string, string>): string =>
      spawnSync(process.execPath, ['--import', `data:text/javascript,${script}`, main, 'client'], {
        cwd: dirname(main),
        env: { ...agency, ...env },
        encoding: 'utf8',
      }).stderr;
    const folder = await temporaryFolder();
    run(main, 'certs', folder, '--agencies', '0');
    expect(loadsTls({})).toBe('false\n');
    expect(loadsTls({ CLI_TLS_CA: join(folder, 'ca.pem') })).toBe('true\n');
  });

  test.each(['client', 'server'])(
    'prints one line about the missing configuration of a %s',
    async name => {
      const { main } = await copyProgram();
      const direct = run(main, name);
      expect(direct.status).toBe(2);
      expect(direct.stderr).toMatch(/^loteria: \S+ is missing: .*\n$/);
      // The path with command-line options ends in the same way.
      await writeFile(join(dirname(main), 'empty'), '');
      const { status, stderr } = run(main, name, '--config', 'empty');
      expect(status).toBe(2);
      expect(stderr.replace('empty', 'config')).toBe(
        direct.stderr.replace(/config\.\w+/, 'config'),
      );
    },
  );

  test('keeps a compile cache, and runs without one where it cannot be written', async () => {
    const { main, compiled } = await copyProgram();
    const first = run(main, '--version');
    expect(await readdir(compiled)).not.toEqual([]);
    expect(run(main, '--version')).toMatchObject({ status: 0, stdout: first.stdout, stderr: '' });
    const elsewhere = await copyProgram();
    await writeFile(elsewhere.compiled, 'a file where the folder should be');
    expect(run(elsewhere.main, '--version')).toMatchObject({
      status: 0,
      stdout: first.stdout,
      stderr: '',
    });
  });
});
