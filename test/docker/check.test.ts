import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Report } from '../../src/check/finding.ts';
import { Engine } from '../../src/check/runners/docker-engine.ts';
import { CHECK_LIMIT_MS, exitCodeFor, holdCorrect, holdMutants } from '../check/matrix.ts';
import { ECHO_MUTANTS } from '../check/subjects/echo-mutants.ts';
import { PYTHON_CLIENT_MUTANTS } from '../check/subjects/python-client-mutants.ts';
import { PYTHON_DRAW_MUTANTS } from '../check/subjects/python-draw-mutants.ts';
import { PYTHON_SERVER_MUTANTS } from '../check/subjects/python-server-mutants.ts';
import { makeSubject } from '../check/subjects/subject.ts';
import { PROGRAM } from '../support/built-program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { docker } from './engine.ts';
import { needEngine } from './stack.ts';

beforeEach(needEngine);

describe('loteria check --how docker', () => {
  test('passes a correct solution of exercises 1 to 4', { timeout: CHECK_LIMIT_MS }, async () => {
    const subject = repository('echo');
    const before = await inventory();
    const { findings } = await check(subject);
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(new Set(findings.map(({ check: id }) => id))).toEqual(
      new Set(['compose', 'config', 'echo', 'netcat', 'sigterm']),
    );
    expect(await inventory()).toEqual(before);
    expect(git(subject, 'status', '--porcelain')).toBe('');
  });

  holdCorrect('python', 'docker');
  holdMutants('echo', ECHO_MUTANTS, 'docker');
  holdMutants(
    'python',
    [...PYTHON_CLIENT_MUTANTS, ...PYTHON_SERVER_MUTANTS, ...PYTHON_DRAW_MUTANTS],
    'docker',
  );
});

describe('an engine that fails', () => {
  test('a command that Docker refuses is no verdict', { timeout: CHECK_LIMIT_MS }, async () => {
    const subject = repository('echo', [
      {
        file: 'generar-compose.sh',
        find: '      - ./server/config.ini:/config.ini\n',
        replace: '      - ./server/config.ini:config.ini\n',
      },
    ]);
    const [finding] = (await check(subject, '--only', 'ej1:echo')).findings;
    expect(finding).toMatchObject({ verdict: 'not-checkable' });
    expect(finding!.reason).toMatch(/'docker compose'[^]*invalid mount path: 'config\.ini'/);
  });

  test('a subnet that another program takes is replaced by another one', async () => {
    const engine = await Engine.connect(`loteria-check-${process.pid}-subnet`, process.env);
    onTestFinished(() => engine.close());
    const flags = engine.labelFlags;
    const create = (subnet: string, name: string): Promise<string> =>
      engine.docker('network', 'create', ...flags, `--subnet=${subnet}`, `${engine.run}-${name}`);
    const tried: string[] = [];
    await engine.inFreeSubnet(`${engine.run}-free`, async subnet => {
      tried.push(subnet);
      if (tried.length === 1) await create(subnet, 'of-another-program');
      await create(subnet, 'own');
    });
    expect(new Set(tried).size).toBe(2);
  });
});

describe('an interrupted run of loteria check', () => {
  test('leaves nothing after Ctrl-C', { timeout: CHECK_LIMIT_MS }, async () => {
    const before = await inventory();
    const running = start(repository('echo'), '--only', 'ej1:echo');
    await hasContainers(running);
    running.kill('SIGINT');
    expect(await once(running, 'exit')).toEqual([130, null]);
    expect(await inventory()).toEqual(before);
  });

  test('is cleaned up by the next run after SIGKILL', { timeout: CHECK_LIMIT_MS }, async () => {
    const before = await inventory();
    const running = start(repository('echo'), '--only', 'ej1:echo');
    await hasContainers(running);
    running.kill('SIGKILL');
    await once(running, 'exit');
    expect(await inventory()).not.toEqual(before);
    await check(repository('echo'), '--only', 'ej1:compose');
    expect(await inventory()).toEqual(before);
  });
});

function repository(...args: Parameters<typeof makeSubject>): string {
  const folder = makeSubject(...args);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function check(subject: string, ...options: readonly string[]): Promise<Report> {
  const json = join(await temporaryFolder(), 'report.json');
  const running = start(subject, '--json', json, ...options);
  const [code] = (await once(running, 'exit')) as [number | null];
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  expect(code).toBe(exitCodeFor(report.findings.map(({ verdict }) => verdict)));
  return report;
}

function start(subject: string, ...options: readonly string[]): ChildProcess {
  const running = spawn(
    process.execPath,
    [PROGRAM, 'check', subject, '--how', 'docker', ...options],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  onTestFinished(() => void running.kill('SIGKILL'));
  return running;
}

async function hasContainers({ pid }: ChildProcess): Promise<void> {
  const filter = `name=^loteria-check-${pid}-`;
  while ((await docker('ps', '--quiet', '--filter', filter)) === '') await pause(100);
}

/** Everything in the engine. */
async function inventory(): Promise<Record<string, string[]>> {
  const [containers, images, networks, volumes] = await Promise.all([
    docker('container', 'ls', '--all', '--quiet', '--no-trunc'),
    docker('image', 'ls', '--all', '--quiet', '--no-trunc'),
    docker('network', 'ls', '--quiet', '--no-trunc'),
    docker('volume', 'ls', '--quiet'),
  ]);
  const sorted = (lines: string): string[] => [...new Set(lines.split('\n'))].toSorted();
  return {
    containers: sorted(containers),
    images: sorted(images),
    networks: sorted(networks),
    volumes: sorted(volumes),
  };
}

const git = (folder: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' });
