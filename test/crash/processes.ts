import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { PROGRAM } from '../support/built-program.ts';

/** One process of the program. */
export class Life {
  /** Set when it has ended. */
  ended: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  readonly exited: Promise<void>;
  /** Whether it was killed. */
  killed = false;
  readonly #process: ChildProcess;
  readonly #logPath: string;

  constructor(args: readonly string[], cwd: string, env: Record<string, string>, logPath: string) {
    this.#logPath = logPath;
    // A log file per process, written by the process itself: a kill loses nothing.
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

  /** Kills it with SIGKILL. @returns whether it was running */
  async kill(): Promise<boolean> {
    if (this.ended !== undefined) return false;
    this.#process.kill('SIGKILL');
    await this.exited;
    // It has ended meanwhile.
    this.killed = this.ended!.signal === 'SIGKILL';
    return this.killed;
  }

  /** Stops it with SIGTERM. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.exited;
  }

  /** The lines of its log. A kill may have truncated the last one. */
  log(): LoggedLine[] {
    return readFileSync(this.#logPath, 'utf8').split('\n').slice(0, -1).map(parseLine);
  }
}

/** Parses a log line in JSON; any other line becomes an `action`. */
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
