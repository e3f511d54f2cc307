import { once, EventEmitter } from 'node:events';
import { ServerProcess } from '../src/bench/server-process.ts';
import { ownServer } from '../src/bench/servers.ts';
import { PROGRAM } from './setting.ts';

/** Our server, whose log is read. */
export class WatchedServer {
  readonly process: ServerProcess;
  /** From its start to its `listen` line, in milliseconds. */
  readonly startMs: number;
  readonly #log: EventEmitter;

  private constructor(process: ServerProcess, log: EventEmitter, startMs: number) {
    this.process = process;
    this.#log = log;
    this.startMs = startMs;
  }

  static async start(folder: string, agencies: number, stop: AbortSignal): Promise<WatchedServer> {
    const log = new EventEmitter();
    const listening = once(log, 'listen', { signal: stop });
    const command = ownServer({ program: PROGRAM, folder, connections: agencies, agencies });
    const startedAt = performance.now();
    const listenedAt = listening.then(() => performance.now());
    const starting = ServerProcess.start(
      {
        ...command,
        environment: port => ({
          ...command.environment(port),
          LOGGING_LEVEL: 'INFO',
          LOG_FORMAT: 'json',
        }),
        onLine: line => log.emit((JSON.parse(line) as { action: string }).action),
      },
      stop,
    );
    const [process, at] = await Promise.all([starting, listenedAt]);
    return new WatchedServer(process, log, at - startedAt);
  }

  /** Waits for the next line of an action. */
  async logged(action: string, stop: AbortSignal): Promise<void> {
    await once(this.#log, action, { signal: stop });
  }
}
