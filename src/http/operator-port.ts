import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Monitor } from '../observe/monitor.ts';
import type { DiskSpace } from '../observe/status.ts';
import { readAssets } from './assets.ts';
import { BetRates } from './bet-rates.ts';
import { Connections } from './connections.ts';
import { IDLE_MS, REQUEST_LIMITS, STOP_MS } from './limits.ts';
import { Live } from './live.ts';
import { makeSnapshot } from './make-snapshot.ts';
import { createRoutes } from './routes.ts';
import type { Snapshot } from './snapshot.ts';

export interface OperatorPortParts {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Names under which the port is reached, besides `host`. */
  readonly names: readonly string[];
  readonly monitor: Monitor;
  readonly metrics: Metrics;
  /** Undefined if the store has no files. */
  readonly diskSpace: (() => Promise<DiskSpace>) | undefined;
  /** The page's files; the folder may be missing. */
  readonly assetsFolder: string;
  readonly clock: () => Date;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly log: Emit<CentralEvent>;
}

const SECOND_MS = 1000;

/** Seconds between two looks at the disk. */
const DISK_SECONDS = 5;

/**
 * The HTTP port of the operator: page, metrics and probes. It opens before the store and closes
 * last, so that probes are answered during recovery and shutdown.
 */
export class OperatorPort {
  readonly #parts: OperatorPortParts;
  readonly #server: Server;
  readonly #rates = new BetRates();
  readonly #live: Live;
  /** Of `now`, at a full second of the clock. */
  readonly #beginMs: number;
  #port = 0;
  #disk: DiskSpace | undefined;
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(parts: OperatorPortParts, assets: Awaited<ReturnType<typeof readAssets>>) {
    this.#parts = parts;
    this.#beginMs = parts.now() - (parts.clock().getTime() % SECOND_MS);
    const snapshot = (): Snapshot => this.#snapshot();
    this.#live = new Live(snapshot, parts.now);
    const names = new Set([parts.host, ...parts.names].map(name => name.toLowerCase()));
    const routes = createRoutes({ ...parts, names, snapshot, live: this.#live, assets });
    const answer = getRequestListener(routes.fetch, {
      overrideGlobalObjects: false,
      // Of HTTP/1.0 without the header, as some probes send it.
      hostname: 'localhost',
    });
    const connections = new Connections(socket => this.#live.isStream(socket));
    this.#server = createServer(REQUEST_LIMITS, (request, response) => {
      connections.use(request.socket);
      void answer(request, response);
    });
    this.#server.on('connection', socket => connections.add(socket));
    this.#server.timeout = IDLE_MS;
  }

  /** @throws Error with the reason why the port cannot be used */
  static async open(parts: OperatorPortParts): Promise<OperatorPort> {
    const port = new OperatorPort(parts, await readAssets(parts.assetsFolder));
    await port.#listen();
    await port.#lookAtDisk();
    port.#scheduleTick();
    return port;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { host } = this.#parts;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}/`;
  }

  /** Starts the rates: the central is open. */
  beginCounting(): void {
    this.#sample();
  }

  /** Sends every page the last state, and closes. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#live.end();
    const closed = new Promise(resolve => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const timeout = setTimeout(() => this.#server.closeAllConnections(), STOP_MS);
    await closed;
    clearTimeout(timeout);
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#parts;
    try {
      await once(this.#server.listen({ host, port }), 'listening');
    } catch (error) {
      throw new Error(explainListenError(error as Error, this.#parts), { cause: error });
    }
    this.#port = (this.#server.address() as AddressInfo).port;
    // A lack of file descriptors is temporary.
    this.#server.on('error', () => {});
  }

  /**
   * Monotonic milliseconds since shortly before the port was opened. Their full seconds are those of
   * the clock, until it is set.
   */
  #elapsedMs(): number {
    return this.#parts.now() - this.#beginMs;
  }

  /** Just after each full second, so that a sample covers one second. */
  #scheduleTick(): void {
    const elapsedMs = this.#elapsedMs();
    const waitMs = SECOND_MS - (elapsedMs % SECOND_MS);
    this.#timer = setTimeout(() => {
      this.#scheduleTick();
      // Timers may fire early.
      if (this.#elapsedMs() < elapsedMs + waitMs) return;
      this.#sample();
      this.#live.tick();
      this.#ticks += 1;
      if (this.#ticks % DISK_SECONDS === 0) void this.#lookAtDisk();
    }, waitMs + 1);
  }

  #sample(): void {
    const status = this.#parts.monitor.status();
    if (status !== undefined) this.#rates.sample(this.#elapsedMs(), status);
  }

  async #lookAtDisk(): Promise<void> {
    this.#disk = await this.#parts.diskSpace?.().catch(() => undefined);
  }

  #snapshot(): Snapshot {
    const { monitor, clock } = this.#parts;
    const [time, elapsedMs] = [clock(), this.#elapsedMs()];
    return makeSnapshot({ monitor, rates: this.#rates, disk: this.#disk, time, elapsedMs });
  }
}

function explainListenError(error: Error, { host, port }: OperatorPortParts): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return `HTTP_PORT ${port} is in use by another program, choose another one`;
  if (code === 'EACCES') return `HTTP_PORT ${port} needs more privileges, choose one from 1024 up`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HTTP_HOST ${host} is no address of this machine`;
  return `HTTP_PORT ${port} cannot be used, ${error.message}`;
}
