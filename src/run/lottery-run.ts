import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type AgencyProtocol, listenerOf } from '../wire/dialect-names.ts';
import type { AgencyFile } from '../dataset/files.ts';
import { Child, type LogLine } from './child.ts';
import type { Expected } from './expected.ts';
import type { UploadProgress } from './progress.ts';
import type { ResultRow } from './table.ts';

/** How long a server that may have been asked to stop already is left to it. */
const OWN_STOP_MS = 1000;

export interface RunParts {
  /** Folder for the processes' working directories, their logs and `bets.csv`. */
  readonly folder: string;
  readonly files: readonly AgencyFile[];
  readonly expected: ReadonlyMap<number, Expected>;
  readonly progress: UploadProgress;
  /** What agencies and central speak. */
  readonly protocol: AgencyProtocol;
  /** Aborted when the user wants it to end. */
  readonly stop: AbortSignal;
  /** When somebody wants to look on. */
  readonly page?: RunPage | undefined;
}

/** The page of the server of a run. */
export interface RunPage {
  /** 0: any free port. */
  readonly port: number;
  readonly onOpen: (url: string) => void;
  /** Called when the lottery is over; the server, and with it the page, stays until it is fulfilled. */
  readonly seen: () => Promise<void>;
}

export interface RunResult {
  readonly rows: readonly ResultRow[];
  /** From the start of the first agency to the end of the last, in milliseconds. */
  readonly durationMs: number;
  /** Bets that took part in the draw; undefined when none was held. */
  readonly betsDrawn: number | undefined;
  /** What went wrong, a line each. */
  readonly complaints: readonly string[];
}

/**
 * Holds one lottery with real processes: a server on a free port and an agency for each file.
 *
 * @throws the reason of `stop`, and an Error when the server does not start; no process is left then
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
  // Each child is noted as soon as it is there: whatever happens next, it is ended.
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
  // Without the server the agencies would wait for ever.
  const serverGone = server.exited.then(code => {
    for (const child of agencies) child.stop();
    return code;
  });
  const codes = await Promise.all(agencies.map(child => child.exited));
  const durationMs = performance.now() - startedAt;
  if (parts.page !== undefined) {
    await Promise.race([parts.page.seen(), serverGone]);
    // The Ctrl-C of a terminal has reached the server as well, and a second signal would end it at once.
    await Promise.race([serverGone, pause(OWN_STOP_MS, undefined, { ref: false })]);
  }
  server.stop();
  const serverCode = await serverGone;
  const complaints =
    serverCode === 0 ? [] : [`the server ended with exit code ${serverCode} ${server.complaint}`];
  for (const [index, code] of codes.entries()) {
    const { agency } = parts.files[index]!;
    if (code !== 0)
      complaints.push(`agency ${agency} ended with exit code ${code} ${agencies[index]!.complaint}`);
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

async function resultOf({ folder, expected }: RunParts, { agency }: AgencyFile): Promise<ResultRow> {
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
