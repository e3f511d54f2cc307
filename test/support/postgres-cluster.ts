import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type QueryResultRow } from 'pg';
import { freePort } from './free-port.ts';

/** Where Debian has the newest version, unless told otherwise. */
export const POSTGRES_BIN = process.env['POSTGRES_BIN'] ?? newestBin('/usr/lib/postgresql');

const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** The role that owns the database of the tests. */
export const ROLE = { user: 'loteria', password: 'a-Password', database: 'loteria' } as const;
const SUPERUSER = { user: 'postgres', password: 'postgres', database: 'postgres' } as const;

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 60,
  shared_buffers: '64MB',
  wal_keep_size: '512MB',
  wal_log_hints: 'on',
  log_line_prefix: '%m [%p] %a ',
} as const;

function newestBin(folder: string): string {
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0] ?? 'none';
  return join(folder, newest, 'bin');
}

/** PostgreSQL does not run as root: a test that does runs its programs as the user of Debian's package. */
function asPostgres(program: string, args: readonly string[]): [string, string[]] {
  const path = join(POSTGRES_BIN, program);
  if (process.getuid!() !== 0) return [path, [...args]];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', path, ...args]];
}

function run(program: string, args: readonly string[]): void {
  const [command, all] = asPostgres(program, args);
  execFileSync(command, all, { stdio: 'pipe', env: { ...process.env, PGPASSWORD: SUPERUSER.password } });
}

/** A server of PostgreSQL with its folder and port, through any number of lives. */
export class PostgresNode {
  readonly name: string;
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(folder: string, name: string, port: number) {
    this.#folder = folder;
    this.name = name;
    this.port = port;
  }

