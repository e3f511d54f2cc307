import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UnreadableFile } from '../agency/errors.ts';
import { ConfigError } from '../config/errors.ts';
import { unreadable } from '../config/files.ts';
import { type AgencyFile, findAgencyFiles } from '../dataset/files.ts';
import { type DatasetShape, generateDataset } from '../dataset/generate.ts';
import { reasonOf } from '../files/system-error.ts';
import { countOf, sum, whole } from '../run/counts.ts';
import { type Expected, expectedOf } from '../run/expected.ts';
import { agencyName, type RunPage, type RunResult, runLottery } from '../run/lottery-run.ts';
import { pagePort } from '../run/page.ts';
import { showPreparation, showUploads } from '../run/progress.ts';
import { type AgencyProtocol, parseProtocol } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { unpackZip } from './agency-zip.ts';
import { EXIT } from './exit-codes.ts';
import { DIALECTS } from './dialects.ts';
import { complain, say } from './output.ts';
import { abortOnSignal, type StopRequest } from './signals.ts';
import { formatResults } from './tables.ts';
import { wrap } from './wrap.ts';

/** Where the course's data is expected, in the working directory. */
const COURSE_ZIP = '.data/dataset.zip';

export interface RunOptions extends DatasetShape {
  readonly data?: string | undefined;
  readonly keep?: boolean;
  readonly page?: boolean;
  readonly dialect: string;
}

/** `loteria run`: a lottery on this machine, with a process for the server and each agency. */
export async function run(options: RunOptions, command: Command): Promise<number> {
  const stopping = abortOnSignal();
  const folder = await mkdtemp(join(tmpdir(), 'loteria-'));
  const { signal: stop } = stopping;
  try {
    const files = await provideFiles(options, command, join(folder, 'data'), stop);
    const isRight = await holdLottery(folder, files, options, stopping);
    return isRight ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (!stop.aborted) throw error;
    complain('stopped');
    return stopping.exitCode;
  } finally {
    stopping.release();
    if (options.keep) say(`kept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

async function provideFiles(
  { data, ...options }: RunOptions,
  command: Command,
  folder: string,
  stop: AbortSignal,
): Promise<AgencyFile[]> {
  if (data !== undefined) return takeFiles(data, '--data ', folder);
  if (!takesCourseZip(command)) return makeUp(options, folder, stop);
  try {
    return await takeFiles(COURSE_ZIP, '', folder);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${error.message}; remove it, or name other bets with --data`, error);
  }
}

/** Whether the course's data is there, and no option asks for made-up bets. */
function takesCourseZip(command: Command): boolean {
  const shape: readonly (keyof DatasetShape)[] = ['agencies', 'bets', 'seed', 'winners'];
  if (shape.some(name => command.getOptionValueSource(name) === 'cli')) return false;
  return existsSync(COURSE_ZIP);
}

/** @param option what named the path, for errors */
async function takeFiles(path: string, option: string, folder: string): Promise<AgencyFile[]> {
  const given = resolve(path);
  const name = `${option}${given}`;
  let files: AgencyFile[] | undefined;
  try {
    if ((await stat(given)).isDirectory()) files = await findAgencyFiles(given);
  } catch (error) {
    throw new ConfigError(`${name} cannot be read, ${reasonOf(error)}`, error);
  }
  files ??= await unpackZip(name, given, folder);
  if (files.length === 0) throw new ConfigError(`${name} has no agency-1.csv, agency-2.csv, …`);
  tell(`bets: ${path}`);
  return files;
}

async function makeUp(
  { agencies, bets, seed, winners }: DatasetShape,
  folder: string,
  stop: AbortSignal,
): Promise<AgencyFile[]> {
  tell(`bets: made up, seed ${seed} (the course's data: --data, or ${COURSE_ZIP})`);
  const progress = showPreparation(new Map([['bets made', bets]]), process.stdout);
  try {
    await generateDataset(folder, { agencies, bets, seed, winners }, written => {
      stop.throwIfAborted();
      progress.set('bets made', written);
    });
  } finally {
    progress.stop();
  }
  return findAgencyFiles(folder);
}

/** Holds the lottery and shows it; whether it came out right. */
async function holdLottery(
  folder: string,
  files: readonly AgencyFile[],
  { page: hasPage, dialect }: RunOptions,
  stopping: StopRequest,
): Promise<boolean> {
  const { signal: stop } = stopping;
  const protocol = parseProtocol(dialect)!;
  const expected = await expectedOfAll(files, protocol, stop);
  const totals = new Map(
    [...expected].map(([agency, { bets }]) => [agencyName(agency), bets] as const),
  );
  const bets = countOf(sum(totals.values()), 'bet');
  tell(`${countOf(files.length, 'agency', 'agencies')}, ${bets}`);
  let isRight = false;
  let url = '';
  const onOpen = (opened: string): void => {
    url = opened;
    tell(`the page: ${url}`);
  };
  const page: RunPage | undefined = hasPage ? { port: await pagePort(), onOpen } : undefined;
  const fault = await runLottery({
    folder,
    files,
    expected,
    protocol,
    stop,
    page,
    showUploads: () => showUploads(totals, process.stdout),
    async onResult(result) {
      isRight = report(result);
      if (page === undefined) return;
      tell(`\nthe page ${url} stays until Ctrl-C`);
      await interrupted(stopping);
    },
  });
  if (fault !== undefined) tell(fault);
  return isRight && fault === undefined;
}

/** Resolves at Ctrl-C, which no longer cancels anything. */
async function interrupted(stopping: StopRequest): Promise<void> {
  stopping.release();
  const closing = abortOnSignal();
  await once(closing.signal, 'abort');
}

async function expectedOfAll(
  files: readonly AgencyFile[],
  protocol: AgencyProtocol,
  stop: AbortSignal,
): Promise<Map<number, Expected>> {
  const { batch: encoder } = DIALECTS[protocol]().agency(DEFAULT_LIMITS, 1);
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  const progress = showPreparation(new Map([['bytes read', sum(sizes)]]), process.stdout);
  const expected = new Map<number, Expected>();
  let before = 0;
  try {
    for (const [index, { agency, path }] of files.entries()) {
      const onRead = (bytes: number): void => progress.set('bytes read', before + bytes);
      const found = await expectedOf(path, encoder, stop, onRead).catch((error: unknown) => {
        throw error instanceof UnreadableFile ? unreadable(path, error.cause) : error;
      });
      expected.set(agency, found);
      before += sizes[index]!;
    }
  } finally {
    progress.stop();
  }
  return expected;
}

/** Shows the result; whether it is right. */
function report({ rows, durationMs, betsDrawn, complaints }: RunResult): boolean {
  const bets = sum(rows.map(row => row.bets));
  const wrong = [...complaints];
  if (betsDrawn !== bets) {
    const drawn = betsDrawn === undefined ? 'no bets' : countOf(betsDrawn, 'bet');
    wrong.push(`${drawn} took part in the draw, ${whole(bets)} expected`);
  }
  say(`\n${formatResults(rows, process.stdout.columns)}\n`);
  for (const complaint of wrong) tell(complaint);
  const seconds = durationMs / 1000;
  const rate = countOf(Math.round(bets / seconds), 'bet');
  tell(`${countOf(bets, 'bet')} in ${seconds.toFixed(2)} s, ${rate} per second`);
  const isRight = wrong.length === 0 && rows.every(row => row.right);
  tell(isRight ? 'every agency was told its winners' : 'the lottery did not come out right');
  return isRight;
}

/** Prints a text, wrapped to the width of the terminal. */
function tell(text: string): void {
  say(wrap(text, process.stdout.columns));
}
