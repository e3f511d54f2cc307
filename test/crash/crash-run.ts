import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../../src/dataset/random.ts';
import { freePort } from '../support/free-port.ts';
import { checkClientLogs, checkFiles, checkServerLogs, Violation } from './checks.ts';
import type { ExpectedAgency } from './expected-bets.ts';
import { Life } from './processes.ts';

export interface CrashRunOptions {
  /** Determines every victim, delay and size. */
  readonly seed: number;
  readonly agencies: readonly ExpectedAgency[];
  /** Contains everything. The caller removes it. */
  readonly folder: string;
  /** Least number of kills, and greatest number before the draw. */
  readonly killsMin: number;
  readonly killsMax: number;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** A kill of one or several processes. */
interface Kill {
  readonly atMs: number;
  readonly victims: readonly string[];
  /** Progress of the lottery: the length of `bets.csv`, or that the draw was in the journal. */
  readonly progress: string;
}

export interface CrashReport {
  readonly kills: readonly Kill[];
  readonly killsBeforeDraw: number;
  readonly bets: number;
  readonly durationMs: number;
}

/** Few, so that an upload takes long enough to be interrupted. */
const BETS_PER_BATCH = 10;

/**
 * Longest delays, in milliseconds. Some are shorter than a start, so that starts and recoveries are
 * interrupted too.
 */
const BEFORE_KILL_MS_MAX = 150;
const BEFORE_RESTART_MS_MAX = 100;
const AFTER_RESTART_MS_MAX = 250;

/** Factor of the delays after enough kills, so that the draw can happen, still with kills. */
const PATIENCE = 6;

/** Number of kills after the draw, in addition to the earlier ones. */
const STRIKES_AFTER_DRAW = 3;

const VICTIMS = ['server', 'server', 'client', 'client', 'server and client', 'everybody'] as const;

const DRAWN = 'drawn';

/**
 * Runs a lottery of processes, kills them with SIGKILL and restarts them, until the draw was held
 * and every client has exited with 0 and its winners. Then verifies the result.
 *
 * @throws Error that names the seed, the kills and the folder
 */
export async function crashRun(options: CrashRunOptions): Promise<CrashReport> {
  const run = new CrashRun(options, await freePort());
  const startedAt = performance.now();
  try {
    await run.run();
  } catch (error) {
    const kills = run.kills.map(
      ({ atMs, victims, progress }) => `  ${atMs} ms  ${victims.join(', ')}  (${progress})`,
    );
    const what = error instanceof Violation ? error.message : (error as Error).stack;
    throw new Error(
      `seed ${options.seed}: ${what}\nkilled:\n${kills.join('\n')}\neverything is in ${options.folder}`,
      { cause: error },
    );
  } finally {
    await run.killEverybody();
  }
  return {
    kills: run.kills,
    killsBeforeDraw: run.kills.filter(({ progress }) => progress !== DRAWN).length,
    bets: options.agencies.reduce((sum, { rows }) => sum + rows.length, 0),
    durationMs: performance.now() - startedAt,
  };
}

/** A process that is killed and restarted. */
class Role {
  readonly lives: Life[] = [];
  readonly name: string;
  readonly expected: ExpectedAgency | undefined;

  constructor(name: string, expected?: ExpectedAgency) {
    this.name = name;
    this.expected = expected;
  }

  get life(): Life | undefined {
    return this.lives.at(-1);
  }

  get runs(): boolean {
    return this.life !== undefined && this.life.ended === undefined;
  }
}

class CrashRun {
  readonly kills: Kill[] = [];
  readonly #options: CrashRunOptions;
  readonly #random: SeededRandom;
  readonly #port: number;
  readonly #window: number;
  readonly #server = new Role('server');
  readonly #clients: readonly Role[];
  readonly #data: string;
  readonly #stop: AbortSignal;
  readonly #startedAt = performance.now();

  constructor(options: CrashRunOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.#random = new SeededRandom(options.seed);
    this.#window = this.#random.between(1, 3);
    this.#clients = options.agencies.map(
      expected => new Role(`client-${expected.agency}`, expected),
    );
    this.#data = join(options.folder, 'server');
    const timeout = AbortSignal.timeout(options.deadlineMs);
    this.#stop =
      options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  }

