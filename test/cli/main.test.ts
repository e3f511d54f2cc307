import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLIENT_KEYS } from '../../src/config/client-keys.ts';
import type { Key } from '../../src/config/keys.ts';
import { SERVER_KEYS } from '../../src/config/server-keys.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function loteria(...args: string[]): Promise<Outcome> {
  return loteriaIn(await temporaryFolder(), ...args);
}

async function loteriaIn(cwd: string, ...args: string[]): Promise<Outcome> {
  const program = Program.start(args, { cwd });
  const { code } = await program.exited;
  const stdout = program.lines.map(line => `${line.text}\n`).join('');
  return { code, stdout, stderr: program.stderr };
}

describe('help', () => {
  test.each([
    [
      ['--help'],
      ['server', 'client', 'run', 'dataset', 'Exit codes: 0 done, 1 failed, 2 wrong usage'],
    ],
    [['help', 'server'], ['SERVER_PORT']],
    [['help', 'draw', 'new'], ['Usage: loteria draw new']],
    [['draw', 'help', 'new'], ['Usage: loteria draw new']],
  ])('loteria %j lists commands, options and keys, exit code 0', async (args, words) => {
    const { code, stdout, stderr } = await loteria(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of words) expect(stdout).toContain(word);
  });

  test.each<[string, Readonly<Record<string, Key<unknown>>>]>([
    ['server', SERVER_KEYS],
    ['client', CLIENT_KEYS],
  ])(
    'of the %s lists every key with variable, purpose, bounds and default',
    async (command, keys) => {
      const { stdout } = await loteria(command, '--help');
      for (const key of Object.values(keys)) {
        expect(stdout).toMatch(new RegExp(`^ +(?:.*, )?${key.env[0]}$`, 'm'));
        expect(stdout).toContain(key.name);
        expect(stdout).toContain(key.about);
        const value =
          key.default === undefined
            ? key.optional
              ? 'not set'
              : 'required'
            : `default ${key.default}`;
        expect(stdout).toContain(`${key.allowed}; ${value}\n`);
      }
    },
  );

  test('loteria --version prints the version of the package', async () => {
    const { version } = JSON.parse(
      await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'),
    ) as { version: string };
    expect(await loteria('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('wrong usage', () => {
  test.each([
    [['srver'], "unknown command 'srver'", 'Did you mean server?'],
    [['run', '--dta', 'x'], "unknown option '--dta'", 'Did you mean --data?'],
  ])('loteria %j is refused with a suggestion, exit code 2', async (args, fault, suggestion) => {
    const { code, stdout, stderr } = await loteria(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
    expect(stderr).toContain(suggestion);
    expect(stderr).toContain('lists what there is');
  });

  test.each([
    [[], 'Usage: loteria'],
    [['server', 'now'], 'too many arguments'],
    [['help', 'nope'], "unknown command 'nope'"],
    [['help', 'srver'], 'Did you mean server?'],
    [['nope', '--help'], "unknown command 'nope'"],
    [['help', 'draw', 'nope'], "unknown command 'nope'"],
    [['draw', 'nope', '--help'], "unknown command 'nope'"],
    [['journal'], 'Usage: loteria journal'],
    [['journal', 'verfy'], 'Did you mean verify?'],
    [
      ['draw', 'status', '--config', 'none.ini'],
      'cannot read none.ini, it does not exist (ENOENT)',
    ],
    [['client', '--config'], "option '--config <file>' argument missing"],
    [['dataset'], "missing required argument 'folder'"],
    [['dataset', 'x', '--bets', 'many'], 'A whole number from 0 to 1000000000 is expected.'],
    [['dataset', 'x', '--bets', '1.5'], 'A whole number from 0'],
    [['dataset', 'x', '--agencies', '0'], 'A whole number from 1 to 1000 is expected.'],
    [['dataset', 'x', '--seed', '4294967296'], 'A whole number from 0 to 4294967295 is expected.'],
    [['run', '--data', 'x', '--bets', '5'], 'cannot be used with'],
    [
      ['run', '--dialect', 'csv-frame'],
      'Allowed choices are resumable, base, push-codes, check-win, csv-frames, op-codes, tp0.',
    ],
    [['dataset', 'x', '--from', 'y', '--bets', '5'], 'cannot be used with'],
    [
      ['draw', 'status', 'nowhere'],
      'cannot use the folder nowhere, it does not exist; DATA_DIR or the command line names it',
    ],
    [
      ['draw', 'status', '/dev/null'],
      'cannot use the folder /dev/null, a file stands where a folder is needed (ENOTDIR)',
    ],
    [['server', '--config', '.'], 'cannot read ., it is a folder (EISDIR)'],
    [['audit', 'nowhere'], 'nowhere/bets.csv is missing'],
    [
      ['check', '.', '--how', 'native', '--json', 'nowhere/report.json'],
      'cannot write nowhere/report.json, its folder does not exist (ENOENT)',
    ],
    [['dataset', 'x', '--from', 'y'], '--from y cannot be unpacked: it does not exist (ENOENT)'],
    [['run', '--data', ''], "option '--data <path>' argument '' is invalid. It is empty."],
    [['audit', ''], "value '' is invalid for argument 'folder'. It is empty."],
    [['schema', '--role', ''], "option '--role <name>' argument '' is invalid. It is empty."],
  ])('loteria %j names the fault, exit code 2', async (args, fault) => {
    const { code, stdout, stderr } = await loteria(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

test.each([['--help'], ['schema'], ['completion', 'bash'], ['certs', 'pki']])(
  'loteria %s whose output cannot be written says why, exit code 1',
  async (...args) => {
    const cwd = await temporaryFolder();
    const program = Program.start(args, {
      cwd,
      through: ['sh', '-c', 'exec "$@" >/dev/full', 'sh'],
    });
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(program.stderr).toBe(
      'loteria: cannot write standard output, the disk is full (ENOSPC)\n',
    );
  },
);

test('the reader of a pipe that goes first does not change the exit code', async () => {
  const cwd = await temporaryFolder();
  const script = '"$@" | true; exit ${PIPESTATUS[0]}';
  const through = ['bash', '-c', script, 'bash'];
  const certs = Program.start(['certs', 'pki'], { cwd, through });
  expect(await certs.exited).toEqual({ code: 0, signal: null });
  expect(certs.stderr).toBe('');
});

test.each(['dataset', 'certs'])('loteria %s names a file in place of its folder', async name => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a-file'), '');
  expect(await loteriaIn(folder, name, 'a-file')).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'loteria: a-file cannot be created as a folder, something is there already (EEXIST); name another one\n',
  });
});
