import { writeFile } from 'node:fs/promises';
import { Addresses } from '../agency/addresses.ts';
import { Agency } from '../agency/agency.ts';
import type { AgencyParts } from '../agency/agency-parts.ts';
import type { Connector } from '../agency/connector.ts';
import { runEcho } from '../agency/echo.ts';
import { AgencyError, Stopped } from '../agency/errors.ts';
import { ResumableAgency } from '../agency/resumable-agency.ts';
import { ConfigError } from '../config/errors.ts';
import { type ClientConfig, readClientConfig } from '../config/client-config.ts';
import type { ClientTls } from '../config/tls-files.ts';
import { logAgency } from '../observe/agency-log.ts';
import type { AgencyEvent, Emit } from '../observe/events.ts';
import { openLogSink } from '../observe/log-sink.ts';
import type { Dialect } from '../wire/dialect.ts';
import type { AgencyProtocol } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { EXIT } from './exit-codes.ts';
import { onStopSignal } from './signals.ts';
import { DIALECTS, openLog } from './wiring.ts';

const now = (): number => performance.now();
const random = (): number => Math.random();

/**
 * Batches that may be unanswered. Half of them are on their way to the central's disk while the other half gathers for the next
 * turn of it: as many as our central grants. With the base protocol nobody can tell what became of them after a broken
 * connection.
 */
const RESUMABLE_WINDOW = 64;
const BASE_WINDOW = 1;

/** `loteria client`: does what the configuration asks for and ends. */
export async function client(configPath: string | undefined): Promise<number> {
  const config = await readClientConfig(configPath);
  const sink = openLogSink();
  const log = openLog(sink, { level: config.logLevel.level, format: config.logFormat });
  const emit = logAgency(log, config.id);
  log.info('config', 'success', {
    client_id: config.id,
    server_address: config.addresses.text,
    loop_amount: config.loopAmount,
    loop_period: config.loopPeriod.text,
    log_level: config.logLevel.text,
  });
  const stopping = new AbortController();
  onStopSignal(sink, signal => {
    emit({ event: 'stopping', signal });
    stopping.abort();
  });
  try {
    const refusedLines = await run(config, emit, stopping.signal);
    if (refusedLines === 0) return EXIT.done;
    emit({ event: 'lines-refused', count: refusedLines });
    return EXIT.failed;
  } catch (error) {
    if (error instanceof Stopped) {
      emit({ event: 'stopped' });
      return EXIT.done;
    }
    if (!(error instanceof AgencyError)) throw error;
    emit({ event: 'failed', action: 'exit', error: error.message });
    return EXIT.failed;
  }
}

/** Returns the number of lines of the file that were no bets. */
async function run(config: ClientConfig, emit: Emit<AgencyEvent>, stop: AbortSignal): Promise<number> {
  const { id, retryMaxElapsedMs: maxElapsedMs } = config;
  const limits = { ...DEFAULT_LIMITS, answerTimeoutMs: config.answerTimeoutMs };
  const connector = config.tls && (await openConnector(config.tls));
  const addresses = new Addresses(config.addresses.servers, id);
  const common = { id, addresses, limits, connector, maxElapsedMs, emit, stop, now, random };
  if (config.mode === 'echo') {
    await runEcho({
      ...common,
      ...limits,
      amount: config.loopAmount,
      periodMs: config.loopPeriod.milliseconds,
      lineBytesMax: limits.echoLineBytesMax,
    });
    return 0;
  }
  const parts = {
    ...common,
    batchAmountMax: config.batchAmountMax,
    pollMs: config.loopPeriod.milliseconds,
    progressMs: config.logProgressMs,
  };
  if (config.bet !== undefined) {
    const agency = new Agency({ ...parts, dialect: speaking(config.protocol, id), batchWindow: 1 });
    return await closing(agency, async () => {
      await agency.sendBet(config.bet!);
      return 0;
    });
  }
  const agency = openAgency(config, parts);
  return await closing(agency, async () => {
    const { refusedLines } = await agency.upload(config.file, config.fileDelimiter);
    await writeWinners(config.winnersFile, await agency.finishAndAwaitWinners());
    return refusedLines;
  });
}

/** Connections over TLS. Its code is loaded by clients that use it. */
async function openConnector(files: ClientTls): Promise<Connector> {
  const { CredentialsError, readAuthority, readIdentity } = await import('../tls/credentials.ts');
  const { tlsConnector } = await import('../agency/tls-connector.ts');
  try {
    const authority = readAuthority(files.authority);
    return tlsConnector({ authority, identity: files.identity && readIdentity(files.identity) });
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    throw new AgencyError(error.message, error);
  }
}

/** The agency that speaks the configured protocol. */
function openAgency(
  { protocol, batchWindow }: ClientConfig,
  parts: Omit<AgencyParts, 'dialect' | 'batchWindow'>,
): Agency | ResumableAgency {
  if (protocol === 'resumable') {
    const dialect = DIALECTS.resumable();
    return new ResumableAgency({ ...parts, dialect, batchWindow: batchWindow ?? RESUMABLE_WINDOW });
  }
  const dialect = speaking(protocol, parts.id);
  if (dialect.conversation.framesApart && (batchWindow ?? 1) > 1) {
    throw new ConfigError(
      `batch.window is ${batchWindow}, protocol ${protocol} takes 1 only: its servers take what one read returns for one frame`,
    );
  }
  return new Agency({ ...parts, dialect, batchWindow: batchWindow ?? BASE_WINDOW });
}

/** @throws ConfigError when the dialect has no bytes for the agency's id */
function speaking(protocol: AgencyProtocol, id: number): Dialect {
  const dialect = DIALECTS[protocol]();
  if (id <= dialect.agencyMax) return dialect;
  throw new ConfigError(`id is ${id}, protocol ${protocol} has bytes for 1 to ${dialect.agencyMax} only`);
}

async function closing<Result>(
  agency: { close(): Promise<void> },
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } finally {
    await agency.close();
  }
}

async function writeWinners(path: string | undefined, documents: readonly string[]): Promise<void> {
  if (path === undefined) return;
  try {
    await writeFile(path, documents.map(document => `${document}\n`).join(''));
  } catch (error) {
    throw new AgencyError(`cannot write ${path} (${(error as NodeJS.ErrnoException).code})`, error);
  }
}
