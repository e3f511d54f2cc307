import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, onTestFinished, type TestContext } from 'vitest';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { docker, run } from './engine.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Files needed to build the images and start the containers. */
const COPIED = [
  '.dockerignore',
  'Makefile',
  'client',
  'docker-compose-dev.yaml',
  'generar-compose.sh',
  'package-lock.json',
  'package.json',
  'postgres',
  'scripts',
  'web',
  'server',
  'src',
  'validar-echo-server.sh',
];

const COMPOSE_FILE = 'docker-compose-dev.yaml';

/** Skips the test without an engine. Called before each test. */
export function needEngine(context: TestContext): void {
  const { missing, failure } = inject('engine');
  if (missing !== undefined) context.skip(missing);
  if (failure !== undefined) throw new Error(failure);
}

interface StackOptions {
  readonly exercise: string;
  readonly clients: number;
  /** Two servers on a database cluster instead of one server. */
  readonly cluster?: boolean;
  /** Lines of `config.yaml`; default: the product's. */
  readonly clientConfig?: readonly string[];
  /** Lines of `config.ini` after its first; default: the product's. */
  readonly serverConfig?: readonly string[];
}

/**
 * A copy of the project in a temporary folder and its containers. The end of the test removes both.
 */
export class Stack {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(options: StackOptions): Promise<Stack> {
    const { exercise, clients, cluster = false, clientConfig, serverConfig } = options;
    const folder = await temporaryFolder();
    for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    const stack = new Stack(folder);
    if (clientConfig !== undefined) await stack.configureClients(clientConfig);
    if (serverConfig !== undefined) await stack.configureServer(serverConfig);
    const args = [COMPOSE_FILE, String(clients), exercise, ...(cluster ? ['--cluster'] : [])];
    await run('sh', ['generar-compose.sh', ...args], folder);
    onTestFinished(async () => {
      await stack.compose('down', '--timeout', '0', '--remove-orphans', '--volumes');
    });
    return stack;
  }

  async configureClients(lines: readonly string[]): Promise<void> {
    await writeFile(join(this.folder, 'client/config.yaml'), `${lines.join('\n')}\n`);
  }

  async configureServer(lines: readonly string[]): Promise<void> {
    await writeFile(join(this.folder, 'server/config.ini'), `[DEFAULT]\n${lines.join('\n')}\n`);
  }

  /** Writes an agency's file. */
  async give(agency: number, bets: string): Promise<void> {
    const dataset = join(this.folder, '.data/dataset');
    await mkdir(dataset, { recursive: true });
    await writeFile(join(dataset, `agency-${agency}.csv`), bets);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  make(target: string): Promise<string> {
    return run('make', [target], this.folder);
  }

  compose(...args: readonly string[]): Promise<string> {
    return run('docker', ['compose', '-f', COMPOSE_FILE, ...args], this.folder);
  }

  /** Starts all containers, or some, without building images. */
  async up(...services: readonly string[]): Promise<void> {
    await this.compose('up', '-d', ...services);
  }

  /** The log of a container. */
  follow(name: string): Program {
    return Program.inContainer(name);
  }

  /** `bets.csv` of a running or stopped container. */
  async bets(): Promise<string> {
    const path = join(this.folder, 'bets.csv');
    await docker('cp', 'server:/loteria/bets.csv', path);
    return readFile(path, 'utf8');
  }
}
