import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import xterm from '@xterm/headless';
import { onTestFinished, type TestContext, vi } from 'vitest';
import { PROGRAM } from './built-program.ts';

interface TerminalOptions {
  readonly cwd: string;
  readonly columns: number;
  readonly rows: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** `script` of util-linux opens the pseudo-terminal; other systems' has other options. */
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
);

export function needScript(context: TestContext): void {
  if (!hasScript) context.skip("util-linux's script is not installed; it opens the terminal");
}

/** The built program on a pseudo-terminal, and the screen of an emulator. */
export class Terminal {
  readonly exited: Promise<number | null>;
  /** Output with control sequences. */
  output = '';
  readonly #process: ChildProcess;
  readonly #screen: xterm.Terminal;

  private constructor(process: ChildProcess, columns: number, rows: number) {
    this.#process = process;
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.#screen.write(text);
    });
    // The emulator parses asynchronously.
    this.exited = new Promise(resolve => {
      process.on('close', code => this.#screen.write('', () => resolve(code)));
    });
  }

  /** Starts `loteria ...args`. The end of the test kills it. */
  static start(args: readonly string[], options: TerminalOptions): Terminal {
    const { cwd, columns, rows, env = {} } = options;
    const command = [process.execPath, PROGRAM, ...args].map(word => `'${word}'`).join(' ');
    const sized = `stty cols ${columns} rows ${rows}; exec ${command}`;
    const child = spawn('script', ['-qefc', sized, '/dev/null'], {
      cwd,
      env: { PATH: process.env['PATH'], TERM: 'xterm', LANG: 'C.UTF-8', ...env },
    });
    const terminal = new Terminal(child, columns, rows);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await terminal.exited;
    });
    return terminal;
  }

  /** The screen and its scrollback; the last line is the cursor's. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: active.baseY + active.cursorY + 1 }, (_, at) =>
      active.getLine(at)!.translateToString(true),
    );
  }

  /** Lines that the terminal has wrapped. */
  get wrappedLines(): string[] {
    const { active } = this.#screen.buffer;
    return this.lines.filter((_, at) => active.getLine(at + 1)?.isWrapped);
  }

  type(text: string): void {
    this.#process.stdin!.write(text);
  }

  /** Waits until a line is shown. */
  async shows(line: string | RegExp): Promise<void> {
    const fits = (shown: string): boolean =>
      typeof line === 'string' ? shown === line : line.test(shown);
    await vi.waitUntil(() => this.lines.some(fits), { timeout: 20_000 });
  }
}
