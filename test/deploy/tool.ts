import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

export const ROOT = join(import.meta.dirname, '../..');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

/** Runs a program of the machine; skips the test if it is not installed. */
export function runTool(context: TestContext, tool: string, args: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', LC_ALL: 'C.UTF-8' },
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error?.message.endsWith('ENOENT')) context.skip(`${tool} is not installed`);
  return { status, stdout, output: stdout + stderr };
}
