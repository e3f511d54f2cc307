import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { Addresses } from '../../src/agency/addresses.ts';
import { Agency } from '../../src/agency/agency.ts';
import type { AgencyParts } from '../../src/agency/agency-parts.ts';
import type { FileFormat } from '../../src/agency/csv-source.ts';
import { checkFile } from '../../src/agency/file-check.ts';
import { ResumableAgency } from '../../src/agency/resumable-agency.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import type { AgencyEvent } from '../../src/observe/events.ts';
import type { Dialect } from '../../src/wire/dialect.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/wire/limits.ts';
import { OK } from '../support/base-frames.ts';
import { type Conversation, FakeCentral, welc } from '../support/fake-central.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { Watched } from '../support/watched.ts';

type EventOf<Name> = Extract<AgencyEvent, { event: Name }>;

/** The events of an agency, in order. */
export class Events {
  readonly all: AgencyEvent[] = [];
  readonly #watched = new Watched();

  readonly emit = (event: AgencyEvent): void => {
    this.all.push(event);
    this.#watched.notify();
  };

  get names(): string[] {
    return this.all.map(({ event }) => event);
  }

  of<Name extends AgencyEvent['event']>(name: Name): EventOf<Name>[] {
    return this.all.filter((event): event is EventOf<Name> => event.event === name);
  }

  /** Waits until an event was emitted `count` times. */
  async until(name: AgencyEvent['event'], count = 1): Promise<void> {
    await this.#watched.until(
      () => this.of(name).length >= count,
      () => `no '${name}' (${count} times): ${JSON.stringify(this.all)}`,
    );
  }
}

export interface Started<Side> {
  readonly agency: Side;
  readonly events: Events;
  readonly stop: AbortController;
}

type Overrides = Partial<
  Omit<AgencyParts, 'limits' | 'addresses' | 'emit' | 'stop' | 'dialect'>
> & {
  readonly limits?: Partial<Limits>;
};

/** Addresses of loopback ports. */
export function loopback(ports: number | readonly number[], agency = 1): Addresses {
  const list = [ports].flat().map(port => ({ host: '127.0.0.1', port, text: `127.0.0.1:${port}` }));
  return new Addresses(list, agency);
}

/** Our agency for servers on loopback ports. The end of the test stops it. */
export function startAgency(
  port: number | readonly number[],
  {
    dialect = createBaseDialect(new PlainBetReader()),
    ...overrides
  }: Overrides & { dialect?: Dialect } = {},
): Started<Agency> {
  const { parts, events, stop } = partsFor(port, overrides);
  return { agency: new Agency({ ...parts, dialect }), events, stop };
}

/**
 * As the result of `random`, makes every wait 0: waits are (0.75 + random / 2) times the nominal
 * one.
 */
export const WAITING_NO_TIME = -1.5;

/** Makes every wait a thousandth of the nominal one. */
export const WAITING_A_THOUSANDTH = -1.498;

/** Makes every wait longer than the test. */
export const WAITING_FOR_EVER = 1e6;

/** The same with resumable uploads; it reconnects without a wait. */
export function startResumable(
  port: number | readonly number[],
  overrides: Overrides = {},
): Started<ResumableAgency> {
  const { parts, events, stop } = partsFor(port, { random: () => WAITING_NO_TIME, ...overrides });
  const dialect = createResumableDialect(new PlainBetReader());
  return { agency: new ResumableAgency({ ...parts, dialect }), events, stop };
}

function partsFor(port: number | readonly number[], { limits, ...overrides }: Overrides) {
  const events = new Events();
  const stop = new AbortController();
  const parts: Omit<AgencyParts, 'dialect'> = {
    id: 1,
    addresses: loopback(port, overrides.id),
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
  };
  // Stops what the test left running.
  onTestFinished(() => stop.abort());
  return { parts, events, stop };
}

/** Two scripted servers. */
export async function two(): Promise<{ a: FakeCentral; b: FakeCentral; ports: readonly number[] }> {
  const [a, b] = [await FakeCentral.listen(), await FakeCentral.listen()];
  return { a, b, ports: [a.port, b.port] };
}

/** Expects these messages next, and accepts each. */
export async function accepting(
  conversation: Conversation,
  messages: readonly string[],
): Promise<void> {
  for (const message of messages) {
    expect(await conversation.message()).toBe(message);
    conversation.say(OK);
  }
}

/** Accepts the next connection, and answers its `HELO` with the number of the next bet. */
export async function welcomed(
  central: FakeCentral,
  next = 1,
  { window, maxPayload, refused }: { window?: number; maxPayload?: number; refused?: number } = {},
): Promise<Conversation> {
  const conversation = await central.accept();
  expect(await conversation.message()).toMatch(/^HELO 1\|[A-Za-z0-9._-]{1,64}\|bets$/);
  conversation.say(welc(next, window, maxPayload, refused));
  return conversation;
}

/** Runs an upload without bets, up to its first ACTA. */
export async function untilWait(
  central: FakeCentral,
  agency: ResumableAgency,
): Promise<{ conversation: Conversation; winners: Promise<readonly string[]> }> {
  const upload = uploadFile(agency, await betsFile(0));
  const conversation = await welcomed(central);
  expect(await conversation.message()).toBe('DONE 0|0');
  conversation.say(OK);
  await upload;
  return { conversation, ...(await finished(conversation, agency)) };
}

/** Finishes an upload, up to the first question for an acta or the winners. */
export async function finished(
  conversation: Conversation,
  agency: ResumableAgency,
): Promise<{ winners: Promise<readonly string[]> }> {
  const winners = agency.finishAndAwaitWinners();
  expect(await conversation.message()).toBe('END');
  conversation.say(OK);
  expect(await conversation.message()).toBe('ACTA 0');
  return { winners };
}

/** A bet as in a payload. */
function betText(index: number): string {
  return `Ana|Paz ${index}|${1000 + index}|1990-01-02|${index % 10_000}`;
}

/** The message with the bets of these numbers, in the format of `Conversation`. */
export function batchText(...indexes: readonly number[]): string {
  return `NBET ${indexes.length}|${indexes.map(betText).join('|')}`;
}

/**
 * The same in a resumable upload of bets from 1 on; its sequence number is that of its first bet.
 */
export function numberedText(...indexes: readonly number[]): string {
  return batchText(...indexes).replace('NBET ', `SBET ${indexes[0]}|`);
}

/** The lines of the bets from `first` to `last`, with their line ends. */
export function betLines(first: number, last: number): string {
  let lines = '';
  for (let index = first; index <= last; index += 1)
    lines += `${betText(index).replaceAll('|', ',')}\n`;
  return lines;
}

/** A file with the bets 1 to `count`. */
export async function betsFile(count: number): Promise<string> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, betLines(1, count));
  return path;
}

const COMMA = 0x2c;

/** The format of a test's file. */
export function formatOf(path: string): FileFormat {
  return { path, delimiter: COMMA, encoding: 'utf-8' };
}

/** Uploads a file; skips invalid lines. */
export async function uploadFile(agency: Agency | ResumableAgency, path: string): Promise<number> {
  const { batch } = createBaseDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1);
  const file = await checkFile(formatOf(path), batch, () => {}, new AbortController().signal);
  return agency.upload({ ...file, refuse: () => {} });
}

/** The error of a promise that must be rejected. Handles the rejection from the start. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it succeeded');
}
