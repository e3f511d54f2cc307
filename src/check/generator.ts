import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GENERATOR } from './profiles/tp0.ts';

const LIMIT_MS = 20_000;

export interface GeneratorRun {
  readonly code: number;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Runs the subject's generator in the temporary copy, also without its executable bit. */
export async function runGenerator(folder: string, args: readonly string[]): Promise<GeneratorRun> {
  const path = join(folder, GENERATOR);
  const isExecutable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  const [command, first] = isExecutable ? [path, []] : ['bash', [path]];
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...first, ...args], {
      cwd: folder,
      timeout: LIMIT_MS,
    });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const {
      code,
      stdout = '',
      stderr = '',
    } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : 1, output: stdout + stderr || String(error) };
  }
}
