import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { holdDraw } from '../../src/lottery/draw.ts';
import type { Fact } from '../../src/lottery/fact.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { DamageError } from '../../src/store/csv/damage.ts';
import type { TailCut } from '../../src/store/csv/recovery.ts';
import { StoreError } from '../../src/store/store.ts';
import { storedBets } from '../contract/store-contract.ts';
import { batchOf, betWith } from '../lottery/bets.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { sealDraw } from '../support/seal-draw.ts';

/** Folders of the csv store with known content, and tools to read and change their two files. */

export const TIME = '2024-08-21T22:11:15.000Z';

/** Rows of the filled folder, in stored order. */
export const BATCHES: readonly BetBatch[] = [
  batchOf([
    betWith({ document: '11' }),
    betWith({ document: '12', firstName: 'Ñ, "x"', number: 1 }),
    betWith({ document: '13' }),
  ]),
  batchOf([
    betWith({ agency: 2, document: '21' }),
    betWith({ agency: 2, document: '22', number: 2 }),
  ]),
  batchOf([betWith({ document: '14', number: 4 })]),
];

export const ROWS = Buffer.concat(BATCHES.map(({ rows }) => rows));

const REFUSED: Extract<Fact, { kind: 'refused' }> = {
  kind: 'refused',
  agency: 2,
  place: { upload: 'two', seq: 2 },
  fault: { count: 3, index: 1, field: 'birthdate', reason: 'not-a-date' },
};

/** Facts of the filled folder, in order, up to its draw. */
export const FACTS: readonly Fact[] = [
  { kind: 'stored', agency: 1, count: 3, place: { upload: 'one', seq: 1 } },
  { kind: 'stored', agency: 2, count: 2, place: { upload: 'two', seq: 1 } },
  REFUSED,
  { kind: 'stored', agency: 1, count: 1, place: undefined },
  { kind: 'finished', agency: 1, upload: 'one' },
  { kind: 'finished', agency: 2, upload: undefined },
];

/**
 * Fills an empty folder through the store. Its journal has one line for each of: begin, group
 * (first batch), group (second batch, a refused one, third batch), finished 1, finished 2,
 * checkpoint.
 */
export async function fillFolder(folder: string): Promise<void> {
  const { store } = await CsvStore.open(folder, { clock: () => new Date(TIME) });
  await Promise.all([
    store.append(BATCHES[0]!, { upload: 'one', seq: 1 }),
    store.append(BATCHES[1]!, { upload: 'two', seq: 1 }),
    store.note(REFUSED),
    store.append(BATCHES[2]!),
  ]);
  await store.note({ kind: 'finished', agency: 1, upload: 'one' });
  await store.note({ kind: 'finished', agency: 2, upload: undefined });
  await store.close();
}

/** Holds the draw over a folder, which appends a line. */
export async function drawIn(folder: string): Promise<void> {
  const { store } = await CsvStore.open(folder, { clock: () => new Date(TIME) });
  await sealDraw(store, await holdDraw(store.bets(), hasWon), TIME);
  await store.close();
}

/** An open lottery. */
export async function filled(): Promise<string> {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  return folder;
}

export async function drawn(): Promise<string> {
  const folder = await filled();
  await drawIn(folder);
  return folder;
}

/** For starts without a concurrent server. */
export const noPause = (): Promise<void> => Promise.resolve();

/** What a start read, and the files after it. */
export interface Started extends StoreFiles {
  readonly facts: readonly Fact[];
  readonly cuts: readonly TailCut[];
  readonly stored: readonly Bet[];
}

/** Opens the store as a server does, reads its state, and closes it. */
export async function start(folder: string): Promise<Started> {
  const facts: Fact[] = [];
  const onFact = (fact: Fact): unknown => facts.push(fact);
  const { store, cuts } = await CsvStore.open(folder, { onFact, pause: noPause });
  try {
    // Before the close, which may append a checkpoint.
    return { facts, cuts, stored: await storedBets(store), ...readFiles(folder) };
  } finally {
    await store.close();
  }
}

/** The two files. */
export interface StoreFiles {
  readonly bets: Buffer;
  readonly journal: Buffer;
}

