import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { PROGRAM } from './built-program.ts';
import { countAgain } from './count-again.ts';

/** Longest wait for a line or an exit, in milliseconds. */
const WAIT_MS = 20_000;

/** A parsed log line; `action` is undefined in other output. */
export interface Line {
  readonly text: string;
  readonly level?: string;
  readonly action?: string;
  readonly result?: string;
  readonly details: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface StartOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** A command prefix, such as `nsenter`. */
  readonly through?: readonly string[];
}

/** The built program as a process, which the end of the test kills, or in a container. */
export class Program {
  readonly lines: Line[] = [];
  stderr = '';
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #watchers = new Set<() => void>();

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.exited = new Promise(resolve => {
      process.on('close', (code, signal) => resolve({ code, signal }));
    });
    createInterface({ input: process.stdout! }).on('line', text => {
      this.lines.push(parseLine(text));
      for (const watcher of this.#watchers) watcher();
    });
    process.stderr!.on('data', text => (this.stderr += String(text)));
  }

  /**
   * Starts `loteria ...args` in a folder. Of the caller's environment it inherits only the path.
   */
  static start(args: readonly string[], options: StartOptions): Program {
    return Program.startScript(PROGRAM, args, options);
  }

  /** Starts a script of the tests in the same way. */
  static startScript(script: string, args: readonly string[], options: StartOptions): Program {
    const { cwd, env = {}, through = [] } = options;
    const [command, ...rest] = [...through, process.execPath, script, ...args] as [
      string,
      ...string[],
    ];
    const PATH = process.env['PATH'];
    return Program.#spawn(command, rest, { cwd, env: { PATH, LANG: 'C.UTF-8', ...env } });
  }

  /** Reads the output of a container from its first line. Killing it only ends the reading. */
  static inContainer(name: string): Program {
    return Program.#spawn('docker', ['logs', '--follow', name], {});
  }

  static #spawn(command: string, args: readonly string[], options: SpawnOptions): Program {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const program = new Program(child);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await program.exited;
    });
    return program;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** The lines of an action, so far. */
  linesOf(action: string, result?: string): Line[] {
    return this.lines.filter(
      line => line.action === action && (result === undefined || line.result === result),
    );
  }

  /** Waits for the first matching line, also an earlier one. */
  async line(fits: (line: Line) => boolean, what = 'a line'): Promise<Line> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find(fits);
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const fail = (why: string): void => {
        stop();
        reject(new Error(`no ${what}: ${why}\n${this.transcript()}`));
      };
      const timeout = setTimeout(() => fail(`not within ${WAIT_MS} ms`), WAIT_MS);
      const stop = (): void => {
        clearTimeout(timeout);
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      void this.exited.then(({ code }) => {
        look();
        fail(`the program ended with exit code ${code}`);
      });
      look();
    });
  }

  /** Waits for the first line with an action and a result. */
  logged(action: string, result = 'success'): Promise<Line> {
    return this.line(
      line => line.action === action && line.result === result,
      `'action: ${action}'`,
    );
  }

  /** All output. */
  transcript(): string {
    return [...this.lines.map(line => line.text), this.stderr].join('\n');
  }
}

const LOG_LINE =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?<level>[A-Z]+) +action: (?<action>\S+) \| result: (?<result>\S+)(?<rest>.*)$/;

function parseLine(text: string): Line {
  const { level, action, result, rest } = LOG_LINE.exec(text)?.groups ?? {};
  if (action === undefined) return { text, details: {} };
  const pairs = rest!.split(' | ').slice(1);
  const details = Object.fromEntries(
    pairs.map(pair => [pair.slice(0, pair.indexOf(': ')), pair.slice(pair.indexOf(': ') + 2)]),
  );
  return { text, level: level!, action, result: result!, details };
}

/** Starts a server on a free loopback port and waits until it listens. */
export async function startServer(
  cwd: string,
  env: Record<string, string> = {},
  through: readonly string[] = [],
): Promise<{ server: Program; port: number }> {
  const server = Program.start(['server'], {
    cwd,
    through,
    env: { SERVER_PORT: '0', SERVER_HOST: '127.0.0.1', LOGGING_LEVEL: 'DEBUG', ...env },
  });
  const { details } = await server.logged('listen');
  // The auditor's script verifies every lottery independently.
  const folder = path.resolve(cwd, env['DATA_DIR'] ?? '.');
  onTestFinished(async () => expect(await countAgain(folder)).toBeUndefined());
  return { server, port: Number(details['port']) };
}

/** Starts an agency's client; `env` has its file or bet. */
export function startClient(
  cwd: string,
  id: number,
  port: number,
  env: Record<string, string> = {},
  through: readonly string[] = [],
): Program {
  return Program.start(['client'], {
    cwd,
    through,
    env: {
      CLI_ID: String(id),
      CLI_SERVER_ADDRESS: `127.0.0.1:${port}`,
      CLI_LOOP_PERIOD: '20ms',
      CLI_LOG_LEVEL: 'DEBUG',
      ...env,
    },
  });
}
