import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ExpectedAgency } from '../crash/expected-bets.ts';
import { freePort } from '../support/free-port.ts';
import { type PostgresCluster, ROLE } from '../support/postgres-cluster.ts';
import { type Line, Program } from '../support/program.ts';
import { readiness } from '../support/readiness.ts';
import { Scrape } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Longest wait for a fact, in milliseconds: a failover and the clients' back-off. */
const WAIT_MS = 100_000;
const LOOK_EVERY_MS = 20;

/** A client with small batches, so that its upload outlasts the test's actions. */
export const SLOW = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '4' };

/** A program that is killed and restarted, with its folder and environment. */
export class Member {
  readonly name: string;
  readonly lives: Program[] = [];
  readonly #start: () => Program;

  constructor(name: string, start: () => Program) {
    this.name = name;
    this.#start = start;
  }

  get life(): Program {
    return this.lives.at(-1)!;
  }

  start(): Program {
    this.lives.push(this.#start());
    return this.life;
  }

  /** Kills it with SIGKILL, unless it has ended by itself. */
  async kill(): Promise<void> {
    this.life.kill('SIGKILL');
    await this.life.exited;
  }

  /** The log lines of an action, of all its processes. */
  linesOf(action: string, result?: string): Line[] {
    return this.lives.flatMap(life => life.linesOf(action, result));
  }
}

export interface ClusterRunOptions {
  readonly agencies: readonly ExpectedAgency[];
  /** Distinguishes lotteries in the same database. */
  readonly lottery?: string;
  readonly servers?: number;
  /** Environment of the clients. */
  readonly client?: Record<string, string>;
}

/** A lottery of real processes: servers on a PostgreSQL cluster, and a client for each agency. */
export class ClusterRun {
  readonly postgres: PostgresCluster;
  readonly agencies: readonly ExpectedAgency[];
  readonly lottery: string;
  readonly servers: readonly Member[];
  readonly clients: readonly Member[];
  readonly #folder: string;
  readonly #ports: readonly number[];

  private constructor(
    postgres: PostgresCluster,
    folder: string,
    ports: readonly number[],
    { agencies, lottery = 'LOTERIA', client = {} }: ClusterRunOptions,
  ) {
    this.postgres = postgres;
    this.agencies = agencies;
    this.lottery = lottery;
    this.#folder = folder;
    this.#ports = ports;
    this.servers = ports.map((port, index) =>
      this.server(`server${index + 1}`, { SERVER_PORT: String(port) }),
    );
    this.clients = agencies.map(({ agency }) => this.client(agency, client));
  }

  /** With all servers listening, without clients. */
  static async start(postgres: PostgresCluster, options: ClusterRunOptions): Promise<ClusterRun> {
    const ports: number[] = [];
    while (ports.length < (options.servers ?? 2)) ports.push(await freePort());
    const run = new ClusterRun(postgres, await temporaryFolder(), ports, options);
    for (const server of run.servers) await server.start().logged('listen');
    return run;
  }

  /** As `start`, with all clients and some acknowledged bets. */
  static async upload(
    postgres: PostgresCluster,
    bets: number,
    options: ClusterRunOptions,
  ): Promise<ClusterRun> {
    const run = await ClusterRun.start(postgres, options);
    for (const client of run.clients) client.start();
    await run.untilAcknowledged(bets);
    return run;
  }

