import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PROGRAM } from '../support/built-program.ts';
import { needsPython } from '../lottery/python.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { checkVerdicts } from './matrix.ts';
import { IDENTITY, makeOwnSubject, makeSubject } from './subjects/subject.ts';

/** An address without an engine. */
const NO_ENGINE = { DOCKER_HOST: 'tcp://127.0.0.1:1', LANG: 'en' };
const NATIVE = 'without Docker (--how native)';

function check(...options: readonly string[]) {
  const subject = makeSubject('python');
  onTestFinished(() => rmSync(subject, { recursive: true }));
  const args = [PROGRAM, 'check', subject, '--only', 'compose', ...options];
  const env = { ...process.env, ...NO_ENGINE };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  return { code: status, lines: stdout.split('\n'), stderr };
}

test('loteria check without an engine runs natively and reports it', () => {
  const { code, lines } = check();
  expect([code, lines[0], lines[1]]).toEqual([
    0,
    expect.stringMatching(/^no Docker engine answers/),
    NATIVE,
  ]);
});

test.each([
  ['--server', 'true'],
  ['--client', 'true'],
  ['--how', 'native'],
])('loteria check with %s does not look for an engine', (...options) => {
  const { code, lines } = check(...options);
  expect([code, lines[0]]).toEqual([0, NATIVE]);
});

test('loteria check --how docker without an engine exits with code 2', () => {
  const { code, lines, stderr } = check('--how', 'docker');
  expect([code, lines]).toEqual([2, ['']]);
  expect(stderr).toMatch(/^loteria: no Docker engine answers/);
});

test('loteria check without the programs still checks the generator', async () => {
  const subject = makeOwnSubject('base');
  onTestFinished(() => rmSync(subject, { recursive: true }));
  const verdicts = await checkVerdicts(subject, { seed: 1, only: ['outcome', 'compose'] });
  expect(verdicts).toEqual({ outcome: 'not-checkable' });
});

test('loteria check says that a program looks for its configuration in a container', async () => {
  const find = 'config.read("config.ini")';
  const patch = { file: 'server/main.py', find, replace: 'config.read("/config.ini")' };
  const subject = makeSubject('python', [patch]);
  onTestFinished(() => rmSync(subject, { recursive: true }));
  const verdicts = await checkVerdicts(subject, { seed: 1, only: ['outcome'] });
  expect(verdicts).toEqual({ outcome: 'not-checkable' });
});

/** A fake compiler, whose output runs `solution.py` of the folder. */
const COMPILER = `#!/bin/sh
[ "$1 $2 $4" = "build -o ." ] || exit 1
printf '#!/bin/sh\\nexec python3 %s/solution.py' "$PWD" >"$3"
chmod +x "$3"
`;

test('loteria check builds a program in Go, also in src/', async context => {
  needsPython(context);
  const subject = makeSubject('python');
  const tools = await temporaryFolder();
  onTestFinished(() => {
    rmSync(subject, { recursive: true });
    vi.unstubAllEnvs();
  });
  for (const folder of ['server', 'client/src']) {
    mkdirSync(join(subject, folder), { recursive: true });
    writeFileSync(join(subject, folder, 'main.go'), 'package main\n');
  }
  renameSync(join(subject, 'server/main.py'), join(subject, 'server/solution.py'));
  renameSync(join(subject, 'client/main.py'), join(subject, 'client/src/solution.py'));
  execFileSync('git', ['-C', subject, 'add', '--all']);
  execFileSync('git', ['-C', subject, ...IDENTITY, 'commit', '--quiet', '--message=Go']);
  writeFileSync(join(tools, 'go'), COMPILER);
  chmodSync(join(tools, 'go'), 0o755);
  vi.stubEnv('PATH', `${tools}:${process.env['PATH']}`);
  expect(await checkVerdicts(subject, { seed: 1, only: ['outcome'] })).toEqual({});
});

test.each(['ej1', 'ej8:echo', 'ej1:outcome'])(
  'loteria check --only %s, which the folder does not have, is no success',
  only => {
    const { code, stderr } = check('--how', 'native', '--only', only);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `loteria: --only ${only}: nothing to check, there are ej8 (--list)\n`,
    });
  },
);

test.each([
  ['en', 'nothing is checkable'],
  ['es', 'no hay nada verificable'],
])('loteria check of an empty folder is no success (LANG=%s)', async (LANG, reason) => {
  const folder = await temporaryFolder();
  const json = join(folder, 'report.json');
  const args = [PROGRAM, 'check', folder, '--how', 'native', '--json', json];
  const env = { ...process.env, LANG, LC_ALL: '' };
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 2, stderr: `loteria: ${reason}\n` });
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ summary: { ok: 0, fail: 0 } });
});

test.each(['--json', '--junit', '--html'])(
  'loteria check refuses a folder for %s before it checks anything',
  option => {
    const { code, lines, stderr } = check('--how', 'native', option, tmpdir());
    expect([code, lines]).toEqual([2, ['']]);
    expect(stderr).toBe(`loteria: cannot write ${tmpdir()}, it is a folder (EISDIR)\n`);
  },
);
