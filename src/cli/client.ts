import { Addresses } from '../agency/addresses.ts';
import { Agency } from '../agency/agency.ts';
import type { AgencyParts } from '../agency/agency-parts.ts';
import type { Connector } from '../agency/connector.ts';
import { runEcho } from '../agency/echo.ts';
import { AgencyError, Stopped, UnusableFile } from '../agency/errors.ts';
import { reconnectBackOff } from '../agency/back-off.ts';
import { RowDigester } from '../agency/rows-digest.ts';
import { ResumableAgency } from '../agency/resumable-agency.ts';
import { pause } from '../agency/waiting.ts';
import { ConfigError } from '../config/errors.ts';
import { type ClientConfig, readClientConfig } from '../config/client-config.ts';
import type { ClientTls } from '../config/tls-files.ts';
import { writePrivate } from '../files/private.ts';
import { isTransient, reasonNotCreated } from '../files/system-error.ts';
import { logAgency } from '../observe/agency-log.ts';
import type { AgencyEvent, Emit } from '../observe/events.ts';
import { openLog } from '../observe/log.ts';
import { type LogSink, openLogSink } from '../observe/log-sink.ts';
import type { BatchEncoder, Dialect } from '../wire/dialect.ts';
import type { AgencyProtocol } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { AgencyFile } from './agency-file.ts';
import { EXIT } from './exit-codes.ts';
import { onStopSignal } from './signals.ts';
import { DIALECTS } from './dialects.ts';
import { checkWinnersFile } from './winners-file.ts';

const now = (): number => performance.now();
const random = (): number => Math.random();

/**
 * Batches in flight. The limit of our central: while half of them are synced, the other half joins
 * the next group. With one, at most one base batch is in doubt after a lost connection.
 */
const RESUMABLE_WINDOW = 64;
const BASE_WINDOW = 1;

export interface ClientOptions {
  readonly config?: string;
  /** Only check the file, and send nothing. */
  readonly check?: boolean;
}

/** `loteria client`: runs the agency of the configuration to its end. */
export async function client({
  config: path,
  check: checkOnly = false,
}: ClientOptions): Promise<number> {
  const config = await readClientConfig(path);
  const sink = openLogSink();
  try {
    return await runAgency(config, checkOnly, sink);
  } finally {
    await sink.close();
  }
}

async function runAgency(config: ClientConfig, checkOnly: boolean, sink: LogSink): Promise<number> {
  const log = openLog(sink, { level: config.logLevel.level, format: config.logFormat });
  const logEvent = logAgency(log, config.id);
  /** Refused lines and bets make the exit code 1. */
  let refused = 0;
  /** Whether the last acta differs from what was sent. */
  let isDisputed = false;
  const emit: Emit<AgencyEvent> = event => {
    const { event: name } = event;
    if (name === 'lines-skipped' || name === 'batch-refused' || name === 'bets-refused')
      refused += event.count;
    if (name === 'acta-checked') isDisputed = event.error !== undefined;
    logEvent(event);
  };
  log.line('INFO', 'config', 'success', {
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
    await (checkOnly ? check : run)(config, emit, stopping.signal);
  } catch (error) {
    if (error instanceof AgencyError) {
      emit({ event: 'failed', action: 'exit', error: error.message });
      return error instanceof UnusableFile ? EXIT.usage : EXIT.failed;
    }
    if (!(error instanceof Stopped)) throw error;
    emit({ event: 'stopped' });
  }
  if (refused > 0) emit({ event: 'lines-refused', count: refused });
  return refused > 0 || isDisputed ? EXIT.failed : EXIT.done;
}

/** `--check` */
async function check(
  config: ClientConfig,
  emit: Emit<AgencyEvent>,
  stop: AbortSignal,
): Promise<void> {
  const file = new AgencyFile({ ...config, fileInvalid: 'refuse' }, emit);
  const { bets, path } = await file.check(encoderFor(config), stop);
  if (bets === undefined)
    throw new AgencyError(`${path} is not a regular file and cannot be checked ahead`);
  emit({ event: 'file-checked', file: path, bets });
}

/** The encoder that the check of the file uses. */
function encoderFor({ protocol, id }: ClientConfig): BatchEncoder {
  if (protocol === 'resumable')
    return new RowDigester(id, DIALECTS.resumable().agency(DEFAULT_LIMITS, id).batch);
  return speaking(protocol, id).agency(DEFAULT_LIMITS, id).batch;
}

async function run(
  config: ClientConfig,
  emit: Emit<AgencyEvent>,
  stop: AbortSignal,
): Promise<void> {
  const { id, retryMaxElapsedMs: maxElapsedMs } = config;
  const limits = { ...DEFAULT_LIMITS, answerTimeoutMs: config.answerTimeoutMs };
  const connector = config.tls && (await openConnector(config.tls, emit));
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
    return;
  }
  const parts = {
    ...common,
    batchAmountMax: config.batchAmountMax,
    pollMs: config.loopPeriod.milliseconds,
    progressMs: config.logProgressMs,
  };
  if (config.bet !== undefined) {
    const agency = new Agency({ ...parts, dialect: speaking(config.protocol, id), batchWindow: 1 });
    await closing(agency, () => agency.sendBet(config.bet!));
    return;
  }
  const winners =
    config.winnersFile === undefined
      ? undefined
      : await checkWinnersFile(config.winnersFile, config);
  const keepActa = async (text: string): Promise<void> => {
    if (winners?.acta !== undefined)
      await writeLines(winners.acta, text.trimEnd().split('\n'), parts);
  };
  const agency = openAgency(config, { ...parts, keepActa });
  const file = new AgencyFile(config, emit);
  const checked = await file.check(encoderFor(config), stop);
  await closing(agency, async () => {
    await file.send(checked, agency);
    const documents = await agency.finishAndAwaitWinners();
    if (winners !== undefined) await writeLines(winners.documents, documents, parts);
  });
}

