import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Exit, type LogLine, type Service, StartFailed, type Usage } from '../runner.ts';
import type { Engine } from './docker-engine.ts';
import { treeUsage } from './process-tree.ts';
import { collectLines, USAGE_PERIOD_MS } from './service-output.ts';

/** Time limit for an accepted start. */
const START_MS_MAX = 30_000;
const POLL_MS = 50;

/** Exit codes of processes that a signal has ended, as a shell and Docker report them. */
const SIGNAL_EXIT_CODE = 128;

interface ServiceOptions {
  readonly engine: Engine;
  readonly name: string;
  /** Created, not running. */
  readonly container: string;
  readonly now: () => number;
}

/** A container of the subject: one start of it. */
export class DockerService implements Service {
  readonly name: string;
  readonly lines: readonly LogLine[];
  exit: Exit | undefined;
  readonly exited: Promise<Exit>;
  readonly #engine: Engine;
  readonly #container: string;
  readonly #now: () => number;
  readonly #sampling: NodeJS.Timeout;
  /** Process id of the container's process 1 on this machine; undefined for a remote engine. */
  #pid: number | undefined;
  #usage: Usage | undefined;

  private constructor({ engine, name, container, now }: ServiceOptions) {
    this.name = name;
    this.#engine = engine;
    this.#container = container;
    this.#now = now;
    // Its own process group: Ctrl-C must not reach the subject.
    const attached = spawn('docker', ['start', '--attach', container], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.lines = collectLines([attached.stdout, attached.stderr], now);
    this.#sampling = setInterval(() => this.#sample(), USAGE_PERIOD_MS);
    this.exited = new Promise(resolve => {
      attached.on('error', () => resolve(this.#end(null)));
      attached.on('close', code => resolve(this.#end(code)));
    });
  }

  static async start(options: ServiceOptions): Promise<DockerService> {
    const before = await inspect(options);
    const service = new DockerService(options);
    const giveUpAt = performance.now() + START_MS_MAX;
    while (service.exit === undefined) {
      const state = await inspect(options);
      if (state.startedAt !== before.startedAt) {
        service.#pid = isHere(state) ? state.pid : undefined;
        service.#sample();
        return service;
      }
      if (performance.now() > giveUpAt) break;
      await pause(POLL_MS);
    }
    if ((await inspect(options)).startedAt !== before.startedAt) return service;
    const why = { es: 'el contenedor no arrancó', en: 'the container did not start' };
    throw new StartFailed(options.name, why, service.lines);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#sample();
    if (this.exit !== undefined) return;
    await this.#engine
      .docker('kill', '--signal', signal, this.#container)
      .catch((error: unknown) => {
        // It has ended meanwhile.
        if (this.exit === undefined && !/is not running/.test(String(error))) throw error;
      });
  }

  async usage(): Promise<Usage | undefined> {
    this.#sample();
    return this.#usage;
  }

  /** Whether a process in the container listens on a port; without connecting. */
  async listensOn(port: number): Promise<boolean> {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, 'm').test(
      await this.#socketTable(),
    );
  }

  async #socketTable(): Promise<string> {
    if (this.#pid !== undefined) return socketTableOf(this.#pid);
    const command = ['exec', this.#container, 'cat', '/proc/net/tcp', '/proc/net/tcp6'];
    return this.#engine.docker(...command).catch(() => '');
  }

  #sample(): void {
    if (this.exit === undefined && this.#pid !== undefined)
      this.#usage = treeUsage(this.#pid) ?? this.#usage;
  }

  #end(code: number | null): Exit {
    clearInterval(this.#sampling);
    const number = (code ?? 0) - SIGNAL_EXIT_CODE;
    const signal =
      Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
    this.exit = { code: signal === null ? code : null, signal, atMs: this.#now() };
    return this.exit;
  }
}

interface State {
  readonly id: string;
  readonly pid: number;
  readonly startedAt: string;
}

async function inspect({ engine, container }: ServiceOptions): Promise<State> {
  const format = '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}';
  const [id, pid, startedAt] = (
    await engine.docker('container', 'inspect', '--format', format, container)
  )
    .trim()
    .split(' ');
  return { id: id!, pid: Number(pid), startedAt: startedAt! };
}

/** With a remote engine, or one in a virtual machine, the same id is another process here. */
function isHere({ id, pid }: State): boolean {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id);
  } catch {
    return false;
  }
}

function socketTableOf(pid: number): string {
  try {
    return ['tcp', 'tcp6']
      .map(table => readFileSync(`/proc/${pid}/net/${table}`, 'utf8'))
      .join('\n');
  } catch {
    return '';
  }
}
