import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ExpectedAgency } from '../crash/expected-bets.ts';
import { freePort } from '../support/free-port.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';
import { type Line, Program } from '../support/program.ts';
import { readiness } from '../support/readiness.ts';
import { Scrape } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SERVERS = 2;

/** Longest wait for a fact, in milliseconds: elections, and agencies that wait between two tries, take their time. */
const WAIT_MS = 60_000;
const LOOK_EVERY_MS = 10;

/** What a server may say when somebody or something else was killed. */
const FAILS_OF_OTHERS = new Set(['cut_connection', 'receive_message', 'compare_copies']);

/** Somebody who is killed and started again: a program with its folder and environment, through any number of lives. */
export class Member {
  readonly name: string;
  readonly lives: Program[] = [];
  readonly #start: (more: Record<string, string>) => Program;

  constructor(name: string, start: (more: Record<string, string>) => Program) {
    this.name = name;
    this.#start = start;
  }

  get life(): Program {
    return this.lives.at(-1)!;
  }

  /** @param more environment of this life and of no other */
  start(more: Record<string, string> = {}): Program {
    const life = this.#start(more);
    this.lives.push(life);
    return life;
  }

  /** `kill -9`, unless it has ended by itself. */
  async kill(): Promise<void> {
    this.life.kill('SIGKILL');
    await this.life.exited;
  }

  async killAndRestart(): Promise<void> {
    await this.kill();
    this.start();
  }

  /** The lines of an action in all its lives. */
  linesOf(action: string, result?: string): Line[] {
    return this.lives.flatMap(life => life.linesOf(action, result));
  }
}

export class Client extends Member {
  /** Where it writes what it is told. */
  readonly winnersFile: string;

  constructor(name: string, start: () => Program, winnersFile: string) {
    super(name, start);
    this.winnersFile = winnersFile;
  }
}

export interface ClusterRunOptions {
  readonly agencies: readonly ExpectedAgency[];
  /** Distinguishes lotteries on the same nodes. */
  readonly stream?: string;
  readonly client?: Record<string, string>;
}

/** A lottery of real processes: nodes of NATS, two servers in front of them, and the clients that were started. */
export class ClusterRun {
  readonly nats: NatsCluster;
  readonly agencies: readonly ExpectedAgency[];
  readonly stream: string;
  readonly folder: string;
  readonly servers: readonly Member[];
  readonly clients: readonly Client[];
  readonly #ports: readonly number[];
  #clientsMade = 0;

  private constructor(nats: NatsCluster, folder: string, ports: number[], options: ClusterRunOptions) {
    const { agencies, stream = 'LOTERIA', client = {} } = options;
    this.nats = nats;
    this.agencies = agencies;
    this.stream = stream;
    this.folder = folder;
    this.#ports = ports;
    this.servers = ports.map((_, index) => this.server(`server${index + 1}`, index));
    this.clients = agencies.map(({ agency }) => this.client(agency, client));
  }

  /** With both servers listening and no client started. */
  static async start(nats: NatsCluster, options: ClusterRunOptions): Promise<ClusterRun> {
    const ports: number[] = [];
    while (ports.length < SERVERS) ports.push(await freePort());
    const run = new ClusterRun(nats, await temporaryFolder(), ports, options);
    for (const { name } of run.servers) await mkdir(join(run.folder, name));
    await Promise.all(run.servers.map(server => server.start().logged('listen')));
    return run;
  }

