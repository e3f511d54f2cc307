import { type ChildProcess, spawn } from 'node:child_process';
import { type Exit, type LogLine, type Service, StartFailed, type Usage } from '../runner.ts';
import { treeUsage } from './process-tree.ts';
import { collectLines, USAGE_PERIOD_MS } from './service-output.ts';

interface ServiceOptions {
  readonly name: string;
  /** Shell command; the shell executes it in its place. */
  readonly command: string;
  /** A program and arguments that execute the command. */
  readonly through?: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly now: () => number;
}

/** A program of the subject as a local process group. */
export class NativeService implements Service {
  readonly name: string;
  readonly lines: readonly LogLine[];
  exit: Exit | undefined;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  #usage: Usage | undefined;

  private constructor(process: ChildProcess, { name, now }: ServiceOptions) {
    this.name = name;
    this.#process = process;
    this.lines = collectLines([process.stdout!, process.stderr!], now);
    const sampling = setInterval(() => this.#sample(), USAGE_PERIOD_MS);
    this.exited = new Promise(resolve => {
      // Not `close`: an orphaned child may hold the pipes open.
      process.on('exit', (code, signal) => {
        clearInterval(sampling);
        // As in a container, whose processes end with the first one.
        this.#endGroup();
        const exit = { code, signal, atMs: now() };
        // The last lines may still be in the pipes.
        const done = (): void => {
          this.exit = exit;
          resolve(exit);
        };
        const patience = setTimeout(done, 500);
        process.on('close', () => {
          clearTimeout(patience);
          done();
        });
      });
    });
  }

  static async start(options: ServiceOptions): Promise<NativeService> {
    const [program, ...args] = [
      ...(options.through ?? []),
      '/bin/sh',
      '-c',
      `exec ${options.command}`,
    ];
    const child = spawn(program, args, {
      cwd: options.folder,
      env: { ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const service = new NativeService(child, options);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', error =>
        reject(new StartFailed(options.name, { es: error.message, en: error.message }, [])),
      );
    });
    return service;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#sample();
    this.#process.kill(signal);
  }

  /** Kills the group. */
  async end(): Promise<void> {
    this.#endGroup();
    await this.exited;
  }

  async usage(): Promise<Usage | undefined> {
    this.#sample();
    return this.#usage;
  }

  #endGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The group has ended.
    }
  }

  #sample(): void {
    if (this.exit === undefined) this.#usage = treeUsage(this.pid) ?? this.#usage;
  }
}
