import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ActaFolder, SIGNATURE_FILE } from '../audit/acta-folder.ts';
import { Central } from '../central/central.ts';
import { Connection } from '../central/connection.ts';
import { EchoConnection } from '../central/echo.ts';
import type { Actas } from '../central/draw-holder.ts';
import { OpenConnections } from '../central/open-connections.ts';
import { Listener, type ListenerParts, type Served } from '../central/listener.ts';
import type { ConfiguredListener } from '../config/server-keys.ts';
import { readServerConfig, type ServerConfig } from '../config/server-config.ts';
import { ConfigError } from '../config/errors.ts';
import { formatAgencies } from '../lottery/agency-ranges.ts';
import { hasWon, LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import { Lottery } from '../lottery/lottery.ts';
import { logCentral } from '../observe/central-log.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import { openLog } from '../observe/log.ts';
import { type LogSink, openLogSink } from '../observe/log-sink.ts';
import type { CentralStatus } from '../observe/status.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import type { Operator } from './operator.ts';
import type { TlsAcceptors } from './server-tls.ts';
import { onStopSignal } from './signals.ts';
import type { SecurePeer } from '../central/tls-acceptor.ts';
import type { Store } from '../store/store.ts';
import type { Refusal } from '../wire/refusal.ts';
import { listenerDialect, openBetReader } from './dialects.ts';
import type { OpenedStore, StoreParts } from './stores/configured-store.ts';
import { storeOf } from './stores/store-of.ts';

interface Service {
  /** Resolves with a fatal error. */
  readonly failure: Promise<Error>;
  stop(): Promise<void>;
}

/** Interventions that are logged at the start. */
const INTERVENTIONS_LOGGED_MAX = 20;

/** Status of an echo server. */
const NO_LOTTERY: CentralStatus = {
  state: 'open',
  bets: 0,
  expected: 0,
  finished: 0,
  missing: [],
  agencies: [],
  agenciesInAll: 0,
  winners: undefined,
  unsyncedBytes: 0,
  draw: undefined,
  acta: undefined,
  withdrawnActas: [],
  disputes: [],
};

const now = (): number => performance.now();

/** `loteria server`: runs the central until SIGTERM or SIGINT. */
export async function server({ config: path }: { readonly config?: string }): Promise<number> {
  const config = readServerConfig(path);
  const sink = openLogSink();
  try {
    return await runCentral(config, sink);
  } finally {
    await sink.close();
  }
}

async function runCentral(config: ServerConfig, sink: LogSink): Promise<number> {
  const log = openLog(sink, { level: config.logLevel.level, format: config.logFormat });
  let emit = logCentral(log);
  log.line('DEBUG', 'config', 'success', {
    port: config.listeners[0]!.port,
    listen_backlog: config.backlog,
    logging_level: config.logLevel.text,
  });
  const opening = new AbortController();
  const stopAsked = new Promise<string>(resolve => onStopSignal(sink, resolve));
  void stopAsked.then(signal => opening.abort(signal));
  let service: Service;
  let operator: Operator | undefined;
  try {
    // Before the store, so that probes are answered during recovery.
    operator = await openOperator(config, emit, sink);
    emit = operator?.emit ?? emit;
    sink.onDropped = lines => emit({ event: 'log-dropped', lines });
    service =
      config.mode === 'echo'
        ? await openEcho(config, emit, operator)
        : await openLottery(config, emit, operator, opening.signal);
  } catch (error) {
    if (!opening.signal.aborted) {
      emit({ event: 'failed', action: 'start', error: (error as Error).message });
      return exitCodeOf(error);
    }
    emit({ event: 'stopping', signal: await stopAsked });
    await operator?.stop();
    emit({ event: 'stopped' });
    return EXIT.done;
  }
  const ended = await Promise.race([stopAsked, service.failure]);
  if (ended instanceof Error) {
    emit({ event: 'failed', action: 'run', error: ended.message });
    return EXIT.failed;
  }
  emit({ event: 'stopping', signal: ended });
  const failedMeanwhile = await Promise.race([service.stop(), service.failure]);
  if (failedMeanwhile instanceof Error) {
    emit({ event: 'failed', action: 'shutdown', error: failedMeanwhile.message });
    return EXIT.failed;
  }
  await operator?.stop();
  emit({ event: 'stopped' });
  return EXIT.done;
}

async function openOperator(
  config: ServerConfig,
  emit: Emit<CentralEvent>,
  sink: LogSink,
): Promise<Operator | undefined> {
  if (config.httpPort === undefined) return undefined;
  const operator = await import('./operator.ts');
  const store = config.mode === 'echo' ? undefined : await storeOf(config);
  return operator.openOperator(config.httpPort, config, store, emit, () => sink.dropped);
}

async function openLottery(
  config: ServerConfig,
  emit: Emit<CentralEvent>,
  operator: Operator | undefined,
  signal: AbortSignal,
): Promise<Service> {
  const { limits } = config;
  const lottery = new Lottery(config.agencies);
  const { watch } = operator ?? {};
  const { store, files } = await openStore(config, { lottery, watch, signal }, emit);
  const actas = await actasOf(config, store);
  const central = new Central({ lottery, store, hasWon, limits, actas, emit, now });
  const reader = await openBetReader();
  const listeners = await openListeners(config, emit, ({ dialect: name, port }, open) => {
    const dialect = listenerDialect(name, reader);
    const { conversation } = dialect;
    const serve = (socket: Socket, ip: string, peer?: SecurePeer): Connection =>
      new Connection({
        ...peer,
        socket,
        ip,
        listener: { port: socket.localPort ?? port, dialect: name },
        codec: dialect.central(limits),
        conversation,
        central,
        open,
        limits,
        emit,
        now,
      });
    const turnAway = (refusal: Refusal): readonly Uint8Array[] =>
      dialect.central(limits).encode({ kind: 'refused', refusal });
    return { name, port, serve, turnAway };
  });
  operator?.serve(() => central.status());
  central.resume();
  return {
    failure: central.failure,
    async stop() {
      await listeners.stop();
      await central.close();
      for (const file of files) emit({ event: 'file-closed', file });
    },
  };
}

/** Opens the store, and logs its content. */
async function openStore(
  config: ServerConfig,
  parts: Omit<StoreParts, 'onEvent'>,
  emit: Emit<CentralEvent>,
): Promise<OpenedStore> {
  const { lottery } = parts;
  const opened = await (await storeOf(config)).open({ ...parts, onEvent: emit });
  const { store, files, cuts } = opened;
  try {
    expectAgencies(lottery, config);
  } catch (error) {
    await store.close();
    throw error;
  }
  for (const cut of cuts) emit({ event: 'tail-cut', ...cut });
  const { betsInAll: bets, finished, state } = lottery;
  const expected = config.agencies.length;
  emit({ event: 'store-opened', file: files[0]!, bets, finished, expected, state });
  // The last of them; `loteria agency list` has all.
  for (const fact of lottery.interventions.slice(-INTERVENTIONS_LOGGED_MAX))
    emit({ event: 'done-by-hand', fact });
  return opened;
}

/** @throws ConfigError if ACTA_KEY is not a key */
async function actasOf(
  { dataDirectory, actaKey, closeHoldMs }: ServerConfig,
  { lottery }: Store,
): Promise<Actas> {
  const folder = new ActaFolder(dataDirectory, lottery, LOTTERY_WINNER_NUMBER);
  const write: Actas['write'] = of => folder.write(of);
  if (actaKey === undefined) return { holdMs: closeHoldMs, write };
  // Loaded only where it is used.
  const { readActaKey, SignatureFile } = await import('../audit/signature.ts');
  try {
    const signature = new SignatureFile(join(dataDirectory, SIGNATURE_FILE), readActaKey(actaKey));
    return { holdMs: closeHoldMs, signature, write };
  } catch (error) {
    throw new ConfigError(`ACTA_KEY: ${(error as Error).message}`);
  }
}

/**
 * The expected agencies are in the log.
 *
 * @throws ConfigError if the configuration has others
 */
function expectAgencies({ expected }: Lottery, { agencies }: ServerConfig): void {
  const [stored, configured] = [formatAgencies(expected), formatAgencies(agencies)];
  if (stored === configured) return;
  throw new ConfigError(
    `this lottery is one of the agencies ${stored}, the configuration (NUMBER_AGENCIES, AGENCIES) has ${configured}; ` +
      `set AGENCIES=${stored}, or change the lottery with 'loteria agencies set ${configured} --reason "…"'`,
  );
}

async function openEcho(
  config: ServerConfig,
  emit: Emit<CentralEvent>,
  operator: Operator | undefined,
): Promise<Service> {
  const { limits } = config;
  const listeners = await openListeners(config, emit, ({ port }) => ({
    name: 'echo',
    port,
    serve: (socket, ip, peer) => new EchoConnection(socket, ip, { limits, emit, now }, peer),
    turnAway: () => [Buffer.from('busy\n')],
  }));
  operator?.serve(() => NO_LOTTERY);
  return { failure: new Promise(() => {}), stop: () => listeners.stop() };
}

interface OwnParts extends Pick<ListenerParts, 'name' | 'port' | 'turnAway'> {
  /** `peer` is set for TLS. */
  readonly serve: (socket: Socket, ip: string, peer?: SecurePeer) => Served;
}

/** Opens all listeners or none. */
async function openListeners(
  config: ServerConfig,
  emit: Emit<CentralEvent>,
  partsOf: (listener: ConfiguredListener, open: OpenConnections) => OwnParts,
): Promise<{ stop(): Promise<void> }> {
  const { host, backlog, limits, listeners, tls } = config;
  const opened: Listener[] = [];
  const open = new OpenConnections(limits);
  // Loaded only where it is used.
  const acceptors =
    tls &&
    new (await import('./server-tls.ts')).TlsAcceptors({ files: tls, limits, open, emit, now });
  try {
    for (const configured of listeners) {
      const parts = partsOf(configured, open);
      // Before the handshake, nothing can be sent.
      const own = acceptors && { serve: acceptors.add(parts.serve).serve, turnAway: () => [] };
      opened.push(await Listener.open({ host, backlog, limits, emit, open, ...parts, ...own }));
    }
    return { stop: () => stopAll(opened, acceptors) };
  } catch (error) {
    await stopAll(opened, acceptors);
    throw error;
  }
}

async function stopAll(
  listeners: readonly Listener[],
  acceptors: TlsAcceptors | undefined,
): Promise<void> {
  await Promise.all(listeners.map(listener => listener.stop()));
  acceptors?.stop();
}
