import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { Limits } from '../wire/limits.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { Buffering, OpenConnections } from './open-connections.ts';

/** An accepted connection, of any dialect. */
export interface Served extends Buffering {
  readonly closed: Promise<void>;
  checkDeadlines(): void;
  stop(): void;
  destroy(): void;
}

export interface ListenerParts {
  readonly name: string;
  /** Undefined: every interface. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
  readonly backlog: number;
  readonly limits: Limits;
  /** Shared by the listeners under one limit. */
  readonly open: OpenConnections;
  readonly emit: Emit<CentralEvent>;
  readonly serve: (socket: Socket, ip: string) => Served;
  /** The frames that refuse a peer over the limit. */
  readonly turnAway: (refusal: Refusal) => readonly Uint8Array[];
}

/** Interval of deadline checks, in milliseconds. */
const SWEEP_MS_MAX = 1000;
const SWEEP_MS_MIN = 10;
/** Delay that shows that this process was stalled, in milliseconds. */
const STALL_MS = 1000;

/**
 * High-water mark of a socket's buffers. It reads up to 64 kB at a time, then waits until they are
 * read.
 */
const SOCKET_BUFFER_BYTES = 16 * 1024;

/** Connections that are refused at the same time; more are dropped silently. */
const TURNED_AWAY_MAX = 256;

/**
 * Accepts connections on one port, keeps their number within the limit, and watches their
 * deadlines.
 */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #server: Server;
  readonly #connections = new Set<Served>();
  #sweep: NodeJS.Timeout | undefined;
  #sweptAt = performance.now();

  private constructor(parts: ListenerParts) {
    this.#parts = parts;
    // Half-open: a peer that has sent its last request still reads the replies.
    this.#server = createServer(
      { allowHalfOpen: true, highWaterMark: SOCKET_BUFFER_BYTES },
      socket => this.#accept(socket),
    );
    this.#server.maxConnections = parts.limits.connectionsMax + TURNED_AWAY_MAX;
  }

  /** @throws Error (as a rejection) that explains why the port cannot be used */
  static async open(parts: ListenerParts): Promise<Listener> {
    const listener = new Listener(parts);
    await listener.#listen();
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#parts.port;
  }

  /**
   * Graceful shutdown: stops accepting, drains every connection within `stopTimeoutMs`, and closes.
   */
  async stop(): Promise<void> {
    const { emit, limits } = this.#parts;
    const { port } = this;
    const serverClosed = new Promise<void>(resolve => {
      this.#server.close(() => resolve());
    });
    const connections = [...this.#connections];
    for (const connection of connections) connection.stop();
    const timeout = setTimeout(() => {
      for (const connection of connections) connection.destroy();
    }, limits.stopTimeoutMs);
    await Promise.all(connections.map(connection => connection.closed));
    await serverClosed;
    clearTimeout(timeout);
    clearInterval(this.#sweep);
    emit({ event: 'timer-closed', timer: 'deadlines' });
    emit({ event: 'listener-closed', port });
  }

  async #listen(): Promise<void> {
    const { host, port, backlog, emit, name: dialect, limits } = this.#parts;
    try {
      await once(this.#server.listen({ host, port, backlog }), 'listening');
    } catch (error) {
      throw new Error(explainListenError(error as Error, this.#parts), { cause: error });
    }
    // Running out of file descriptors is transient: open connections are not affected.
    this.#server.on('error', error => emit({ event: 'listener-error', error: error.message }));
    this.#sweep = setInterval(() => this.#checkDeadlines(), sweepMs(limits));
    emit({ event: 'listening', dialect, address: host ?? 'every interface', port: this.port });
    emit({ event: 'accepting' });
  }

  /** A late sweep means that this process stalled: peers get a turn before they are cut. */
  #checkDeadlines(): void {
    const now = performance.now();
    const isLate = now - this.#sweptAt > sweepMs(this.#parts.limits) + STALL_MS;
    this.#sweptAt = now;
    if (isLate) return;
    for (const connection of this.#connections) connection.checkDeadlines();
  }

  #accept(socket: Socket): void {
    const { emit, limits, open, serve } = this.#parts;
    const ip = plainAddress(socket.remoteAddress);
    emit({ event: 'connection-accepted', ip });
    emit({ event: 'accepting' });
    if (open.count >= limits.connectionsMax) {
      this.#turnAway(socket, ip);
      return;
    }
    const connection = serve(socket, ip);
    this.#connections.add(connection);
    open.add(connection);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      open.delete(connection);
    });
  }

  #turnAway(socket: Socket, ip: string): void {
    const { emit, limits, turnAway, name: dialect } = this.#parts;
    const refusal: Refusal = {
      code: 'busy',
      detail: `${limits.connectionsMax} connections are open already`,
    };
    const listener = { port: this.port, dialect };
    emit({ event: 'connection-refused', ip, listener, refusal });
    const timeout = setTimeout(() => socket.destroy(), limits.lingerTimeoutMs);
    socket.on('close', () => {
      clearTimeout(timeout);
      emit({ event: 'connection-closed', ip });
    });
    socket.on('error', () => {});
    socket.resume();
    for (const frame of turnAway(refusal)) socket.write(frame);
    socket.end();
  }
}

function explainListenError(error: Error, { name, host, port }: ListenerParts): string {
  const { code } = error as NodeJS.ErrnoException;
  const forIt = `for ${name} (SERVER_PORT, SERVER_LISTENERS)`;
  if (code === 'EADDRINUSE')
    return `port ${port} is in use by another program, end it or choose another one ${forIt}`;
  if (code === 'EACCES')
    return `port ${port} is not for this user, choose one from 1024 up ${forIt}`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `SERVER_HOST ${host} is no address of this machine`;
  return error.message;
}

/** An IPv4 peer of a dual-stack socket by its usual name. */
function plainAddress(address: string | undefined): string {
  return address === undefined ? 'unknown' : address.replace(/^::ffff:/, '');
}

/** A fifth of the shortest deadline. */
function sweepMs(limits: Limits): number {
  const shortest = Math.min(
    limits.firstMessageTimeoutMs,
    limits.handshakeTimeoutMs,
    limits.messageTimeoutMs,
    limits.idleTimeoutMs,
    limits.unreadTimeoutMs,
    limits.lingerTimeoutMs,
  );
  return Math.max(SWEEP_MS_MIN, Math.min(SWEEP_MS_MAX, shortest / 5));
}