  /** A server on the port of number `index`, with the folder of its name. */
  server(name: string, index: number, more: Record<string, string> = {}): Member {
    const env = {
      ...this.#lottery,
      SERVER_PORT: String(this.#ports[index]),
      SERVER_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      ...more,
    };
    const cwd = join(this.folder, name);
    return new Member(name, ofLife => Program.start(['server'], { cwd, env: { ...env, ...ofLife } }));
  }

  client(agency: number, more: Record<string, string> = {}): Client {
    const name = `client${agency}`;
    this.#clientsMade += 1;
    const winnersFile = join(this.folder, `winners-${this.#clientsMade}.txt`);
    const env = {
      CLI_ID: String(agency),
      CLI_SERVER_ADDRESS: this.addressesOf(0, 1),
      CLI_FILE_NAME: this.agencies.find(expected => expected.agency === agency)!.file,
      CLI_WINNERS_FILE: winnersFile,
      CLI_LOOP_PERIOD: '100ms',
      ...more,
    };
    const start = (): Program => Program.start(['client'], { cwd: this.folder, env });
    return new Client(name, start, winnersFile);
  }

  /** `server.address` for some of the servers. */
  addressesOf(...indices: number[]): string {
    return indices.map(index => `127.0.0.1:${this.#ports[index]}`).join(',');
  }

  get bets(): number {
    return this.agencies.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Bets that the servers have said to have stored. */
  get acknowledged(): number {
    const lines = this.servers.flatMap(server => server.linesOf('apuesta_recibida', 'success'));
    return lines.reduce((sum, { details }) => sum + Number(details['cantidad']), 0);
  }

  async untilAcknowledged(bets: number): Promise<void> {
    await this.until(`${bets} bets`, () => this.acknowledged >= bets);
  }

  /** What /readyz of a server says: the status and the line. */
  async readiness(server: Member): Promise<string> {
    return await readiness(await this.#url(server));
  }

  async until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!(await look())) {
      if (performance.now() > deadline)
        throw new Error(`no ${what} within ${WAIT_MS} ms\n${this.transcript()}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /**
   * Waits until every client has its winners, and checks all that must hold then.
   *
   * @param clients of the agencies 1, 2, 3, …
   */
  async finishes(clients: readonly Client[] = this.clients): Promise<void> {
    for (const [index, { winners }] of this.agencies.entries()) {
      const client = clients[index]!;
      let exit: unknown;
      void client.life.exited.then(result => (exit = result));
      await this.until(`exit of ${client.name}`, () => exit !== undefined);
      expect(exit, `${client.name}\n${this.transcript()}`).toEqual({ code: 0, signal: null });
      const told = await readFile(client.winnersFile, 'utf8');
      expect(told, client.name).toBe(winners.map(document => `${document}\n`).join(''));
    }
    await this.check();
  }

  /** Checks that every bet is stored once, in order, that one draw was held, and that both servers agree with the stream. */
  async check(): Promise<void> {
    const { rows, sha256 } = await this.#export();
    for (const { agency, rows: expected } of this.agencies) {
      const stored = rows.filter(row => row.startsWith(`${agency},`));
      const differing = stored.findIndex((row, index) => row !== expected[index]);
      expect(
        { bets: stored.length, differing: stored[differing] },
        `agency ${agency} of ${this.stream}`,
      ).toEqual({ bets: expected.length, differing: undefined });
    }
    expect(this.acknowledged).toBeLessThanOrEqual(this.bets);
    for (const server of this.servers) await this.#checkServer(server);
    expect(new Set(this.seals())).toEqual(new Set([sha256]));
    expect(this.servers.flatMap(server => server.linesOf('sorteo', 'success'))).toHaveLength(1);
  }

  /** What the servers have said that the draw was held over. */
  seals(): string[] {
    const lines = this.servers.flatMap(server => [
      ...server.linesOf('draw'),
      ...server.linesOf('follow_draw'),
    ]);
    return lines.map(({ details }) => details['sha256']!);
  }

  /** How often a server expected something again that was acknowledged: after a loss of power it may, for a moment. */
  get forgotten(): number {
    const lines = this.clients.flatMap(client => client.linesOf('reconnect'));
    return lines.filter(({ details }) => details['error']?.includes('which it has acknowledged')).length;
  }

  /** Everything that was said. */
  transcript(): string {
    const said = [...this.servers, ...this.clients].flatMap(({ name, lives }) =>
      lives.map((life, index) => `${name}, life ${index + 1}:\n${lastLines(life.transcript())}`),
    );
    return said.join('\n');
  }

  /** The rows that the log holds in the end, in their order and without line ends, and their digest. */
  async #export(): Promise<{ readonly rows: readonly string[]; readonly sha256: string }> {
    const file = join(this.folder, 'bets.csv');
    const env = this.#lottery;
    const program = Program.start(['export', file, '--force'], { cwd: this.folder, env });
    expect(await program.exited, program.transcript()).toEqual({ code: 0, signal: null });
    const text = await readFile(file, 'utf8');
    const rows = text.split('\r\n').slice(0, -1);
    return { rows, sha256: createHash('sha256').update(text).digest('hex') };
  }

  /** What every server of it is configured with. */
  get #lottery(): Record<string, string> {
    return {
      NUMBER_AGENCIES: String(this.agencies.length),
      SERVER_STORE: this.nats.url,
      STORE_STREAM: this.stream,
    };
  }

  async #checkServer(server: Member): Promise<void> {
    const url = await this.#url(server);
    // The one that no agency has asked for its winners may read of the draw a moment later.
    const isDrawn = async (): Promise<boolean> =>
      (await Scrape.from(url)).values('loteria_draw_state')['drawn'] === 1;
    await this.until(`draw at ${server.name}`, isDrawn);
    const scrape = await Scrape.from(url);
    const expected = Object.fromEntries(this.agencies.map(({ agency, rows }) => [agency, rows.length]));
    expect(scrape.values('loteria_bets_stored_total'), server.name).toEqual(expected);
    const fails = server.lives.flatMap(life => life.lines.filter(isUnexpected));
    expect(
      fails.map(({ text }) => text),
      server.name,
    ).toEqual([]);
  }

  async #url(server: Member): Promise<string> {
    const { details } = await server.life.logged('listen_http');
    return details['url']!;
  }
}

/** Refusals of uploads that come back are part of the way; what the servers lose or cannot do is not. */
function isUnexpected({ action, result, details }: Line): boolean {
  if (result !== 'fail' || FAILS_OF_OTHERS.has(action!)) return false;
  if (action === 'refuse') return !['storage', 'sequence-gap', 'closing'].includes(details['code']!);
  return action !== 'apuesta_recibida';
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter(line => !line.includes('action: apuesta_recibida'));
  return lines.slice(-25).join('\n');
}
