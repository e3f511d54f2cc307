import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { loteria } from '../store/store-folder.ts';
import { AUDITOR_SCRIPT } from '../support/count-again.ts';
import { closedLottery } from './closed-lottery.ts';

/** The auditors, `loteria audit` and `docs/auditoria.py`, and their input. */

export const read = (folder: string, name: string): string =>
  readFileSync(join(folder, name), 'utf8');
export const write = (folder: string, name: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, name), content);

export function edit(folder: string, name: string, change: (text: string) => string): void {
  const before = read(folder, name);
  const after = change(before);
  expect(after).not.toBe(before);
  write(folder, name, after);
}

/** An auditor's files: everything except the journal. */
export async function auditorsCopy(
  options: Parameters<typeof closedLottery>[0] = {},
): Promise<string> {
  const folder = await closedLottery(options);
  rmSync(join(folder, 'bets.journal'));
  return folder;
}

interface Found {
  readonly code: number | null;
  /** The checks that found a difference. */
  readonly differences: readonly string[];
}

export async function audit(folder: string, ...args: readonly string[]): Promise<Found> {
  const { code, stdout } = await loteria(folder, ['audit', folder, ...args]);
  return {
    code,
    differences: [...stdout.matchAll(/^(.*\S) +differs /gm)].map(([, what]) => what!),
  };
}

export function auditWithPython(folder: string): Found {
  const { status, stdout } = spawnSync('python3', [AUDITOR_SCRIPT, folder], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  return {
    code: status,
    differences: [...stdout.matchAll(/^DIFIERE {2}(.*?): /gm)].map(([, what]) => what!),
  };
}
