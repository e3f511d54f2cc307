import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { NotCheckable } from '../finding.ts';

/** Limit of a command; an image without cache takes longest. */
const COMMAND_MS_MAX = 900_000;
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;
/** Lines of a failed command that are shown. */
const LINES_SHOWN = 12;

/** Attempts to create a network in a free subnet. */
const NETWORK_TRIES = 5;
const SUBNET_TAKEN = 'Pool overlaps';

/**
 * Labels of everything that a run creates: its name and this machine's. They identify the leftovers
 * of a killed run.
 */
const RUN_LABEL = 'loteria-check';
const HOST_LABEL = 'loteria-check.host';

/** A run has the name of its folder, which contains the process id. */
const RUN_NAME = /^loteria-check-(\d+)-/;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A command of Docker failed. The last lines of its output are the reason. */
export class EngineFailed extends NotCheckable {
  readonly output: string;

  constructor(command: string, text: string) {
    const lines = text.trim().split('\n').slice(-LINES_SHOWN).join('\n');
    super({ es: `falló '${command}':\n${lines}`, en: `'${command}' failed:\n${lines}` });
    this.name = 'EngineFailed';
    this.output = text;
  }
}

/** The command line of Docker, for one run. */
export class Engine {
  readonly run: string;
  /** The user's environment, for `DOCKER_HOST`, `PATH` and the like. */
  readonly environment: Environment;
  readonly versions: Readonly<Record<string, string>>;
  /** The legacy builder leaves an image per step, BuildKit none. */
  readonly isLegacyBuilder: boolean;
  readonly #compose: readonly [string, ...string[]];
  readonly #stop = new AbortController();

  private constructor(run: string, environment: Environment, parts: Probe) {
    this.run = run;
    this.environment = environment;
    this.versions = { docker: parts.version, compose: parts.composeVersion };
    this.isLegacyBuilder = parts.isLegacyBuilder;
    this.#compose = parts.compose;
  }

  /**
   * @param run prefix of all names
   * @throws NotCheckable (as a rejection) without an engine or Docker Compose
   */
  static async connect(run: string, environment: Environment): Promise<Engine> {
    return new Engine(run, environment, await probe(environment));
  }

  get labels(): Readonly<Record<string, string>> {
    return { [RUN_LABEL]: this.run, [HOST_LABEL]: hostname() };
  }

  /** The labels as options of a command. */
  get labelFlags(): readonly string[] {
    return Object.entries(this.labels).map(([key, value]) => `--label=${key}=${value}`);
  }

