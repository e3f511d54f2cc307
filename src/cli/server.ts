import type { Socket } from 'node:net';
import { Central } from '../central/central.ts';
import { Connection } from '../central/connection.ts';
import { EchoConnection } from '../central/echo.ts';
import { Listener } from '../central/listener.ts';
import { readServerConfig, type ServerConfig } from '../config/server-config.ts';
import { hasWon } from '../lottery/catedra.ts';
import { Lottery } from '../lottery/lottery.ts';
import { logCentral } from '../observe/central-log.ts';
import type { CentralEvent, Emit } from '../observe/events.ts';
import { openLogSink } from '../observe/log-sink.ts';
import { EXIT } from './exit-codes.ts';
import { onStopSignal } from './signals.ts';
import { DIALECTS, openBetReader, openLog, STORES } from './wiring.ts';

/** Something that runs until it is told to stop. */
interface Service {
  /** Fulfilled with the error after which the service cannot go on. */
  readonly failure: Promise<Error>;
  stop(): Promise<void>;
}

const now = (): number => performance.now();

/** `loteria server`: runs the central until SIGTERM or SIGINT. */
export async function server(configPath: string | undefined): Promise<number> {
  const config = readServerConfig(configPath);
  const sink = openLogSink();
  const log = openLog(sink, { level: config.logLevel.level, format: config.logFormat });
  const emit = logCentral(log);
  log.debug('config', 'success', {
    port: config.port,
    listen_backlog: config.backlog,
    logging_level: config.logLevel.text,
  });
  const stopAsked = new Promise<string>(resolve => onStopSignal(sink, resolve));
  let service: Service;
  try {
    service = config.mode === 'echo' ? await openEcho(config, emit) : await openLottery(config, emit);
  } catch (error) {
    emit({ event: 'failed', action: 'start', error: (error as Error).message });
    return EXIT.failed;
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
  emit({ event: 'stopped' });
  return EXIT.done;
}

async function openLottery(config: ServerConfig, emit: Emit<CentralEvent>): Promise<Service> {
  const { limits } = config;
  const lottery = new Lottery(config.agencies);
  const { store, files, cuts } = await STORES[config.store](config.dataDirectory, fact =>
    lottery.apply(fact),
  );
  for (const cut of cuts) emit({ event: 'tail-cut', ...cut });
  const { betsInAll: bets } = lottery;
  emit({ event: 'store-opened', file: files[0]!, bets, finished: lottery.finished, state: lottery.state });
  const central = new Central({ lottery, store, hasWon, limits, emit, now });
  const dialect = DIALECTS.resumable(await openBetReader());
  const serve = (socket: Socket, ip: string): Connection =>
    new Connection({
      socket,
      ip,
      codec: dialect.central(limits),
      conversation: dialect.conversation,
      central,
      limits,
      emit,
      now,
    });
  const listener = await Listener.open({
    ...listenerOptions(config, emit),
    name: dialect.name,
    serve,
    turnAway: refusal => dialect.central(limits).encode({ kind: 'refused', refusal }),
  });
  central.resume();
  return {
    failure: central.failure,
    async stop() {
      await listener.stop();
      await central.close();
      for (const file of files) emit({ event: 'file-closed', file });
    },
  };
}

async function openEcho(config: ServerConfig, emit: Emit<CentralEvent>): Promise<Service> {
  const { limits } = config;
  const listener = await Listener.open({
    ...listenerOptions(config, emit),
    name: 'echo',
    serve: (socket, ip) => new EchoConnection(socket, ip, { limits, emit, now }),
    turnAway: () => [Buffer.from('busy\n')],
  });
  return { failure: new Promise(() => {}), stop: () => listener.stop() };
}

function listenerOptions({ host, port, backlog, limits }: ServerConfig, emit: Emit<CentralEvent>) {
  return { host, port, backlog, limits, emit };
}
