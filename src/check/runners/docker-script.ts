import { spawn } from 'node:child_process';
import {
  access,
  chmod,
  constants,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { REFUSED, type ShimConfig } from './docker-names.ts';
import { NotCheckable } from '../finding.ts';
import { COMPOSE_FILE, PROJECT, SERVER_SERVICE } from '../profiles/tp0.ts';
import type { Engine } from './docker-engine.ts';

/** TCP clients, which a student may not rely on. */
const HOST_NETCATS = /^(?:nc|ncat|netcat|nc\..*|socat|telnet|busybox|nmap)$/;

const OUTPUT_LENGTH_MAX = 100_000;

export interface ScriptRun {
  /** Undefined if it did not end in time. */
  readonly code: number | undefined;
  readonly output: string;
}

interface ScriptOptions {
  readonly engine: Engine;
  /** The temporary copy, the working directory of the script. */
  readonly stage: string;
  readonly script: string;
  /** For the files of this run. */
  readonly folder: string;
  /** The network and the containers behind the names of the compose file. */
  readonly network: string;
  readonly server: string;
  readonly limitMs: number;
}

/**
 * Runs a script of the subject without netcat on the host. Its `docker` maps the names of the
 * subject's compose file to the network and the containers of this run.
 */
export async function runScript(options: ScriptOptions): Promise<ScriptRun> {
  const { engine, stage, script, folder, limitMs } = options;
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const docker = await linkPrograms(bin, engine.environment['PATH'] ?? '');
  const journal = join(folder, 'journal');
  await writeFile(journal, '');
  const config: ShimConfig = {
    docker,
    run: engine.run,
    labels: engine.labels,
    networks: Object.fromEntries((await networkNames(stage)).map(name => [name, options.network])),
    containers: { [SERVER_SERVICE]: options.server },
    journal,
  };
  const shimConfig = join(folder, 'shim.json');
  await writeFile(shimConfig, JSON.stringify(config));
  const shim = join(import.meta.dirname, `docker-shim${extname(import.meta.filename)}`);
  await writeFile(
    join(bin, 'docker'),
    `#!/bin/sh\nexec '${process.execPath}' '${shim}' '${shimConfig}' "$@"\n`,
  );
  await chmod(join(bin, 'docker'), 0o755);

  const path = join(stage, script);
  const isExecutable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  const [command, args] = isExecutable ? [path, []] : ['bash', [path]];
  const environment = { ...engine.environment, PATH: bin };
  const ran = await runFor(limitMs, command, args, { cwd: stage, env: environment });
  const refused = new RegExp(`^${REFUSED} (.*)$`, 'm').exec(await readFile(journal, 'utf8'))?.[1];
  if (refused !== undefined) {
    throw new NotCheckable({
      es: `${script} usa '${refused}', que podría tocar lo que ya esté corriendo en esta máquina`,
      en: `${script} uses '${refused}', which might touch what else is running on this machine`,
    });
  }
  return ran;
}

/** Links the programs of this machine, except TCP clients. */
async function linkPrograms(bin: string, path: string): Promise<string> {
  let docker = 'docker';
  // The first folder of PATH has priority, so its programs are linked last.
  for (const folder of path.split(':').toReversed()) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (name === 'docker') docker = join(folder, name);
      if (name === 'docker' || HOST_NETCATS.test(name)) continue;
      await rm(join(bin, name), { force: true });
      await symlink(join(folder, name), join(bin, name));
    }
  }
  return docker;
}

/** Docker Compose prefixes network names with the project. */
async function networkNames(stage: string): Promise<string[]> {
  const text = await readFile(join(stage, COMPOSE_FILE), 'utf8').catch(() => '');
  const { name = PROJECT, networks = {} } = (parse(text) ?? {}) as {
    name?: string;
    networks?: Record<string, { name?: string } | null>;
  };
  const keys = new Set([...Object.keys(networks), 'default', 'testing_net']);
  const projects = new Set([name, PROJECT]);
  const named = Object.values(networks).flatMap(network => network?.name ?? []);
  return [...named, ...[...projects].flatMap(project => [...keys].map(key => `${project}_${key}`))];
}

async function runFor(
  limitMs: number,
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<ScriptRun> {
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', bytes => (output = `${output}${String(bytes)}`.slice(0, OUTPUT_LENGTH_MAX)));
  }
  const ended = new Promise<number>(resolve => {
    child.on('error', () => resolve(127));
    child.on('close', code => resolve(code ?? 1));
  });
  const giveUp = new AbortController();
  const code = await Promise.race([
    ended,
    pause(limitMs, undefined, giveUp).catch(() => undefined),
  ]);
  giveUp.abort();
  if (code === undefined) {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  return { code, output };
}
