import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, type QueryResultRow } from 'pg';
import { LoopDisk } from './loop-disk.ts';

/** Default: Debian's newest version. */
export const POSTGRES_BIN = process.env['POSTGRES_BIN'] ?? newestBin('/usr/lib/postgresql');

const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 20;

export const SUPERUSER = { user: 'postgres', password: 'postgres', database: 'postgres' } as const;

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 60,
  shared_buffers: '64MB',
  wal_keep_size: '512MB',
  wal_log_hints: 'on',
  wal_retrieve_retry_interval: '200ms',
  log_line_prefix: '%m [%p] %a ',
} as const;

function newestBin(folder: string): string {
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0] ?? 'none';
  return join(folder, newest, 'bin');
}

/** PostgreSQL refuses to run as root: then its programs run as the user of Debian's package. */
function asPostgres(program: string, args: readonly string[]): [string, string[]] {
  const path = join(POSTGRES_BIN, program);
  if (process.getuid!() !== 0) return [path, [...args]];
  return [
    'setpriv',
    ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', path, ...args],
  ];
}

/** Gives a file or folder to the server's user. */
export function giveToPostgres(path: string): void {
  if (process.getuid!() === 0) execFileSync('chown', ['-R', 'postgres:', path]);
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const [command, all] = asPostgres(program, args);
  await promisify(execFile)(command, all, {
    env: { ...process.env, PGPASSWORD: SUPERUSER.password },
  });
}

/** Whether it runs; a zombie does not. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** A PostgreSQL server with its folder and port, for any number of starts. */
export class PostgresNode {
  readonly name: string;
  readonly port: number;
  /** Its own file system, if it has one. */
  readonly disk: LoopDisk | undefined;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(folder: string, name: string, port: number, diskMegabytes?: number) {
    this.#folder = folder;
    this.name = name;
    this.port = port;
    const place = join(folder, name);
    if (diskMegabytes === undefined) mkdirSync(place);
    else this.disk = new LoopDisk(place, diskMegabytes, 'postgres');
  }

  get #place(): string {
    return this.disk?.folder ?? join(this.#folder, this.name);
  }

  get data(): string {
    return join(this.#place, 'data');
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Creates its empty folder. */
  async prepare(): Promise<void> {
    await this.disk?.mount();
    giveToPostgres(this.#place);
  }

  async init(settings: Readonly<Record<string, string>>): Promise<void> {
    const passwords = join(this.#folder, 'password');
    const args = [
      '--no-sync',
      '--auth=scram-sha-256',
      `--pwfile=${passwords}`,
      '--username=postgres',
    ];
    await run('initdb', ['-D', this.data, '--locale=C', '--encoding=UTF8', ...args]);
    this.configure({ ...SETTINGS, ...settings, port: this.port });
    appendFileSync(
      join(this.data, 'pg_hba.conf'),
      'host replication postgres 127.0.0.1/32 scram-sha-256\n',
    );
  }

  /** Creates it as a standby, a copy of another server. */
  async copyOf(primary: PostgresNode): Promise<void> {
    await rm(this.data, { recursive: true, force: true });
    const args = [
      '-D',
      this.data,
      '-d',
      this.#conninfo(primary),
      '-R',
      '--no-sync',
      '--checkpoint=fast',
    ];
    await run('pg_basebackup', args);
    this.configure({ port: this.port });
  }

  /** Turns a stopped former primary into a standby of another one, which drops its own changes. */
  async rewindTo(primary: PostgresNode): Promise<void> {
    // Until the checkpoint, the new primary's control file has the former timeline.
    await primary.sql('CHECKPOINT');
    const source = `--source-server=${this.#conninfo(primary)} dbname=${SUPERUSER.database}`;
    await run('pg_rewind', ['-D', this.data, source, '-R', '--no-sync']);
    this.configure({ port: this.port });
  }

  /** Adds settings for the next start or `reload`. */
  configure(settings: Readonly<Record<string, string | number>>): void {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(this.data, 'postgresql.conf'), lines.join(''));
  }

  /** Writes a file that only the server can read. */
  write(name: string, text: string): void {
    const path = join(this.data, name);
    writeFileSync(path, text, { mode: 0o600 });
    giveToPostgres(path);
  }

  /** Changes settings of a running server, and waits until its sessions can have reloaded. */
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

  /** `fast` ends the sessions, also commits that wait for a standby. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGINT');
    await this.#exited;
  }

  /** Kills the server and all its sessions with SIGKILL. */
  async kill(): Promise<void> {
    const { pids } = this;
    this.signal('SIGKILL');
    await this.#exited;
    while (pids.some(isAlive)) await sleep(LOOK_EVERY_MS);
  }

  /** Simulates a power cut of the server and its disk. The next start finds what was synced. */
  async cutPower(): Promise<void> {
    this.signal('SIGSTOP');
    this.disk!.cutPower();
    await this.kill();
    await this.disk!.restore();
  }

  /** Process ids of the server and all its sessions. */
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
        // The session has ended meanwhile.
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

  /** Waits until a statement returns `ok`. */
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
