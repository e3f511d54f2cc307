import type { Socket } from 'node:net';
import { Central } from '../central/central.ts';
import { Connection } from '../central/connection.ts';
import { EchoConnection } from '../central/echo.ts';
import { OpenConnections } from '../central/open-connections.ts';
import { Listener, type ListenerParts, type Served } from '../central/listener.ts';
import type { ConfiguredListener } from '../config/server-keys.ts';
import { readServerConfig, type ServerConfig } from '../config/server-config.ts';
import { hasWon } from '../lottery/catedra.ts';
import { Lottery } from '../lottery/lottery.ts';
import { logCentral } from '../observe/central-log.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import { openLogSink } from '../observe/log-sink.ts';
import type { CentralStatus } from '../observe/status.ts';
import { EXIT } from './exit-codes.ts';
import type { Operator } from './operator.ts';
import { onStopSignal } from './signals.ts';
import type { SecurePeer } from '../central/tls-door.ts';
import type { EngineEvent } from '../store/store.ts';
import type { ServerTls } from '../config/tls-files.ts';
import type { Refusal } from '../wire/refusal.ts';
import { listenerDialect, openBetReader, openLog, openStore } from './wiring.ts';

/** Something that runs until it is told to stop. */
interface Service {
  /** Fulfilled with the error after which the service cannot go on. */
  readonly failure: Promise<Error>;
  stop(): Promise<void>;
}

/** What there is to say of a central that only echoes. */
const NO_LOTTERY: CentralStatus = {
  state: 'open',
  bets: 0,
  missing: [],
  agencies: [],
  unsyncedBytes: 0,
  draw: undefined,
};

const now = (): number => performance.now();

/** `loteria server`: runs the central until SIGTERM or SIGINT. */
export async function server(configPath: string | undefined): Promise<number> {
  const config = readServerConfig(configPath);
  const sink = openLogSink();
  const log = openLog(sink, { level: config.logLevel.level, format: config.logFormat });
  let emit = logCentral(log);
  log.debug('config', 'success', {
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
    // Before the store: that may take its time, and somebody may want to know that it does.
    operator = await openOperator(config, emit);
    emit = operator?.emit ?? emit;
    service =
      config.mode === 'echo'
        ? await openEcho(config, emit, operator)
        : await openLottery(config, emit, operator, opening.signal);
  } catch (error) {
    if (!opening.signal.aborted) {
      emit({ event: 'failed', action: 'start', error: (error as Error).message });
      return EXIT.failed;
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

/** What serves an operator is loaded only where there is one. */
async function openOperator(config: ServerConfig, emit: Emit<CentralEvent>): Promise<Operator | undefined> {
  if (config.httpPort === undefined) return undefined;
  const operator = await import('./operator.ts');
  return operator.openOperator(config.httpPort, config, emit);
}

async function openLottery(
  config: ServerConfig,
  emit: Emit<CentralEvent>,
  operator: Operator | undefined,
  signal: AbortSignal,
): Promise<Service> {
  const { limits } = config;
  const lottery = new Lottery(config.agencies);
  const { store, files, cuts } = await openStore(config, {
    lottery,
    watch: operator?.watch,
    onEngine: event => emit(engineEvent(event)),
    onWarning: (file, warning) => emit({ event: 'store-warning', file, warning }),
    signal,
  });
  for (const cut of cuts) emit({ event: 'tail-cut', ...cut });
  const { betsInAll: bets } = lottery;
  const { finished, state } = lottery;
  const expected = config.agencies.length;
  emit({ event: 'store-opened', file: files[0]!, bets, finished, expected, state });
  const central = new Central({ lottery, store, hasWon, limits, emit, now });
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
      await stopAll(listeners);
      await central.close();
      for (const file of files) emit({ event: 'file-closed', file });
    },
  };
}

function engineEvent(event: EngineEvent): CentralEvent {
  switch (event.kind) {
    case 'unavailable':
      return { event: 'engine-unavailable', error: event.error, isUnsafe: event.isUnsafe };
    case 'available':
      return { event: 'engine-available', awayMs: event.awayMs };
    case 'single':
      return { event: 'engine-single' };
  }
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
  return { failure: new Promise(() => {}), stop: () => stopAll(listeners) };
}

interface OwnParts extends Pick<ListenerParts, 'name' | 'port' | 'turnAway'> {
  /** `peer` when it came over TLS. */
  readonly serve: (socket: Socket, ip: string, peer?: SecurePeer) => Served;
}

/** Opens all or none. */
async function openListeners(
  config: ServerConfig,
  emit: Emit<CentralEvent>,
  partsOf: (listener: ConfiguredListener, open: OpenConnections) => OwnParts,
): Promise<Listener[]> {
  const { host, backlog, limits, listeners, tls } = config;
  const opened: Listener[] = [];
  const open = new OpenConnections(limits);
  const overTls = tls && (await openTls(tls, config, emit, open));
  try {
    for (const configured of listeners) {
      const parts = partsOf(configured, open);
      const own = overTls?.(parts) ?? parts;
      opened.push(await Listener.open({ host, backlog, limits, emit, open, ...own }));
    }
    return opened;
  } catch (error) {
    await stopAll(opened);
    throw error;
  }
}

/** What puts TLS before what a listener serves. Its code is loaded by servers that use it. */
async function openTls(
  files: ServerTls,
  { limits }: ServerConfig,
  emit: Emit<CentralEvent>,
  open: OpenConnections,
): Promise<(parts: OwnParts) => OwnParts> {
  const { readAuthority, readIdentity } = await import('../tls/credentials.ts');
  const { TlsDoor } = await import('../central/tls-door.ts');
  const identity = readIdentity(files.identity);
  const clientAuthority = files.clientAuthority && readAuthority(files.clientAuthority);
  const { subject, validTo } = identity;
  emit({ event: 'tls-opened', subject, validTo, mutual: clientAuthority !== undefined });
  return ({ serve, ...parts }) => {
    const door = new TlsDoor({ identity, clientAuthority, limits, open, emit, now, serve });
    // Before the handshake there is no way to say anything.
    return { ...parts, serve: door.serve, turnAway: () => [] };
  };
}

async function stopAll(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(listeners.map(listener => listener.stop()));
}
