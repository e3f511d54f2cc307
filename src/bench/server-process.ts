import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { inheritedEnvironment } from '../config/inherited-environment.ts';
import { BenchError } from './errors.ts';
import type { HostPort } from '../config/server-address.ts';

const HOST = '127.0.0.1';
/** A server with many bets reads all of them first. */
const START_TIMEOUT_MS = 60_000;
const RETRY_MS = 20;
/** A server with many bets may compute their digest first. */
const STOP_TIMEOUT_MS = 30_000;

export interface ServerCommand {
  /** Name in the report. */
  readonly name: string;
  readonly program: string;
  readonly args: (port: number) => readonly string[];
  readonly environment: (port: number) => Readonly<Record<string, string>>;
  /** Working directory. */
  readonly folder: string;
  /** Receives each line of output; default: a file. */
  readonly onLine?: (line: string) => void;
}

/** A server process under test on a free port of the loopback interface. */
export class ServerProcess {
  readonly address: HostPort;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #logPath: string;
  /** The error of the spawn, or the last line of output. */
  #lastLine = '';

  private constructor(
    { name, program, args, environment, folder, onLine }: ServerCommand,
    port: number,
  ) {
    this.address = { host: HOST, port };
    this.#name = name;
    this.#logPath = join(folder, 'server.log');
    const log = onLine === undefined ? openSync(this.#logPath, 'a') : 'pipe';
    const child = spawn(program, args(port), {
      cwd: folder,
      env: { ...inheritedEnvironment(), ...environment(port) },
      stdio: ['ignore', log, log, 'ipc'],
    });
    if (typeof log === 'number') closeSync(log);
    this.#process = child;
    this.#exited = new Promise(resolve => {
      child.on('close', resolve);
      child.on('error', error => {
        this.#lastLine = error.message;
        resolve(undefined);
      });
    });
    for (const output of [child.stdout, child.stderr]) {
      if (output === null) continue;
      createInterface({ input: output }).on('line', line => {
        this.#lastLine = line;
        onLine?.(line);
      });
    }
  }

  /**
   * Starts it and waits until it accepts connections. After an error no process is left.
   *
   * @throws BenchError, the reason of `stop`
   */
  static async start(command: ServerCommand, stop: AbortSignal): Promise<ServerProcess> {
    const server = new ServerProcess(command, await freePort());
    try {
      await server.#untilReachable(stop);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Peak resident memory, on Linux. */
  peakMegabytes(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
      const kilobytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]);
      return Number.isNaN(kilobytes) ? undefined : Math.round(kilobytes / 1024);
    } catch {
      return undefined;
    }
  }

  /** Undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Stops it, by SIGKILL in the end. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timeout = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timeout);
  }

  #lastSaid(): string {
    if (this.#lastLine !== '') return this.#lastLine;
    return readFileSync(this.#logPath, 'utf8').trimEnd().split('\n').at(-1)!;
  }

  async #untilReachable(stop: AbortSignal): Promise<void> {
    let ended = false;
    void this.#exited.then(() => (ended = true));
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    while (!(await reachable(this.address))) {
      stop.throwIfAborted();
      if (ended) throw new BenchError(`${this.#name} did not start: ${this.#lastSaid()}`);
      if (performance.now() > giveUpAt) {
        throw new BenchError(`${this.#name} takes no connection after ${START_TIMEOUT_MS} ms`);
      }
      await sleep(RETRY_MS);
    }
  }
}

function reachable(address: HostPort): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(address);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
