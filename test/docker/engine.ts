import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Time limit of a Docker command, in milliseconds. An image without cache takes longest. */
const COMMAND_MS_MAX = 300_000;

/** Runs a command. @returns its standard output; an error contains all output */
export async function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd,
    timeout: COMMAND_MS_MAX,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 ** 2,
  });
  return stdout;
}

export function docker(...args: readonly string[]): Promise<string> {
  return run('docker', args);
}

/** Waits for the end of a container. @returns its exit code */
export async function exitCode(container: string): Promise<number> {
  return Number(await docker('wait', container));
}

/** The reason why this machine cannot run tests with containers; undefined if it can. */
export function engineMissing(): string | undefined {
  for (const args of [['version'], ['compose', 'version']]) {
    const { status, error } = spawnSync('docker', args, { timeout: 20_000 });
    if (error !== undefined)
      return `docker cannot be run (${(error as NodeJS.ErrnoException).code})`;
    if (status !== 0) return `no Docker engine answers: 'docker ${args.join(' ')}' failed`;
  }
  return undefined;
}
