import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type AgencyProtocol, listenerOf } from '../wire/dialect-names.ts';
import type { AgencyFile } from '../dataset/files.ts';
import { Child, type ChildOptions, type LogLine } from './child.ts';
import type { Expected } from './expected.ts';
import type { Progress } from './progress.ts';

/** Time for the server to stop by itself after the SIGINT of the terminal. */
const OWN_STOP_MS = 1000;

export interface RunParts {
  /** For working directories, logs and `bets.csv`. */
  readonly folder: string;
  readonly files: readonly AgencyFile[];
  readonly expected: ReadonlyMap<number, Expected>;
  readonly protocol: AgencyProtocol;
  readonly stop: AbortSignal;
  /** Called when the uploads begin; its parts are the names of `agencyName`. */
  readonly showUploads: () => Progress;
  /** Called when the lottery is over; the server stays until it resolves. */
  readonly onResult: (result: RunResult) => Promise<void> | void;
  /** The page of the server. */
  readonly page?: RunPage | undefined;
}

export interface RunPage {
  /** 0: any free port. */
  readonly port: number;
  /** Called before the uploads begin. */
  readonly onOpen: (url: string) => void;
}

export interface ResultRow {
  readonly agency: number;
  readonly bets: number;
  readonly refusedLines: number;
  /** Whether the agency received any answer after the draw. */
  readonly isTold: boolean;
  readonly winners: readonly string[];
  /** Whether the agency received exactly the winners of its file. */
  readonly right: boolean;
}

export interface RunResult {
  readonly rows: readonly ResultRow[];
  /** From the start of the first agency to the end of the last, in milliseconds. */
  readonly durationMs: number;
  /** Bets in the draw; undefined without one. */
  readonly betsDrawn: number | undefined;
  readonly complaints: readonly string[];
}

/** Starts a child that is stopped in the end. */
type Start = (options: ChildOptions) => Promise<Child>;

/** The part of an agency in the progress of the uploads. */
export const agencyName = (agency: number): string => `agency ${agency}`;

/**
 * Holds a lottery with a server process on a free port and a client process per file. No process
 * outlives the call.
 *
 * @returns why the server failed before or after the result, if it did
 * @throws the reason of `stop`
 */
export async function runLottery(parts: RunParts): Promise<string | undefined> {
  const children: Child[] = [];
  const stopAll = (): void => {
    for (const child of children) child.stop();
  };
  parts.stop.addEventListener('abort', stopAll);
  try {
    return await runWith(parts, children);
  } finally {
    parts.stop.removeEventListener('abort', stopAll);
    stopAll();
    await Promise.all(children.map(child => child.exited));
  }
}

async function runWith(parts: RunParts, children: Child[]): Promise<string | undefined> {
  let betsDrawn: number | undefined;
  const { promise: drawLogged, resolve: onDraw } = Promise.withResolvers<void>();
  const start: Start = async options => {
    const child = await Child.start(options);
    children.push(child);
    parts.stop.throwIfAborted();
    return child;
  };
  const { server, port } = await startServer(parts, start, line => {
    if (line.action !== 'draw') return;
    betsDrawn = Number(line['bets']);
    onDraw();
  });
  if (port === undefined)
    return `the server did not start, it ${server.ending(await server.exited)}`;
  let serverFault: string | undefined;
  const serverGone = server.exited.then(code => {
    if (code !== 0) serverFault = `the server ${server.ending(code)}`;
  });
  const startedAt = performance.now();
  const faults = await holdUploads(parts, port, start, serverGone);
  const durationMs = performance.now() - startedAt;
  const rows = await Promise.all(parts.files.map(file => resultOf(parts, file)));
  // The server's line of the draw may be read after the winners that it has sent.
  if (rows.some(row => row.isTold)) await Promise.race([drawLogged, serverGone]);
  parts.stop.throwIfAborted();
  const faultBefore = serverFault;
  const complaints = [faultBefore ?? [], faults].flat();
  await parts.onResult({ rows, durationMs, betsDrawn, complaints });
  if (parts.page !== undefined) {
    // A terminal sends Ctrl-C to the server too, and a second signal would kill it.
    await Promise.race([serverGone, pause(OWN_STOP_MS, undefined, { ref: false })]);
  }
  server.stop();
  await serverGone;
  parts.stop.throwIfAborted();
  return faultBefore === undefined ? serverFault : undefined;
}

/**
 * Runs the agencies until every one has ended.
 *
 * @returns a sentence for each that failed
 */
async function holdUploads(
  parts: RunParts,
  port: number,
  start: Start,
  serverGone: Promise<void>,
): Promise<string[]> {
  const progress = parts.showUploads();
  const agencies: Child[] = [];
  try {
    for (const file of parts.files)
      agencies.push(await start(agencyOptions(parts, file, port, progress)));
    // Without a server, agencies wait for ever.
    void serverGone.then(() => {
      for (const child of agencies) child.stop();
    });
    const codes = await Promise.all(agencies.map(child => child.exited));
    return codes.flatMap((code, index) => {
      const { agency } = parts.files[index]!;
      return code === 0 ? [] : `agency ${agency} ${agencies[index]!.ending(code)}`;
    });
  } finally {
    progress.stop();
  }
}

async function startServer(
  { folder, files, protocol, page }: RunParts,
  start: Start,
  onLine: (line: LogLine) => void,
): Promise<{ server: Child; port: number | undefined }> {
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const server = await start({
    name: 'server',
    command: 'server',
    folder,
    environment: {
      SERVER_LISTENERS: `${listenerOf(protocol)}:0`,
      SERVER_HOST: '127.0.0.1',
      AGENCIES: files.map(file => file.agency).join(','),
      HTTP_PORT: page === undefined ? '' : String(page.port),
    },
    onLine(line) {
      if (line.action === 'listen_http') page?.onOpen(String(line['url']));
      if (line.action === 'listen') resolve(Number(line['port']));
      onLine(line);
    },
  });
  return { server, port: await Promise.race([listening, server.exited.then(() => undefined)]) };
}

function agencyOptions(
  { folder, protocol }: RunParts,
  { agency, path }: AgencyFile,
  port: number,
  progress: Progress,
): ChildOptions {
  return {
    name: `agency-${agency}`,
    command: 'client',
    folder,
    environment: {
      CLI_ID: String(agency),
      CLI_SERVER_ADDRESS: `127.0.0.1:${port}`,
      CLI_FILE_NAME: path,
      CLI_FILE_INVALID: 'skip',
      CLI_FILE_ALLOWEMPTY: 'true',
      CLI_PROTOCOL: protocol,
      CLI_LOG_PROGRESS: '200ms',
      CLI_WINNERS_FILE: winnersFile(folder, agency),
    },
    onLine(line) {
      if (line.action === 'upload') progress.set(agencyName(agency), Number(line['bets']));
    },
  };
}

async function resultOf(
  { folder, expected }: RunParts,
  { agency }: AgencyFile,
): Promise<ResultRow> {
  const { bets, refusedLines, winners } = expected.get(agency)!;
  const told = await readWinners(winnersFile(folder, agency));
  const right = told !== undefined && told.join() === winners.join();
  const isTold = told !== undefined;
  return { agency, bets, refusedLines, isTold, winners: told ?? [], right };
}

function winnersFile(folder: string, agency: number): string {
  return join(folder, `winners-${agency}.txt`);
}

async function readWinners(path: string): Promise<string[] | undefined> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter(document => document !== '');
  } catch {
    return undefined;
  }
}