  async run(): Promise<void> {
    const { killsMin, killsMax, agencies } = this.#options;
    for (const role of this.#everybody) await mkdir(join(this.#options.folder, role.name));
    for (const role of this.#everybody) this.#start(role);
    while (
      this.kills.length < killsMin ||
      (!(await this.#isDrawn()) && this.kills.length < killsMax)
    ) {
      await this.#strike();
    }
    await this.#finishInPeace();
    // Clients receive the same winners again.
    for (let strike = 0; strike < STRIKES_AFTER_DRAW; strike += 1) await this.#strike();
    await this.#finishInPeace();
    await this.#server.life!.stop();
    if (this.#server.life!.ended!.code !== 0)
      throw new Violation('the server did not stop with exit code 0');
    const seal = await checkFiles(this.#data, agencies);
    await this.#verify(seal);
    const bets = agencies.reduce((sum, { rows }) => sum + rows.length, 0);
    checkServerLogs(
      this.#server.lives.map(life => life.log()),
      bets,
      seal,
    );
    for (const { lives, expected } of this.#clients) {
      checkClientLogs(
        lives.map(life => life.log()),
        expected!,
      );
    }
  }

  async killEverybody(): Promise<void> {
    await Promise.all(this.#everybody.map(async role => role.life?.kill()));
  }

  get #everybody(): Role[] {
    return [this.#server, ...this.#clients];
  }

  #start(role: Role): void {
    const { folder } = this.#options;
    const log = join(folder, `${role.name}.${String(role.lives.length + 1).padStart(3, '0')}.log`);
    const { expected } = role;
    const env: Record<string, string> =
      expected === undefined
        ? { SERVER_PORT: String(this.#port), SERVER_HOST: '127.0.0.1' }
        : {
            CLI_ID: String(expected.agency),
            CLI_SERVER_ADDRESS: `127.0.0.1:${this.#port}`,
            CLI_FILE_NAME: expected.file,
            CLI_WINNERS_FILE: 'winners.txt',
            CLI_BATCH_MAXAMOUNT: String(BETS_PER_BATCH),
            CLI_BATCH_WINDOW: String(this.#window),
          };
    const command = expected === undefined ? 'server' : 'client';
    role.lives.push(
      new Life([command], join(folder, role.name), { LOG_FORMAT: 'json', ...env }, log),
    );
  }

  /** Kills processes and restarts them. */
  async #strike(): Promise<void> {
    const victims = this.#pickVictims();
    // Draws all random numbers in any case, so that later kills do not depend on the outcome of
    // this one.
    const [beforeKillMs, beforeRestartMs, afterRestartMs] = [
      this.#random.between(0, BEFORE_KILL_MS_MAX),
      this.#random.between(0, BEFORE_RESTART_MS_MAX),
      this.#random.between(0, AFTER_RESTART_MS_MAX),
    ];
    const [verifies, twice] = [this.#random.between(0, 3) === 0, this.#random.between(0, 3) === 0];
    await this.#reviveEverybody(victims);
    await this.#untilProgress();
    await this.#wait(
      this.kills.length < this.#options.killsMin ? beforeKillMs : PATIENCE * beforeKillMs,
    );
    await this.#kill(victims);
    if (verifies && victims.includes(this.#server)) await this.#verifyUnfinished();
    await this.#wait(beforeRestartMs);
    await this.#reviveEverybody(victims);
    if (!twice) return;
    await this.#wait(afterRestartMs);
    await this.#kill(victims);
  }

  #pickVictims(): Role[] {
    const client = this.#random.pick(this.#clients);
    switch (this.#random.pick(VICTIMS)) {
      case 'server':
        return [this.#server];
      case 'client':
        return [client];
      case 'server and client':
        return [this.#server, client];
      case 'everybody':
        return this.#everybody;
    }
  }

  async #kill(victims: readonly Role[]): Promise<void> {
    const progress = (await this.#isDrawn()) ? DRAWN : `${await this.#betsBytes()} bytes`;
    const atMs = Math.round(performance.now() - this.#startedAt);
    const killed = await Promise.all(
      victims.map(async role => ((await role.life!.kill()) ? [role.name] : [])),
    );
    if (killed.flat().length > 0) this.kills.push({ atMs, victims: killed.flat(), progress });
  }

  /** Restarts processes that do not run; a finished client only if it is a victim. */
  async #reviveEverybody(victims: readonly Role[]): Promise<void> {
    for (const role of this.#everybody) {
      if (role.runs) continue;
      const isDone = await this.#hasDoneItsJob(role);
      if (isDone && !victims.includes(role)) continue;
      if (isDone) await rm(this.#winnersPath(role));
      this.#start(role);
    }
  }

  /** Whether a process ended by itself. */
  async #hasDoneItsJob(role: Role): Promise<boolean> {
    const life = role.life!;
    if (life.killed) return false;
    const { code } = life.ended!;
    if (role.expected === undefined) {
      // Another program may have taken the port.
      if (life.log().some(({ error }) => String(error).includes('is in use by another program')))
        return false;
      throw new Violation(`the server ended by itself with exit code ${code}: ${lastWords(life)}`);
    }
    if (code !== 0)
      throw new Violation(`${role.name} ended with exit code ${code}: ${lastWords(life)}`);
    const written = await readFile(this.#winnersPath(role), 'utf8');
    const winners = role.expected.winners.map(document => `${document}\n`).join('');
    if (written !== winners)
      throw new Violation(`${role.name} was told ${JSON.stringify(written)}`);
    return true;
  }

  #winnersPath(role: Role): string {
    return join(this.#options.folder, role.name, 'winners.txt');
  }

  /** Waits until a few bets arrive, if any can, so that most kills interrupt an upload. */
  async #untilProgress(): Promise<void> {
    const before = await this.#betsBytes();
    const deadline = performance.now() + 1_000;
    while (performance.now() < deadline && !(await this.#isDrawn())) {
      if ((await this.#betsBytes()) > before) return;
      await this.#wait(5);
    }
  }

  async #finishInPeace(): Promise<void> {
    await this.#reviveEverybody(this.#clients);
    const waiting = new Set(this.#clients);
    while (waiting.size > 0) {
      for (const role of waiting)
        if (!role.runs && (await this.#hasDoneItsJob(role))) waiting.delete(role);
      await this.#reviveEverybody([]);
      await this.#wait(10);
    }
  }

  /** A crash leaves incomplete files, never damaged ones. */
  async #verifyUnfinished(): Promise<void> {
    if ((await this.#journalBytes()) > 0) await this.#verify();
  }

  async #verify(seal?: string): Promise<void> {
    const log = join(this.#options.folder, 'verify.log');
    const life = new Life(['journal', 'verify', this.#data], this.#options.folder, {}, log);
    await life.exited;
    const said = await readFile(log, 'utf8');
    if (life.ended!.code !== 0) throw new Violation(`journal verify finds damage: ${said}`);
    if (seal !== undefined && !said.includes(`seal          ${seal}\n`)) {
      throw new Violation(`journal verify does not print the seal ${seal}: ${said}`);
    }
  }

  async #isDrawn(): Promise<boolean> {
    if ((await this.#journalBytes()) === 0) return false;
    const journal = await readFile(join(this.#data, 'bets.journal'), 'utf8');
    return journal.endsWith('\n') && journal.includes('"type":"draw"', journal.length - 4096);
  }

  #betsBytes(): Promise<number> {
    return sizeOf(join(this.#data, 'bets.csv'));
  }

  #journalBytes(): Promise<number> {
    return sizeOf(join(this.#data, 'bets.journal'));
  }

  async #wait(ms: number): Promise<void> {
    if (!this.#stop.aborted) await delay(ms, undefined, { signal: this.#stop }).catch(() => {});
    if (this.#stop.aborted) throw new Violation(`not done within ${this.#options.deadlineMs} ms`);
  }
}

async function sizeOf(path: string): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.size ?? 0;
}

function lastWords(life: Life): string {
  return JSON.stringify(life.log().at(-1));
}