  server(name: string, more: Record<string, string> = {}): Member {
    const env = {
      ...this.#settings,
      SERVER_PORT: '0',
      SERVER_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      ...more,
    };
    return new Member(name, () => Program.start(['server'], { cwd: this.#folder, env }));
  }

  client(agency: number, more: Record<string, string> = {}): Member {
    const env = {
      CLI_ID: String(agency),
      CLI_SERVER_ADDRESS: this.addressesOf(...this.#ports.keys()),
      CLI_FILE_NAME: this.agencies[agency - 1]!.file,
      CLI_WINNERS_FILE: this.#winnersFile(agency),
      CLI_LOOP_PERIOD: '100ms',
      ...more,
    };
    return new Member(`client${agency}`, () =>
      Program.start(['client'], { cwd: this.#folder, env }),
    );
  }

  /** `server.address` for some of the servers. */
  addressesOf(...indices: number[]): string {
    return indices.map(index => `127.0.0.1:${this.#ports[index]}`).join(',');
  }

  get bets(): number {
    return this.agencies.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Bets that the servers have logged as stored. */
  get acknowledged(): number {
    return sumOf(this.servers.flatMap(server => server.linesOf('apuesta_recibida', 'success')));
  }

  async untilAcknowledged(bets: number): Promise<void> {
    await this.until(`${bets} bets`, () => this.acknowledged >= bets);
  }

  async untilReady(server: Member, readyz: string): Promise<void> {
    await this.until(readyz, async () => (await readiness(await urlOf(server))) === readyz);
  }

  async until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!(await look())) {
      if (performance.now() > deadline)
        throw new Error(`no ${what} within ${WAIT_MS} ms\n${this.transcript()}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Waits until every client has its winners, and verifies the result. */
  async finishes(clients: readonly Member[] = this.clients): Promise<void> {
    for (const [index, { agency, winners }] of this.agencies.entries()) {
      const client = clients[index]!;
      let exit: unknown;
      void client.life.exited.then(result => (exit = result));
      await this.until(`exit of ${client.name}`, () => exit !== undefined);
      expect(exit, `${client.name}\n${client.life.transcript()}\n${this.transcript()}`).toEqual({
        code: 0,
        signal: null,
      });
      const told = await readFile(this.#winnersFile(agency), 'utf8');
      expect(told, client.name).toBe(winners.map(document => `${document}\n`).join(''));
    }
    await this.check();
  }

  /**
   * Verifies that every bet is stored once, in order, that one draw was held, and that the servers
   * agree.
   */
  async check(): Promise<void> {
    const file = join(this.#folder, 'bets.csv');
    const reader = Program.start(['export', file, '--force'], {
      cwd: this.#folder,
      env: this.#settings,
    });
    expect(await reader.exited, reader.transcript()).toEqual({ code: 0, signal: null });
    const text = await readFile(file, 'utf8');
    const rows = text.split('\r\n').slice(0, -1);
    expect(rows).toHaveLength(this.bets);
    for (const { agency, rows: expected } of this.agencies) {
      const stored = rows.filter(row => row.startsWith(`${agency},`));
      const differing = stored.findIndex((row, index) => row !== expected[index]);
      expect([stored.length, stored[differing]], `agency ${agency}`).toEqual([
        expected.length,
        undefined,
      ]);
    }
    expect(this.acknowledged).toBeLessThanOrEqual(this.bets);
    expect(this.forgotten).toEqual([]);
    for (const server of this.servers) await this.#checkServer(server);
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(new Set(this.#seals())).toEqual(new Set([sha256]));
    expect(await this.draws()).toBe(1);
  }

  /** Number of draws in the log. */
  async draws(): Promise<number> {
    const text = `SELECT count(*)::int FROM lottery_facts WHERE lottery = $1 AND kind = 'drawn'`;
    const [row] = await this.postgres.primary.sql<{ count: number }>(
      text,
      [this.lottery],
      ROLE.database,
    );
    return row!.count;
  }

  /** Log lines of clients about a server that expects an acknowledged bet again. */
  get forgotten(): string[] {
    const lines = this.clients.flatMap(client => client.linesOf('reconnect'));
    return lines.map(({ text }) => text).filter(text => text.includes('which it has acknowledged'));
  }

  /** The last lines of all logs. */
  transcript(): string {
    const said = [...this.servers, ...this.clients].flatMap(({ name, lives }) =>
      lives.map((life, index) => `${name}, life ${index + 1}:\n${lastLines(life.transcript())}`),
    );
    return said.join('\n');
  }

  async #checkServer({ name, lives, life }: Member): Promise<void> {
    const url = await urlOf({ life });
    // A server without a question for winners may read the draw a moment later.
    const isDrawn = async () =>
      (await Scrape.from(url)).values('loteria_draw_state')['drawn'] === 1;
    await this.until(`draw at ${name}`, isDrawn);
    const expected = Object.fromEntries(
      this.agencies.map(({ agency, rows }) => [agency, rows.length]),
    );
    expect((await Scrape.from(url)).values('loteria_bets_stored_total'), name).toEqual(expected);
    // Servers were killed or stopped gracefully; none failed.
    const exits = await Promise.all(lives.slice(0, -1).map(({ exited }) => exited));
    expect(exits.filter(({ code }) => code !== null && code > 0)).toEqual([]);
    const fails = lives.flatMap(({ lines }) => lines.filter(isUnexpected));
    expect(
      fails.map(({ text }) => text),
      name,
    ).toEqual([]);
  }

  /** Digests of the draw in the servers' logs. */
  #seals(): string[] {
    const actions = ['draw', 'follow_draw'];
    const lines = this.servers.flatMap(server => actions.flatMap(action => server.linesOf(action)));
    return lines.map(({ details }) => details['sha256']!);
  }

  /** Configuration of every program that uses the store. */
  get #settings(): Record<string, string> {
    const url = this.postgres.url();
    return {
      NUMBER_AGENCIES: String(this.agencies.length),
      SERVER_STORE: url,
      STORE_LOTTERY: this.lottery,
    };
  }

  #winnersFile(agency: number): string {
    return join(this.#folder, `winners-${agency}.txt`);
  }
}

async function urlOf({ life }: Pick<Member, 'life'>): Promise<string> {
  return (await life.logged('listen_http')).details['url']!;
}

function sumOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { details }) => sum + Number(details['cantidad']), 0);
}

/**
 * Expected errors: broken connections, and refusals of resumed uploads. A server's own failures are
 * not expected.
 */
function isUnexpected({ action, result, details }: Line): boolean {
  if (result !== 'fail') return false;
  if (action === 'refuse')
    return !['storage', 'sequence-gap', 'closing'].includes(details['code']!);
  return !['cut_connection', 'receive_message', 'apuesta_recibida'].includes(action!);
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter(line => !line.includes('action: apuesta_recibida'));
  return lines.slice(-25).join('\n');
}
