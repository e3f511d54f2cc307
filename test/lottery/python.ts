import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** Python's csv module, which the course uses, as the reference for ours. */

export const HAS_PYTHON = spawnSync('python3', ['--version']).status === 0;

/** Skips the test without Python. */
export function needsPython({ skip }: TestContext): void {
  skip(!HAS_PYTHON, 'python3 is not installed');
}

/**
 * Runs a Python program with many cases. `program` defines a function `answer(case)`.
 *
 * @returns the answer to each case
 */
export function askPython<Answer>(program: string, cases: readonly unknown[]): Answer[] {
  const main =
    'import json, sys\njson.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)\n';
  const { status, stdout, stderr } = spawnSync('python3', ['-c', `${program}\n${main}`], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Answer[];
}