/**
 * Loads the code for TLS only where it is used.
 *
 * @throws CredentialsError
 */
async function openConnector(files: ClientTls, emit: Emit<AgencyEvent>): Promise<Connector> {
  const { readAuthority, readIdentity } = await import('../tls/credentials.ts');
  const { Reloading } = await import('../tls/reloading.ts');
  const { tlsConnector } = await import('../agency/tls-connector.ts');
  const credentials = new Reloading(() => ({
    authority: readAuthority(files.authority),
    identity: files.identity && readIdentity(files.identity),
  }));
  return tlsConnector(() => {
    const outcome = credentials.look();
    if (outcome instanceof Error) emit({ event: 'tls-kept', error: outcome.message });
    return credentials.value;
  });
}

function openAgency(
  { protocol, batchWindow }: ClientConfig,
  parts: Omit<AgencyParts, 'dialect' | 'batchWindow'>,
): Agency | ResumableAgency {
  if (protocol === 'resumable') {
    const dialect = DIALECTS.resumable();
    return new ResumableAgency({ ...parts, dialect, batchWindow: batchWindow ?? RESUMABLE_WINDOW });
  }
  const dialect = speaking(protocol, parts.id);
  if (dialect.conversation.writePerFrame && (batchWindow ?? 1) > 1) {
    throw new ConfigError(
      `batch.window is ${batchWindow}, protocol ${protocol} takes 1 only: its servers treat each read as one frame`,
    );
  }
  return new Agency({ ...parts, dialect, batchWindow: batchWindow ?? BASE_WINDOW });
}

/** @throws ConfigError if the dialect cannot encode the agency's id */
function speaking(protocol: AgencyProtocol, id: number): Dialect {
  const dialect = DIALECTS[protocol]();
  if (id <= dialect.agencyMax) return dialect;
  throw new ConfigError(`id is ${id}, protocol ${protocol} allows only 1 to ${dialect.agencyMax}`);
}

async function closing(
  agency: { close(): Promise<void> },
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } finally {
    await agency.close();
  }
}

/** Writes a private file; retries while the error is temporary. */
async function writeLines(
  file: string,
  texts: readonly string[],
  parts: Pick<AgencyParts, 'emit' | 'random' | 'stop'>,
): Promise<void> {
  const lines = texts.map(text => `${text}\n`).join('');
  for (const backOff = reconnectBackOff(parts.random); ; ) {
    try {
      await writePrivate(file, lines);
      return;
    } catch (error) {
      const reason = reasonNotCreated(error);
      if (!isTransient(error)) throw new AgencyError(`cannot write ${file}, ${reason}`, error);
      const waitMs = backOff.next();
      parts.emit({ event: 'winners-delayed', file, error: reason, waitMs });
      await pause(waitMs, parts);
    }
  }
}
