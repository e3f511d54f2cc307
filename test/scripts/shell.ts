import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export const GENERATOR = join(ROOT, 'generar-compose.sh');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script with `sh`. Of the caller's environment it inherits only the path. */
export function sh(
  script: string,
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Outcome {
  const { status, stdout, stderr } = spawnSync('sh', [script, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.env },
    encoding: 'utf8',
    timeout: 25_000,
  });
  return { status, stdout, stderr };
}

export function generate(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Outcome {
  return sh(GENERATOR, args, { cwd, env });
}
