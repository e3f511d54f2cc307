import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { completionScript, type Shell } from '../../src/cli/completion.ts';
import { buildProgram } from '../../src/cli/main.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { runTool } from './tool.ts';

const program = buildProgram(() => {});

/** Runs a shell's completion with the script `file`. */
const DRIVERS: Readonly<Record<Shell, (file: string, line: string) => string[]>> = {
  bash: (file, line) => ['--norc', join(import.meta.dirname, 'complete.bash'), file, line],
  zsh: (file, line) => ['-f', join(import.meta.dirname, 'complete.zsh'), file, line],
  fish: (file, line) => ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line],
};

const SHELLS = Object.keys(DRIVERS) as Shell[];

/** The completions of the last word of a line. */
async function offered(context: TestContext, shell: Shell, line: string): Promise<string[]> {
  const file = join(await temporaryFolder(), `completion.${shell}`);
  writeFileSync(file, completionScript(program, shell));
  const { status, output } = runTool(context, shell, DRIVERS[shell](file, line));
  expect({ status, output }).toEqual({ status: 0, output: expect.any(String) });
  // Two of the shells append a description to each word.
  return output.split('\n').flatMap(shown =>
    shown
      .replace(/(?:\t| +-- ).*/, '')
      .trim()
      .split(/\s+/),
  );
}

describe.each(SHELLS)('completion in %s', shell => {
  test.for([
    ['loteria dr', ['draw'], ['server']],
    ['loteria draw ', ['status', 'new'], ['server', '--help']],
    ['loteria draw status --', ['--config', '--json', '--help'], ['--data']],
    ['loteria run --d', ['--data', '--dialect'], ['--bets']],
    ['loteria run --dialect ', ['resumable', 'base', 'op-codes'], ['--data']],
    ['loteria run --page --dialect p', ['push-codes'], ['resumable']],
    ['loteria completion ', ['bash', 'zsh', 'fish'], ['server']],
  ] as const)('completes %j with %j', async ([line, fits, doesNot], context) => {
    const words = await offered(context, shell, line);
    expect(words).toEqual(expect.arrayContaining([...fits]));
    expect(words.filter(word => doesNot.some(other => other === word))).toEqual([]);
  });
});
