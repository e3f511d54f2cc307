import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { PROGRAM } from '../support/built-program.ts';

/** One life of the program, from its start to its end. */
export class Life {
  /** Set as soon as it has ended, by itself or not. */
  ended: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  readonly exited: Promise<void>;
  /** Whether it was killed. */
  killed = false;
  readonly #process: ChildProcess;
  readonly #logPath: string;

  constructor(args: readonly string[], cwd: string, env: Record<string, string>, logPath: string) {
    this.#logPath = logPath;
    // A file of its own for each life, written by the process itself: nothing that it has said is
    // lost when it is killed.
    const log = openSync(logPath, 'w');
    this.#process = spawn(process.execPath, [PROGRAM, ...args], {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.exited = once(this.#process, 'exit').then(([code, signal]) => {
      this.ended = { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  /** `kill -9`. Returns whether there was something to kill. */
  async kill(): Promise<boolean> {
    if (this.ended !== undefined) return false;
    this.#process.kill('SIGKILL');
    await this.exited;
    // It may have ended by itself meanwhile.
    this.killed = this.ended!.signal === 'SIGKILL';
    return this.killed;
  }

  /** Asks it to stop. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.exited;
  }

  /** What it has said, line by line. The last line may have been cut off when it was killed. */
  log(): LoggedLine[] {
    return readFileSync(this.#logPath, 'utf8').split('\n').slice(0, -1).map(parseLine);
  }
}

/** A line of a log in JSON; what is no such line is an `action` of its own. */
export type LoggedLine = { readonly action: string; readonly result: string } & Readonly<
  Record<string, unknown>
>;

function parseLine(text: string): LoggedLine {
  try {
    return JSON.parse(text) as LoggedLine;
  } catch {
    return { action: 'no line of the log', result: 'fail', text };
  }
}
