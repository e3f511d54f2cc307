import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onJsonLine } from '../files/json-lines.ts';
import { makePrivateFolder, PRIVATE_FILE } from '../files/private.ts';
import { reasonOf } from '../files/system-error.ts';
import { inheritedEnvironment } from '../config/inherited-environment.ts';

/** A line of a child's log, as JSON. */
export type LogLine = { readonly action: string; readonly result: string } & Readonly<
  Record<string, unknown>
>;

export interface ChildOptions {
  /** Name of the child's folder and of its log. */
  readonly name: string;
  readonly command: 'server' | 'client';
  /** Folder of the child's working directory and log. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: LogLine) => void;
}

/** This program as another process with another command. */
export class Child {
  /** The exit code; 1 after a signal, or where its log could not be written. */
  readonly exited: Promise<number>;
  /** The last failure that the child explained, else its first one; or empty. */
  complaint = '';
  readonly #process: ChildProcess;
  #stopping = false;
  #isLogged = true;

  private constructor(options: ChildOptions, cwd: string) {
    const child = spawn(process.execPath, [process.argv[1]!, options.command], {
      cwd,
      env: { ...inheritedEnvironment(), LOG_FORMAT: 'json', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    }) as ChildProcessByStdio<null, Readable, Readable>;
    this.#process = child;
    this.exited = new Promise(resolve => {
      child.on('error', error => {
        this.complaint = error.message;
        resolve(1);
      });
      child.on('close', code => resolve(this.#isLogged ? (code ?? 1) : 1));
    });
    const path = join(options.folder, `${options.name}.log`);
    const log = createWriteStream(path, { mode: PRIVATE_FILE }).on('error', error => {
      this.#isLogged = false;
      this.complaint = `cannot write ${path}, ${reasonOf(error)}`;
      this.stop();
    });
    child.stdout.pipe(log);
    child.stderr.on('data', text => (this.complaint += String(text)));
    onJsonLine(child.stdout, (message, text) => {
      const line = message as LogLine;
      const words = line['hint'] ?? line['error'];
      if (line.result === 'fail')
        this.complaint = typeof words === 'string' ? words : this.complaint || text;
      options.onLine(line);
    });
  }

  /** How it ended, for people. */
  ending(code: number): string {
    return `ended with exit code ${code}${this.complaint && `: ${this.complaint}`}`;
  }

  static async start(options: ChildOptions): Promise<Child> {
    const cwd = join(options.folder, options.name);
    await makePrivateFolder(cwd);
    return new Child(options, cwd);
  }

  stop(): void {
    // A second signal would kill it.
    if (!this.#stopping) this.#process.kill('SIGTERM');
    this.#stopping = true;
  }
}
