import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Agency, type AgencyParts } from '../../src/agency/agency.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import type { AgencyEvent } from '../../src/observe/events.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const WAIT_MS = 10_000;

type EventOf<Name> = Extract<AgencyEvent, { event: Name }>;

/** What an agency told, in order, and a way to wait for it. */
export class Events {
  readonly all: AgencyEvent[] = [];
  readonly #watchers = new Set<() => void>();

  readonly emit = (event: AgencyEvent): void => {
    this.all.push(event);
    for (const watcher of this.#watchers) watcher();
  };

  get names(): string[] {
    return this.all.map(({ event }) => event);
  }

  of<Name extends AgencyEvent['event']>(name: Name): EventOf<Name>[] {
    return this.all.filter((event): event is EventOf<Name> => event.event === name);
  }

  /** Waits until an event has been told `count` times. */
  until(name: AgencyEvent['event'], count = 1): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timeout);
        this.#watchers.delete(look);
      };
      const look = (): void => {
        if (this.of(name).length < count) return;
        stop();
        resolve();
      };
      const timeout = setTimeout(() => {
        stop();
        reject(new Error(`no '${name}' (${count} times) within ${WAIT_MS} ms: ${JSON.stringify(this.all)}`));
      }, WAIT_MS);
      this.#watchers.add(look);
      look();
    });
  }
}

export interface Started {
  readonly agency: Agency;
  readonly events: Events;
  readonly stop: AbortController;
}

type Overrides = Partial<Omit<AgencyParts, 'limits' | 'address' | 'emit' | 'stop'>> & {
  readonly limits?: Partial<Limits>;
};

/** An agency of our own that will talk to a port of the loopback interface; it is closed when the test ends. */
export function startAgency(port: number, { limits, ...overrides }: Overrides = {}): Started {
  const events = new Events();
  const stop = new AbortController();
  const agency = new Agency({
    id: 1,
    address: { host: '127.0.0.1', port, text: `127.0.0.1:${port}` },
    dialect: createBaseDialect(new PlainBetReader()),
    limits: { ...DEFAULT_LIMITS, ...limits },
    batchAmountMax: 2,
    batchWindow: 1,
    pollMs: 1,
    progressMs: 60_000,
    maxElapsedMs: 0,
    now: () => performance.now(),
    // The middle of the range: waits are exactly 1, 2, 4, … times the first.
    random: () => 0.5,
    ...overrides,
    emit: events.emit,
    stop: stop.signal,
  });
  // Whatever the test left behind is not waited for.
  onTestFinished(() => stop.abort());
  return { agency, events, stop };
}

/** A bet as it stands in a payload. */
function betText(index: number): string {
  return `Ana|Paz ${index}|${1000 + index}|1990-01-02|${index % 10_000}`;
}

/** The message with the bets of these numbers, as `Conversation` gives it. */
export function batchText(...indexes: readonly number[]): string {
  return `NBET ${indexes.length}|${indexes.map(betText).join('|')}`;
}

/** The lines of the bets from `first` to `last`, with their line ends. */
export function betLines(first: number, last: number): string {
  let lines = '';
  for (let index = first; index <= last; index += 1) lines += `${betText(index).replaceAll('|', ',')}\n`;
  return lines;
}

/** A file with the bets 1 to `count`. */
export async function betsFile(count: number): Promise<string> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, betLines(1, count));
  return path;
}

export const COMMA = 0x2c;

/** The error of something that is expected to fail; the promise is looked at from the beginning. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it succeeded');
}