  get data(): string {
    return join(this.#folder, this.name);
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  init(settings: Readonly<Record<string, string | number>>): void {
    const passwords = join(this.#folder, 'password');
    const args = ['--no-sync', '--auth=scram-sha-256', `--pwfile=${passwords}`, '--username=postgres'];
    run('initdb', ['-D', this.data, '--locale=C', '--encoding=UTF8', ...args]);
    this.configure({ ...SETTINGS, ...settings, port: this.port });
    appendFileSync(join(this.data, 'pg_hba.conf'), 'host replication postgres 127.0.0.1/32 scram-sha-256\n');
  }

  /** Makes it a standby: a copy of another server, which it follows. */
  copyOf(primary: PostgresNode): void {
    rmSync(this.data, { recursive: true, force: true });
    const args = ['-D', this.data, '-d', this.#conninfo(primary), '-R', '--no-sync', '--checkpoint=fast'];
    run('pg_basebackup', args);
    this.configure({ port: this.port });
  }

  /** Adds settings to its file, for the next start or `reload`. */
  configure(settings: Readonly<Record<string, string | number>>): void {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(this.data, 'postgresql.conf'), lines.join(''));
  }

  /** Writes a file into its folder, for the server alone. */
  write(name: string, text: string): void {
    const path = join(this.data, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (process.getuid!() === 0) execFileSync('chown', ['postgres:', path]);
  }

  /** Changes settings of a running server, and waits until its sessions may have seen them. */
  async reload(settings: Readonly<Record<string, string | number>>): Promise<void> {
    this.configure(settings);
    await this.sql('SELECT pg_reload_conf()');
    for (const [name, value] of Object.entries(settings)) {
      await this.until(`SELECT current_setting('${name}') = '${value}' AS ok`);
    }
  }

  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const log = openSync(join(this.#folder, `${this.name}.log`), 'a');
    const [command, args] = asPostgres('postgres', ['-D', this.data]);
    const child = spawn(command, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
    this.#exited = once(child, 'exit').finally(() => (this.#process = undefined));
    await this.until('SELECT true AS ok');
  }

  /** `fast` ends the sessions; a commit that waits for a standby is ended too. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGINT');
    await this.#exited;
  }

  /** `kill -9` of the server and of all its sessions. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  /** Of the server and all its sessions. */
  get pids(): number[] {
    const pid = this.#process?.pid;
    if (pid === undefined) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return [pid, ...children.filter(text => text !== '').map(Number)];
  }

  signal(signal: NodeJS.Signals): void {
    for (const pid of this.pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // A session that has just ended.
      }
    }
  }

  async promote(): Promise<void> {
    await this.sql('SELECT pg_promote()');
    await this.until('SELECT NOT pg_is_in_recovery() AS ok');
  }

  /** Makes a standby follow another primary. */
  async follow(primary: PostgresNode): Promise<void> {
    await this.sql(`ALTER SYSTEM SET primary_conninfo = '${this.#conninfo(primary)}'`);
    await this.sql('SELECT pg_reload_conf()');
  }

  /** Runs a statement as superuser. */
  async sql<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    database: string = SUPERUSER.database,
  ): Promise<Row[]> {
    const client = new Client({ ...SUPERUSER, database, host: '127.0.0.1', port: this.port });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until a statement gives `ok`. */
  async until(text: string, database?: string): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    let why: unknown;
    while (performance.now() < deadline) {
      try {
        if ((await this.sql<{ ok: boolean }>(text, [], database))[0]?.ok) return;
      } catch (error) {
        why = error;
      }
      if (!this.isRunning) break;
      await sleep(LOOK_EVERY_MS);
    }
    throw new Error(`${this.name} never answered ${text}\n${this.transcript()}`, { cause: why });
  }

  transcript(): string {
    const path = join(this.#folder, `${this.name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(-60).join('\n') : '';
  }

  #conninfo({ port }: PostgresNode): string {
    const { user, password } = SUPERUSER;
    return `host=127.0.0.1 port=${port} user=${user} password=${password} application_name=${this.name}`;
  }
}

/** A primary and its standbys: real servers on ports of the loopback interface. Whoever starts it ends it. */
export class PostgresCluster {
  readonly nodes: readonly PostgresNode[];
  readonly #folder: string;

  private constructor(folder: string, nodes: readonly PostgresNode[]) {
    this.#folder = folder;
    this.nodes = nodes;
  }

  /** With more than one node a commit on the first one waits for any other. */
  static async start(
    nodeCount: number,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<PostgresCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'loteria-postgres-'));
    await writeFile(join(folder, 'password'), SUPERUSER.password);
    if (process.getuid!() === 0) execFileSync('chown', ['-R', 'postgres:', folder]);
    const nodes: PostgresNode[] = [];
    for (let n = 1; n <= nodeCount; n += 1)
      nodes.push(new PostgresNode(folder, `node${n}`, await freePort()));
    const cluster = new PostgresCluster(folder, nodes);
    const [primary, ...standbys] = nodes as [PostgresNode, ...PostgresNode[]];
    primary.init(settings);
    await primary.start();
    await primary.sql(`CREATE ROLE ${ROLE.user} LOGIN PASSWORD '${ROLE.password}'`);
    await primary.sql(`CREATE DATABASE ${ROLE.database} OWNER ${ROLE.user}`);
    for (const standby of standbys) {
      standby.copyOf(primary);
      await standby.start();
    }
    if (nodeCount > 1) {
      for (const node of nodes) await node.reload({ synchronous_standby_names: 'ANY 1 (*)' });
      await cluster.replicates(primary, nodeCount - 1);
    }
    return cluster;
  }

  get primary(): PostgresNode {
    return this.nodes[0]!;
  }

  /** Waits until so many standbys follow a primary and count for its quorum. */
  async replicates(primary: PostgresNode, standbys: number): Promise<void> {
    await primary.until(
      `SELECT count(*) >= ${standbys} AS ok FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'`,
    );
  }

  /** As `SERVER_STORE` has it. */
  url({ user, password, database }: { user: string; password: string; database: string } = ROLE): string {
    return `postgres://${user}:${password}@${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${database}`;
  }

  /** As the store has it. */
  get access() {
    const hosts = this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    return { ...ROLE, hosts, tls: undefined };
  }

  async end(): Promise<void> {
    for (const node of this.nodes) await node.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
