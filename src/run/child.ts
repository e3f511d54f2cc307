import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inheritedEnvironment } from '../config/inherited-environment.ts';

/** A line of a child's log, as JSON. */
export type LogLine = { readonly action: string; readonly result: string } & Readonly<
  Record<string, unknown>
>;

export interface ChildOptions {
  /** Name of the child's folder and of its log. */
  readonly name: string;
  readonly command: 'server' | 'client';
  /** The child's working directory is made in it, and its log is written there. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: LogLine) => void;
}

/** The program itself, run again as another process with another command. */
export class Child {
  /** Fulfilled with the exit code, 1 when a signal ended it. */
  readonly exited: Promise<number>;
  /** What went wrong, in the child's own last words; empty when nothing did. */
  complaint = '';
  readonly #process: ChildProcess;
  #stopping = false;

  private constructor(options: ChildOptions, cwd: string) {
    const child = spawn(process.execPath, [process.argv[1]!, options.command], {
      cwd,
      env: { ...inheritedEnvironment(), LOG_FORMAT: 'json', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.exited = new Promise(resolve => {
      child.on('error', error => {
        this.complaint = error.message;
        resolve(1);
      });
      child.on('close', code => resolve(code ?? 1));
    });
    const log = createWriteStream(join(options.folder, `${options.name}.log`));
    child.stdout.pipe(log);
    child.stderr.on('data', text => (this.complaint += String(text)));
    createInterface({ input: child.stdout }).on('line', text => this.#onLine(text, options.onLine));
  }

  static async start(options: ChildOptions): Promise<Child> {
    const cwd = join(options.folder, options.name);
    await mkdir(cwd, { recursive: true, mode: 0o700 });
    return new Child(options, cwd);
  }

  /** Asks the child to stop. */
  stop(): void {
    // A second signal would end it at once.
    if (!this.#stopping) this.#process.kill('SIGTERM');
    this.#stopping = true;
  }

  #onLine(text: string, onLine: (line: LogLine) => void): void {
    const line = JSON.parse(text) as LogLine;
    if (line.result === 'fail') this.complaint = text;
    onLine(line);
  }
}