  /**
   * @returns the standard output of a command
   * @throws EngineFailed (as a rejection)
   */
  docker(...args: readonly string[]): Promise<string> {
    return output('docker', args, { signal: this.#stop.signal });
  }

  compose(folder: string, ...args: readonly string[]): Promise<string> {
    const [command, ...first] = this.#compose;
    return output(command, [...first, ...args], { cwd: folder, signal: this.#stop.signal });
  }

  /**
   * Calls `create` with a free subnet: a network with fixed addresses needs a named one. Retries
   * with another one when another program takes the subnet first.
   *
   * @param name of a temporary network
   */
  async inFreeSubnet<T>(name: string, create: (subnet: string) => Promise<T>): Promise<T> {
    for (let left = NETWORK_TRIES; ; left -= 1) {
      const subnet = await this.#freeSubnet(name);
      try {
        return await create(subnet);
      } catch (error) {
        const isTaken = error instanceof EngineFailed && error.output.includes(SUBNET_TAKEN);
        if (!isTaken || left === 1) throw error;
      }
    }
  }

  async #freeSubnet(name: string): Promise<string> {
    await this.docker('network', 'create', ...this.labelFlags, name);
    const format = '{{(index .IPAM.Config 0).Subnet}}';
    const subnet = await this.docker('network', 'inspect', '-f', format, name);
    await this.docker('network', 'rm', name);
    return subnet.trim();
  }

  /**
   * Ends running commands, and removes everything of this run and of killed runs of this machine.
   */
  async close(): Promise<void> {
    this.#stop.abort();
    // The next run removes what an engine that is away still has.
    await removeObjects(run => run === this.run || isLeftover(run)).catch(() => {});
  }

  /** Removes the leftovers of killed runs of this machine. */
  async removeLeftovers(): Promise<void> {
    await removeObjects(isLeftover);
  }
}

interface Probe {
  readonly version: string;
  readonly compose: readonly [string, ...string[]];
  readonly composeVersion: string;
  readonly isLegacyBuilder: boolean;
}

async function probe(environment: Environment): Promise<Probe> {
  const version = await output('docker', ['version', '--format', '{{.Server.Version}}']).catch(
    () => undefined,
  );
  if (version === undefined) {
    throw new NotCheckable({
      es: "no hay un Docker que responda: 'docker version' falló",
      en: "no Docker engine answers: 'docker version' failed",
    });
  }
  for (const compose of [['docker', 'compose'] as const, ['docker-compose'] as const]) {
    const [command, ...first] = compose;
    const said = await output(command, [...first, 'version', '--short']).catch(() => undefined);
    if (said === undefined) continue;
    const isLegacyBuilder = await output('docker', ['buildx', 'version']).then(
      () => environment['DOCKER_BUILDKIT'] === '0',
      () => true,
    );
    return { version: version.trim(), compose, composeVersion: said.trim(), isLegacyBuilder };
  }
  throw new NotCheckable({
    es: "falta Docker Compose: ni 'docker compose version' ni 'docker-compose version' funcionan",
    en: "Docker Compose is missing: neither 'docker compose version' nor 'docker-compose version' works",
  });
}

async function output(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const limits = { timeout: COMMAND_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
  try {
    return (await promisify(execFile)(command, args, { ...options, ...limits })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    // Without its options, such as labels.
    const [words] = [command, ...args].join(' ').split(' -');
    throw new EngineFailed(words!, `${stdout}${stderr}` || String(error));
  }
}

/** A run of this machine whose process has ended. */
function isLeftover(run: string): boolean {
  const pid = RUN_NAME.exec(run)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Containers first: they use the rest. */
async function removeObjects(isWanted: (run: string) => boolean): Promise<void> {
  for (const kind of ['container', 'network', 'volume'] as const) {
    await remove(
      [kind, 'rm', ...(kind === 'container' ? ['-f', '-v'] : [])],
      await objects(kind, isWanted),
    );
  }
  // A parent image is removed with or after its children.
  for (let left = Infinity, ids = await images(isWanted); ids.length > 0 && ids.length < left; ) {
    await remove(['image', 'rm', '-f'], ids);
    left = ids.length;
    ids = await images(isWanted);
  }
}

async function remove(command: readonly string[], ids: readonly string[]): Promise<void> {
  // An object that is already removed is no failure.
  if (ids.length > 0) await output('docker', [...command, ...ids]).catch(() => {});
}

async function objects(
  kind: 'container' | 'network' | 'volume',
  isWanted: (run: string) => boolean,
): Promise<string[]> {
  const format = `{{.${kind === 'volume' ? 'Name' : 'ID'}}} {{.Label "${RUN_LABEL}"}}`;
  const all = kind === 'container' ? ['--all'] : [];
  return wanted(
    await output('docker', [kind, 'ls', ...all, ...FILTER, '--format', format]),
    isWanted,
  );
}

async function images(isWanted: (run: string) => boolean): Promise<string[]> {
  const ids = await output('docker', ['image', 'ls', '--all', ...FILTER, '--no-trunc', '--quiet']);
  if (ids === '') return [];
  const format = `{{.Id}} {{index .Config.Labels "${RUN_LABEL}"}}`;
  const unique = [...new Set(ids.trim().split('\n'))];
  return wanted(
    await output('docker', ['image', 'inspect', '--format', format, ...unique]),
    isWanted,
  );
}

const FILTER: readonly string[] = [
  '--filter',
  `label=${RUN_LABEL}`,
  '--filter',
  `label=${HOST_LABEL}=${hostname()}`,
];

const wanted = (lines: string, isWanted: (run: string) => boolean): string[] =>
  lines
    .split('\n')
    .map(line => line.split(' ') as [string, string])
    .filter(([id, run]) => id !== '' && isWanted(run))
    .map(([id]) => id);
