import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import { type AgencyFile, findAgencyFiles } from '../dataset/files.ts';
import { generateDataset } from '../dataset/generate.ts';
import { hasWon } from '../lottery/catedra.ts';
import { type Expected, expectedOf } from '../run/expected.ts';
import { type RunPage, type RunResult, runLottery } from '../run/lottery-run.ts';
import { pagePort } from '../run/page.ts';
import { showProgress } from '../run/progress.ts';
import { type AgencyProtocol, parseProtocol } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { unpackZip } from './agency-zip.ts';
import { EXIT } from './exit-codes.ts';
import { DIALECTS } from './dialects.ts';
import { say } from './output.ts';
import { abortOnSignal, type StopRequest } from './signals.ts';
import { formatResults } from './tables.ts';

export interface RunOptions {
  readonly data?: string;
  readonly agencies: number;
  readonly bets: number;
  readonly seed: number;
  readonly keep?: boolean;
  readonly page?: boolean;
  readonly dialect: string;
}

const sayWhere = (url: string): void => say(`the page: ${url}`);

/** `loteria run`: a lottery on this machine, with a process for the server and each agency. */
export async function run(options: RunOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'loteria-'));
  const stopping = abortOnSignal();
  const { signal: stop } = stopping;
  try {
    const seen = (): Promise<void> => pageSeen(stopping);
    const page = options.page ? { port: await pagePort(), onOpen: sayWhere, seen } : undefined;
    const files = await provideFiles(options, join(folder, 'data'), stop);
    const protocol = parseProtocol(options.dialect)!;
    return report(await holdLottery(folder, files, { protocol, page }, stop));
  } catch (error) {
    if (!stop.aborted) throw error;
    say('stopped');
    return EXIT.failed;
  } finally {
    stopping.release();
    if (options.keep) say(`kept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves at Ctrl-C, which no longer cancels anything. */
async function pageSeen(stopping: StopRequest): Promise<void> {
  stopping.release();
  const closing = abortOnSignal();
  say('\nevery agency has ended; the page stays until Ctrl-C');
  await once(closing.signal, 'abort');
}

async function provideFiles(
  { data, ...shape }: RunOptions,
  folder: string,
  stop: AbortSignal,
): Promise<AgencyFile[]> {
  if (data === undefined) {
    say(`making ${shape.bets} bets of ${shape.agencies} agencies (seed ${shape.seed})`);
    await generateDataset(folder, shape, hasWon, () => stop.throwIfAborted());
    return findAgencyFiles(folder);
  }
  const given = resolve(data);
  const files = (await isFolder(given))
    ? await findAgencyFiles(given)
    : await unpackZip('--data', given, folder);
  if (files.length === 0)
    throw new ConfigError(`--data ${data} has no agency-1.csv, agency-2.csv, …`);
  return files;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new ConfigError(
      `--data ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      error,
    );
  }
}

async function holdLottery(
  folder: string,
  files: AgencyFile[],
  { protocol, page }: { readonly protocol: AgencyProtocol; readonly page: RunPage | undefined },
  stop: AbortSignal,
): Promise<RunResult> {
  const expected = new Map<number, Expected>();
  const { batch: encoder } = DIALECTS[protocol]().agency(DEFAULT_LIMITS, 1);
  for (const { agency, path } of files) expected.set(agency, await expectedOf(path, encoder, stop));
  const totals = new Map([...expected].map(([agency, { bets }]) => [agency, bets]));
  say(`${files.length} agencies, ${sum(totals.values())} bets`);
  const progress = showProgress(totals, process.stdout);
  try {
    return await runLottery({ folder, files, expected, progress, protocol, stop, page });
  } finally {
    progress.stop();
  }
}

function report({ rows, durationMs, betsDrawn, complaints }: RunResult): number {
  const bets = sum(rows.map(row => row.bets));
  const wrong = [
    ...complaints,
    ...(betsDrawn === bets
      ? []
      : [`${betsDrawn ?? 'no'} bets took part in the draw, ${bets} were expected`]),
  ];
  say(`\n${formatResults(rows)}\n`);
  for (const complaint of wrong) say(complaint);
  const seconds = durationMs / 1000;
  const rate = Math.round(bets / seconds).toLocaleString('en-US');
  say(`${bets} bets in ${seconds.toFixed(2)} s, ${rate} bets per second`);
  const right = wrong.length === 0 && rows.every(row => row.right);
  say(right ? 'every agency was told its winners' : 'the lottery did not come out right');
  return right ? EXIT.done : EXIT.failed;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
