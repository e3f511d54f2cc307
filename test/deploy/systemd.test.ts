import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ROOT, runTool } from './tool.ts';

const FOLDER = join(ROOT, 'deploy/systemd');
const unit = readFileSync(join(FOLDER, 'loteria.service'), 'utf8');

describe('the files for systemd', () => {
  test('pass systemd-analyze verify, with the TLS drop-in', async context => {
    const folder = await temporaryFolder();
    cpSync(FOLDER, folder, { recursive: true });
    const file = join(folder, 'loteria.service');
    // Node may be elsewhere than in the distribution's package.
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
    const { status, output } = runTool(context, 'systemd-analyze', ['verify', '--man=no', file]);
    expect({ status, output }).toEqual({ status: 0, output: '' });
  });

  test('have the exposure level of docs/OPERATIONS.md', context => {
    const page = readFileSync(join(ROOT, 'docs/OPERATIONS.md'), 'utf8');
    const [, score] = /exposure level of (\d\.\d)/.exec(page)!;
    const { output } = runTool(context, 'systemd-analyze', [
      'security',
      '--offline=true',
      `--threshold=${Number(score) * 10}`,
      join(FOLDER, 'loteria.service'),
    ]);
    expect(output).toContain(`Overall exposure level for loteria.service: ${score}`);
  });

  test('create the user and the folders', async context => {
    const root = await temporaryFolder();
    mkdirSync(join(root, 'etc'));
    for (const [tool, ...args] of [
      ['systemd-sysusers', `--root=${root}`, join(FOLDER, 'loteria.sysusers.conf')],
      ['systemd-tmpfiles', `--root=${root}`, '--create', join(FOLDER, 'loteria.tmpfiles.conf')],
    ] as const) {
      const { status, output } = runTool(context, tool, args);
      context.skip(
        output.includes('Operation not permitted'),
        'only root can change the owner of a file',
      );
      expect({ status, output }).toEqual({ status: 0, output: expect.any(String) });
    }
    const [, loteria] = /^loteria:x:(\d+):/m.exec(readFileSync(join(root, 'etc/passwd'), 'utf8'))!;
    const owners = ['etc/loteria', 'var/lib/loteria'].map(path => statSync(join(root, path)));
    expect(owners.map(({ uid, mode }) => [uid, mode & 0o777])).toEqual([
      [0, 0o750],
      [Number(loteria), 0o700],
    ]);
  });

  test('match the program in exit codes, stop timeout and open files', () => {
    const value = (key: string): number =>
      Number(new RegExp(`^${key}=(\\d+)s?$`, 'm').exec(unit)![1]);
    expect(value('RestartPreventExitStatus')).toBe(EXIT.usage);
    expect(value('TimeoutStopSec') * 1000).toBeGreaterThan(3 * DEFAULT_LIMITS.stopTimeoutMs);
    expect(value('LimitNOFILE')).toBeGreaterThan(65_535);
  });
});
