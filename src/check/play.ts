import { setTimeout as pause } from 'node:timers/promises';
import { type AgencyInput, rowOf, rowsOfFile } from './data.ts';
import { isAtLeast } from './exercise.ts';
import type { Lab } from './lab.ts';
import { patience } from './patience.ts';
import { type ParsedLine, parseLine } from './profiles/tp0.ts';
import type { Lottery, LogLine, LotterySetup, Service } from './runner.ts';

/** A wait ends after this time without activity: no byte, no line, no exit. On an idle machine. */
const QUIET_LIMIT_MS = 10_000;
/** Least time without activity before rows of a subject that loses some count as lost. */
const LOST_ROWS_LIMIT_MS = 3_000;
/** That time as a multiple of the subject's longest pause so far. */
const PAUSE_FACTOR = 2;
/** Limit of a whole lottery that still makes progress. Idle machine. */
const TOTAL_LIMIT_MS = 90_000;
const POLL_MS = 20;
/** Time for the other programs to react after the server or a client has ended. */
const AFTER_END_MS = 3_000;

/** A lottery and the programs started in it. */
export interface Play {
  readonly lottery: Lottery;
  readonly server: Service;
  /** By client number; the last start of each. */
  readonly clients: Map<number, Service>;
  readonly inputs: readonly AgencyInput[];
}

/** Opens a lottery and starts its server. */
export async function openPlay(lab: Lab, setup: LotterySetup): Promise<Play> {
  const lottery = await lab.open(setup);
  return { lottery, server: await lottery.startServer(), clients: new Map(), inputs: setup.inputs };
}

/** Starts clients concurrently. */
export async function startClients(play: Play, numbers: readonly number[]): Promise<void> {
  const starts = numbers.map(number => play.lottery.startClient(number));
  // After a failed start the lottery is closed: no other start may be in progress then.
  await Promise.allSettled(starts);
  const clients = await Promise.all(starts);
  for (const [index, number] of numbers.entries()) play.clients.set(number, clients[index]!);
}

/** Runs a whole lottery with all clients, until they have ended or nothing happens any more. */
export async function playLottery(lab: Lab, setup: LotterySetup): Promise<Play> {
  const play = await openPlay(lab, setup);
  await startClients(play, numbersOf(play));
  await waitForDone(lab, play, numbersOf(play));
  return play;
}

export const numbersOf = ({ inputs }: Play): number[] => inputs.map((_, index) => index + 1);

/**
 * Waits until the clients have ended. After one has failed the others cannot end, because the draw
 * waits for it: so the wait ends too.
 */
export function waitForDone(lab: Lab, play: Play, numbers: readonly number[]): Promise<boolean> {
  lab.say({ es: 'espero a que los clientes terminen', en: 'waiting for the clients to finish' });
  const clients = (): Service[] => numbers.map(number => play.clients.get(number)!);
  return waitFor(lab, play, () => {
    if (clients().every(({ exit }) => exit !== undefined)) return true;
    const failedAtMs = clients().find(({ exit }) => (exit?.code ?? 0) !== 0)?.exit?.atMs;
    return failedAtMs !== undefined && play.lottery.now() - failedAtMs > AFTER_END_MS * patience();
  });
}

/** The rows that must be stored for clients; in exercise 5 each has one bet. */
export function expectedRows(
  { exercise }: Lab,
  { inputs }: Play,
  clients: readonly number[],
): string[] {
  return clients.flatMap(client => {
    const { agency, bets } = inputs[client - 1]!;
    return (exercise === 'ej5' ? bets.slice(0, 1) : bets).map(bet => rowOf(agency, bet));
  });
}

export const storedRows = async ({ lottery }: Play): Promise<string[]> =>
  rowsOfFile((await lottery.readBets()) ?? '');

/** Waits until every row of these clients is in the server's file. */
export async function waitForStored(
  lab: Lab,
  play: Play,
  clients: readonly number[],
): Promise<boolean> {
  lab.say({ es: 'espero a que se guarden las apuestas', en: 'waiting for the bets to be stored' });
  const expected = expectedRows(lab, play, clients);
  const areStored = await waitFor(
    lab,
    play,
    async () => {
      const stored = new Set(await storedRows(play));
      return expected.every(row => stored.has(row));
    },
    rowsLimitMs(lab),
  );
  if (!areStored) lab.seen.losesRows = true;
  return areStored;
}

