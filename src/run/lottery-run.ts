import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type AgencyProtocol, listenerOf } from '../wire/dialect-names.ts';
import type { AgencyFile } from '../dataset/files.ts';
import { Child, type LogLine } from './child.ts';
import type { Expected } from './expected.ts';
import type { UploadProgress } from './progress.ts';

/** Time for a server that has got the terminal's SIGINT to stop by itself. */
const OWN_STOP_MS = 1000;

export interface RunParts {
  /** For working directories, logs and `bets.csv`. */
  readonly folder: string;
  readonly files: readonly AgencyFile[];
  readonly expected: ReadonlyMap<number, Expected>;
  readonly progress: UploadProgress;
  readonly protocol: AgencyProtocol;
  readonly stop: AbortSignal;
  readonly page?: RunPage | undefined;
}

/** The page of the server of a run. */
export interface RunPage {
  /** 0: any free port. */
  readonly port: number;
  readonly onOpen: (url: string) => void;
  /** Called when the lottery is over; server and page stay until it resolves. */
  readonly seen: () => Promise<void>;
}

export interface ResultRow {
  readonly agency: number;
  readonly bets: number;
  readonly refusedLines: number;
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

/**
 * Holds a lottery with a server process on a free port and a client process per file. No process
 * outlives the call.
 *
 * @throws the reason of `stop`, or an Error if the server does not start
 */
export async function runLottery(parts: RunParts): Promise<RunResult> {
  const children: Child[] = [];
  const stopAll = (): void => {
    for (const child of children) child.stop();
  };
  parts.stop.addEventListener('abort', stopAll);
  try {
    const result = await runWith(parts, children);
    parts.stop.throwIfAborted();
    return result;
  } finally {
    parts.stop.removeEventListener('abort', stopAll);
    stopAll();
    await Promise.all(children.map(child => child.exited));
  }
}

async function runWith(parts: RunParts, children: Child[]): Promise<RunResult> {
  let betsDrawn: number | undefined;
  // Registered at once, so that every child is stopped in the end.
  const started = async (child: Promise<Child>): Promise<Child> => {
    children.push(await child);
    parts.stop.throwIfAborted();
    return child;
  };
  const { server, port } = await startServer(parts, started, line => {
    if (line.action === 'draw') betsDrawn = Number(line['bets']);
  });
  const startedAt = performance.now();
  const agencies: Child[] = [];
  for (const file of parts.files) agencies.push(await started(startAgency(parts, file, port)));
  // Without a server, agencies wait for ever.
  const serverGone = server.exited.then(code => {
    for (const child of agencies) child.stop();
    return code;
  });
  const codes = await Promise.all(agencies.map(child => child.exited));
  const durationMs = performance.now() - startedAt;
  if (parts.page !== undefined) {
    await Promise.race([parts.page.seen(), serverGone]);
    // A terminal sends Ctrl-C to the server too, and a second signal would kill it.
    await Promise.race([serverGone, pause(OWN_STOP_MS, undefined, { ref: false })]);
  }
  server.stop();
  const serverCode = await serverGone;
  const complaints =
    serverCode === 0 ? [] : [`the server ended with exit code ${serverCode} ${server.complaint}`];
  for (const [index, code] of codes.entries()) {
    const { agency } = parts.files[index]!;
    if (code !== 0)
      complaints.push(
        `agency ${agency} ended with exit code ${code} ${agencies[index]!.complaint}`,
      );
  }
  const rows = await Promise.all(parts.files.map(file => resultOf(parts, file)));
  return { rows, durationMs, betsDrawn, complaints };
}

async function startServer(
  { folder, files, protocol, page }: RunParts,
  started: (child: Promise<Child>) => Promise<Child>,
  onLine: (line: LogLine) => void,
): Promise<{ server: Child; port: number }> {
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const starting = Child.start({
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
  const server = await started(starting);
  const gone = server.exited.then(code => {
    throw new Error(`the server did not start, exit code ${code} ${server.complaint}`);
  });
  gone.catch(() => {});
  return { server, port: await Promise.race([listening, gone]) };
}

function startAgency(
  { folder, progress, protocol }: RunParts,
  { agency, path }: AgencyFile,
  port: number,
): Promise<Child> {
  const name = `agency-${agency}`;
  return Child.start({
    name,
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
      if (line.action === 'upload') progress.set(agency, Number(line['bets']));
    },
  });
}

async function resultOf(
  { folder, expected }: RunParts,
  { agency }: AgencyFile,
): Promise<ResultRow> {
  const { bets, refusedLines, winners } = expected.get(agency)!;
  const told = await readWinners(winnersFile(folder, agency));
  const right = told !== undefined && told.join() === winners.join();
  return { agency, bets, refusedLines, winners: told ?? [], right };
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