export const betsPath = (folder: string): string => join(folder, 'bets.csv');
export const journalPath = (folder: string): string => join(folder, 'bets.journal');

export function readFiles(folder: string): StoreFiles {
  return { bets: readFileSync(betsPath(folder)), journal: readFileSync(journalPath(folder)) };
}

export function writeFiles(folder: string, { bets, journal }: Partial<StoreFiles>): void {
  if (bets !== undefined) writeFileSync(betsPath(folder), bets);
  if (journal !== undefined) writeFileSync(journalPath(folder), journal);
}

/** A folder of a killed idle server: without a final checkpoint. */
export async function killedFolder(): Promise<StoreFiles & { readonly folder: string }> {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  const { bets, journal } = readFiles(folder);
  const killed = { bets, journal: Buffer.concat(linesOf(journal).slice(0, 5)) };
  writeFiles(folder, killed);
  return { folder, ...killed };
}

/** The error of opening the store. */
export async function refusalOf(folder: string): Promise<string> {
  const outcome = await start(folder).catch((error: unknown) => error);
  if (outcome instanceof StoreError && outcome.code === 'unusable') return outcome.message;
  throw new Error(`opening gave ${String(outcome)}`);
}

/** The open files of this process in a folder; none without /proc. */
export function openFilesIn(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap(descriptor => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [];
    } catch {
      // The descriptor of the listing itself.
      return [];
    }
  });
}

/** The lines of a journal, each with its line end. */
export function linesOf(journal: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let offset = 0; offset < journal.length; offset += lines.at(-1)!.length) {
    const end = journal.indexOf(0x0a, offset) + 1 || journal.length;
    lines.push(journal.subarray(offset, end));
  }
  return lines;
}

/** Offset of line `n`, counted from 1. */
export const offsetOf = (journal: Buffer, n: number): number =>
  linesOf(journal)
    .slice(0, n - 1)
    .reduce((sum, line) => sum + line.length, 0);

/** Start of the line that contains `offset`. */
export function lineStart(journal: Buffer, offset: number): number {
  return offset === 0 ? 0 : journal.lastIndexOf(0x0a, offset - 1) + 1;
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** CRC-32 (ISO 3309) as 8 hex digits, bit by bit, independent of the code under test. */
export function crc32Of(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

/** A journal line with a correct checksum, from its JSON text without the last brace. */
export function sealLine(body: string): Buffer {
  return Buffer.from(`${body},"check":"${crc32Of(Buffer.from(body))}"}\n`);
}

type LooseRecord = Record<string, unknown>;

/** The journal with line `n` (from 1) changed, and a correct checksum. */
export function forge(
  journal: Buffer,
  n: number,
  change: (record: LooseRecord) => LooseRecord,
): Buffer {
  const lines = linesOf(journal);
  const { check: _, ...record } = JSON.parse(lines[n - 1]!.toString()) as LooseRecord;
  lines[n - 1] = sealLine(JSON.stringify(change(record)).slice(0, -1));
  return Buffer.concat(lines);
}

/** The journal with appended lines, numbered on, with correct checksums. */
export function appendLines(journal: Buffer, ...records: readonly LooseRecord[]): Buffer {
  const lines = linesOf(journal);
  for (const record of records) {
    lines.push(sealLine(JSON.stringify({ n: lines.length + 1, ...record }).slice(0, -1)));
  }
  return Buffer.concat(lines);
}

/** Text of a refusal because of damage; throws without one. */
export async function damageOf(promise: Promise<unknown>): Promise<DamageError> {
  const outcome = await promise.then(
    () => 'no damage was found',
    (error: unknown) => error,
  );
  if (outcome instanceof DamageError) return outcome;
  throw new Error(`a DamageError was expected, this came: ${String(outcome)}`, { cause: outcome });
}

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the built program until it ends. */
export async function loteria(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Said> {
  const program = Program.start(args, { cwd, env });
  const { code } = await program.exited;
  return {
    code,
    stdout: program.lines.map(({ text }) => `${text}\n`).join(''),
    stderr: program.stderr,
  };
}
