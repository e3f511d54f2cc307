import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PROGRAM } from '../support/built-program.ts';
import { makeSubject } from './subjects/subject.ts';

/** Starts a check of a correct subject, and waits until its programs run. */
async function startCheck() {
  const subject = makeSubject('node');
  onTestFinished(() => rmSync(subject, { recursive: true }));
  const before = statusOf(subject);
  const args = ['check', subject, '--how', 'native', '--only', 'outcome'];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  await expect.poll(() => processesOf(child.pid!).length, { timeout: 60_000 }).toBeGreaterThan(2);
  return { subject, before, child, exited };
}

const statusOf = (folder: string): string =>
  execFileSync('git', ['-C', folder, 'status', '--porcelain', '--ignored'], { encoding: 'utf8' });

const foldersOf = (pid: number): string[] =>
  readdirSync(tmpdir()).filter(name => name.startsWith(`loteria-check-${pid}-`));

/** Processes of a run. */
function processesOf(pid: number): string[] {
  return readdirSync('/proc').filter(name => {
    try {
      return readFileSync(`/proc/${name}/environ`, 'utf8').includes(
        `LOTERIA_CHECK_RUN=${tmpdir()}/loteria-check-${pid}-`,
      );
    } catch {
      return false;
    }
  });
}

describe('loteria check', () => {
  test('leaves no folder and no process after Ctrl-C', async () => {
    const { subject, before, child, exited } = await startCheck();
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    expect(foldersOf(child.pid!)).toEqual([]);
    expect(processesOf(child.pid!)).toEqual([]);
    expect(statusOf(subject)).toBe(before);
  });

  test('removes what a run killed with SIGKILL has left', async () => {
    const { subject, before, child, exited } = await startCheck();
    child.kill('SIGKILL');
    await exited;
    expect(foldersOf(child.pid!)).toHaveLength(1);
    const args = [PROGRAM, 'check', subject, '--how', 'native', '--only', 'compose'];
    execFileSync(process.execPath, args);
    expect(foldersOf(child.pid!)).toEqual([]);
    expect(processesOf(child.pid!)).toEqual([]);
    expect(statusOf(subject)).toBe(before);
  });
});
