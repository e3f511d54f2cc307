import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { generateDataset } from '../../src/dataset/generate.ts';
import { Program } from '../support/program.ts';

/** Bets of the regular agency: about half a second of uploading. */
const BETS = 300_000;

/**
 * Shorter than the defaults, so that tests reach them; still much longer than a regular agency
 * needs.
 */
const SHORT = {
  FIRST_MESSAGE_TIMEOUT: '2s',
  MESSAGE_TIMEOUT: '2s',
  UNREAD_TIMEOUT: '2s',
  IDLE_TIMEOUT: '3s',
};

/** The shipped server, to which a regular agency uploads beside hostile peers. */
export class Arena {
  readonly server: Program;
  readonly port: number;
  readonly #folder: string;
  /** Open descriptors of the server before any peer connects. */
  readonly #handles: number;
  #agencies = 0;

  private constructor(server: Program, port: number, folder: string) {
    this.server = server;
    this.port = port;
    this.#folder = folder;
    this.#handles = this.#openHandles();
  }

  static async open(): Promise<Arena> {
    const folder = await mkdtemp(join(tmpdir(), 'loteria-hostile-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await generateDataset(folder, { agencies: 1, bets: BETS, seed: 1 });
    const env = { ...SHORT, SERVER_PORT: '0', AGENCIES: '1-99', CONNECTIONS_MAX: '2000' };
    const server = Program.start(['server'], { cwd: folder, env });
    const { details } = await server.line(({ action }) => action === 'listen', 'listen');
    return new Arena(server, Number(details['port']), folder);
  }

  /**
   * Runs another regular agency with the same file.
   *
   * @returns milliseconds from the start of its process until all its bets were stored
   */
  async upload(): Promise<number> {
    this.#agencies += 1;
    const startedAt = performance.now();
    const client = Program.start(['client'], {
      cwd: this.#folder,
      env: {
        CLI_ID: String(this.#agencies),
        CLI_SERVER_ADDRESS: `127.0.0.1:${this.port}`,
        CLI_FILE_NAME: join(this.#folder, 'agency-1.csv'),
      },
    });
    const stored = await client.line(
      ({ action, result }) => action === 'upload' && result === 'success',
      'upload',
    );
    const ms = performance.now() - startedAt;
    if (stored.details['bets'] !== String(BETS))
      throw new Error(`stored ${stored.details['bets']} bets`);
    // It has finished, and waits for a draw that is never held.
    client.kill('SIGKILL');
    await client.exited;
    return ms;
  }

  /** Peak memory of the server, in bytes. */
  get peakMemory(): number {
    const status = readFileSync(`/proc/${this.server.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** Open descriptors of the server in addition to those before any peer. */
  get leftOpen(): number {
    return this.#openHandles() - this.#handles;
  }

  #openHandles(): number {
    return readdirSync(`/proc/${this.server.pid}/fd`).length;
  }
}