/** Each wait for rows that never come lasts this long, and a check has many. */
function rowsLimitMs({ seen }: Lab): number {
  if (!seen.losesRows) return QUIET_LIMIT_MS;
  const limitMs = Math.max(LOST_ROWS_LIMIT_MS, PAUSE_FACTOR * seen.longestPauseMs);
  return Math.min(QUIET_LIMIT_MS, limitMs);
}

/** Gives a fault the time to show itself. Nothing else may depend on this time. */
export async function settle({ signal }: Lab, forMs: number): Promise<void> {
  await pause(forMs * patience(), undefined, { signal });
}

/** Whether a client was told its winners. */
export function isTold(service: Service): boolean {
  return actionsOf(service, 'consulta_ganadores').some(({ result }) => result === 'success');
}

/** Whether the lottery has a draw. */
export const hasDraw = (lab: Lab): boolean => isAtLeast(lab.exercise, 'ej7');

/**
 * Waits for a fact. Gives up after `quietLimitMs` without activity (no byte, no line, no exit) or
 * after `TOTAL_LIMIT_MS`.
 *
 * @returns whether it came
 */
export async function waitFor(
  lab: Lab,
  play: Play,
  fact: () => boolean | Promise<boolean>,
  quietLimitMs = QUIET_LIMIT_MS,
): Promise<boolean> {
  const startedAtMs = play.lottery.now();
  const activity = new Activity(play);
  let activeAtMs = startedAtMs;
  for (;;) {
    const lookedAtMs = play.lottery.now();
    if (await fact()) return true;
    lab.signal.throwIfAborted();
    // Polling a container takes processor time from the subject.
    const lookMs = play.lottery.now() - lookedAtMs;
    await pause(Math.max(POLL_MS, lookMs), undefined, { signal: lab.signal });
    const now = play.lottery.now();
    if (activity.hasGrown()) {
      lab.seen.longestPauseMs = Math.max(lab.seen.longestPauseMs, now - activeAtMs);
      activeAtMs = now;
    }
    const factor = patience();
    const serverEndedAtMs = play.server.exit?.atMs ?? Infinity;
    if (now - serverEndedAtMs > AFTER_END_MS * factor) return fact();
    if (now - activeAtMs > quietLimitMs * factor || now - startedAtMs > TOTAL_LIMIT_MS * factor) {
      return fact();
    }
  }
}

/** Detects activity. A repeated line or message is none: a client may poll for ever. */
class Activity {
  readonly #play: Play;
  readonly #seen = new Set<string>();
  readonly #counts = new Map<unknown, number>();

  constructor(play: Play) {
    this.#play = play;
    this.hasGrown();
  }

  hasGrown(): boolean {
    const { lottery, server, clients } = this.#play;
    const before = this.#seen.size;
    for (const { kind, client, direction, bytes } of this.#newOf(lottery.proxy.events)) {
      const said = bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
      this.#seen.add(`${kind} ${client} ${direction} ${said}`);
    }
    for (const { name, lines, exit } of [server, ...clients.values()]) {
      for (const { text } of this.#newOf(lines))
        this.#seen.add(`${name} ${text.replaceAll(/\d+/g, '')}`);
      if (exit !== undefined) this.#seen.add(`${name} ended at ${exit.atMs}`);
    }
    return this.#seen.size > before;
  }

  #newOf<Item>(items: readonly Item[]): readonly Item[] {
    const from = this.#counts.get(items) ?? 0;
    this.#counts.set(items, items.length);
    return items.slice(from);
  }
}

export interface ActionLine extends ParsedLine, LogLine {
  readonly source: string;
}

/** The log lines of a service with an action, or with this one. */
export function actionsOf({ lines, name }: Service, action?: string): ActionLine[] {
  return lines.flatMap(line => {
    const parsed = parseLine(line.text);
    if (parsed === undefined || (action !== undefined && parsed.action !== action)) return [];
    return [{ ...parsed, ...line, source: name }];
  });
}

/**
 * A number in a log line, or `NaN`. Tolerates wrong punctuation, such as `cant_ganadores 4` or
 * `cantidad: $4`, which only `log-grammar` reports.
 */
export const numberIn = ({ text }: LogLine, key: string): number =>
  Number(new RegExp(`\\b${key}\\W*(\\d+)`).exec(text)?.[1]);
