import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ROOT, sh } from './shell.ts';

/** Git without the caller's configuration. */
const ENV = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};

const EXERCISES = ['ej1', 'ej2', 'ej3', 'ej4', 'ej5', 'ej6', 'ej7', 'ej8'];

/** A repository with one commit of the files that the script needs. */
async function repository() {
  const folder = await temporaryFolder();
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...ENV },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  await mkdir(join(folder, 'scripts'));
  for (const name of ['generar-compose.sh', 'docker-compose-dev.yaml', 'scripts/ramas.sh']) {
    await cp(join(ROOT, name), join(folder, name));
  }
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=First');
  const ramas = () => sh('scripts/ramas.sh', [], { cwd: folder, env: ENV });
  return { folder, git, ramas };
}

test('make ramas creates eight branches of one commit each and changes nothing else', async () => {
  const { folder, git, ramas } = await repository();
  const head = git('rev-parse', 'HEAD');
  const { status, stdout, stderr } = ramas();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n')).toHaveLength(EXERCISES.length + 1);
  expect(git('branch', '--format=%(refname:short)').split('\n')).toEqual([...EXERCISES, 'main']);
  expect([
    git('rev-parse', 'HEAD'),
    git('branch', '--show-current'),
    git('status', '--porcelain'),
  ]).toEqual([head, 'main', '']);
  for (const exercise of EXERCISES) {
    expect(git('rev-parse', `${exercise}^`)).toBe(head);
    expect(git('show', `${exercise}:.exercise`)).toBe(exercise);
    expect(git('show', `${exercise}:docker-compose-dev.yaml`)).toMatch(
      `# ${exercise} with 5 client(s)`,
    );
    git('switch', '--quiet', exercise);
    expect(sh('generar-compose.sh', ['docker-compose-dev.yaml', '5'], { cwd: folder }).status).toBe(
      0,
    );
    expect(git('status', '--porcelain')).toBe('');
    expect(await readFile(join(folder, '.exercise'), 'utf8')).toBe(`${exercise}\n`);
  }
});

test('make ramas works after generar-compose.sh and after a server with DATA_DIR=.', async () => {
  const { folder, git, ramas } = await repository();
  await cp(join(ROOT, '.gitignore'), join(folder, '.gitignore'));
  git('add', '.');
  git('commit', '--quiet', '--message=Second');
  expect(sh('generar-compose.sh', ['docker-compose-dev.yaml', '2'], { cwd: folder }).status).toBe(
    0,
  );
  for (const name of ['bets.csv', 'bets.journal', 'bets.lock', 'acta.txt', 'acta-sorteo.txt'])
    await writeFile(join(folder, name), '');
  expect(ramas()).toMatchObject({ status: 0, stderr: '' });
  expect(git('status', '--porcelain')).toBe('M docker-compose-dev.yaml');
});

test('make ramas refuses uncommitted changes', async () => {
  const { folder, git, ramas } = await repository();
  await writeFile(join(folder, 'new'), '');
  expect(ramas()).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'ramas: there are changes that are not committed: commit or stash them first (git status lists them)\n',
  });
  expect(git('branch', '--format=%(refname:short)')).toBe('main');
});

test('make ramas refuses existing branches and names them', async () => {
  const { git, ramas } = await repository();
  git('branch', 'ej3');
  git('branch', 'ej7');
  const { status, stderr } = ramas();
  expect(status).toBe(1);
  expect(stderr).toBe(
    "ramas: there are such branches: ej3 ej7; 'git branch -D ej3 ej7' removes them\n",
  );
  expect(git('branch', '--format=%(refname:short)').split('\n')).toEqual(['ej3', 'ej7', 'main']);
});

test('make ramas reports a missing repository', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'scripts'));
  await cp(join(ROOT, 'scripts/ramas.sh'), join(folder, 'scripts/ramas.sh'));
  const { status, stderr } = sh('scripts/ramas.sh', [], { cwd: folder, env: ENV });
  expect(status).toBe(1);
  expect(stderr).toBe('ramas: this is no git repository, or it has no commit\n');
});
