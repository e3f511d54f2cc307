import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Direction } from './finding.ts';
import { Pipe } from './pipe.ts';
import type { LinkEvent, LinkPlan, ProxyControl } from './proxy-control.ts';

/** Limits of a recording, for subjects that send without end; then all connections are cut. */
const RECORDED_BYTES_MAX = 64 * 1024 * 1024;
const EVENTS_MAX = 500_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

interface ProxyParts {
  /** Milliseconds since the lottery was opened. */
  readonly now: () => number;
  /** Which client has connected. */
  readonly clientOf: (socket: Socket) => number;
  readonly onEvent?: (event: LinkEvent) => void;
}

/** A TCP proxy that records the bytes and shapes their delivery. It knows no protocol. */
export class Proxy implements ProxyControl {
  readonly events: LinkEvent[] = [];
  /** Address of the server; connections wait until it is known. */
  #target: Address | undefined;
  readonly #parts: ProxyParts;
  readonly #servers: Server[] = [];
  readonly #links = new Set<Link>();
  readonly #plans = new Map<number, LinkPlan>();
  #defaultPlan: LinkPlan = {};
  #connections = 0;
  #recordedBytes = 0;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
  }

  /** Listens on one more port; 0 is any free one. */
  async listen(host: string, port = 0): Promise<number> {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      socket => this.#accept(socket),
    );
    this.#servers.push(server);
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  setTarget(target: Address): void {
    this.#target = target;
    for (const link of this.#links) link.dial(target);
  }

  async plan(plan: LinkPlan, client?: number): Promise<void> {
    if (client !== undefined) this.#plans.set(client, plan);
    else {
      this.#defaultPlan = plan;
      this.#plans.clear();
    }
  }

  async release(client: number): Promise<void> {
    this.#plans.set(client, {});
    for (const link of this.#linksOf(client)) link.release(this.#target);
  }

  async hold(client: number): Promise<void> {
    for (const link of this.#linksOf(client)) link.hold();
  }

  async cut(client: number): Promise<void> {
    for (const link of this.#linksOf(client)) link.cut();
  }

  /** Cuts every connection and listens no more. */
  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const link of this.#links) link.cut();
  }

  #linksOf(client: number): Link[] {
    return [...this.#links].filter(link => link.client === client);
  }

  #accept(socket: Socket): void {
    const client = this.#parts.clientOf(socket);
    this.#connections += 1;
    const link = new Link(socket, {
      client,
      connection: this.#connections,
      plan: this.#plans.get(client) ?? this.#defaultPlan,
      record: event => this.#record(event),
      onClose: () => this.#links.delete(link),
    });
    this.#links.add(link);
    this.#record({ kind: 'open', connection: link.connection, client });
    if (this.#target !== undefined) link.dial(this.#target);
  }

  #record(event: Omit<LinkEvent, 'atMs'>): void {
    const timed = { ...event, atMs: this.#parts.now() };
    this.events.push(timed);
    this.#parts.onEvent?.(timed);
    this.#recordedBytes += event.bytes?.length ?? 0;
    if (this.#recordedBytes > RECORDED_BYTES_MAX || this.events.length > EVENTS_MAX)
      void this.close();
  }
}

interface LinkParts {
  readonly client: number;
  readonly connection: number;
  readonly plan: LinkPlan;
  readonly record: (event: Omit<LinkEvent, 'atMs'>) => void;
  readonly onClose: () => void;
}

/** A connection of a client, and its counterpart to the server. */
class Link {
  readonly client: number;
  readonly connection: number;
  readonly #near: Socket;
  readonly #parts: LinkParts;
  #far: Socket | undefined;
  #pipes: readonly Pipe[] = [];
  #isHeld: boolean;
  #isClosed = false;

  constructor(near: Socket, parts: LinkParts) {
    this.client = parts.client;
    this.connection = parts.connection;
    this.#near = near;
    this.#parts = parts;
    this.#isHeld = parts.plan.holdConnect ?? false;
    near.on('error', () => {}).on('close', () => this.#closed('up', near));
  }

  /** Connects to the server, once. */
  dial(target: Address): void {
    if (this.#far !== undefined || this.#isHeld || this.#isClosed) return;
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.#far = far;
    far.on('error', () => {}).on('close', () => this.#closed('down', far));
    const { plan, connection } = this.#parts;
    const pipe = (direction: Direction, from: Socket, to: Socket): Pipe =>
      new Pipe(from, to, {
        shape: plan[direction] ?? { kind: 'pass' },
        stop: plan.stop?.direction === direction ? plan.stop : undefined,
        salt: connection,
        onData: bytes => this.#record('data', direction, bytes),
        onEnd: () => this.#record('end', direction),
        onStop: action => (action === 'cut' ? this.cut() : this.#end()),
      });
    this.#pipes = [pipe('up', this.#near, far), pipe('down', far, this.#near)];
  }

  hold(): void {
    this.#isHeld = true;
    for (const pipe of this.#pipes) pipe.hold();
  }

  release(target: Address | undefined): void {
    this.#isHeld = false;
    if (target !== undefined) this.dial(target);
    for (const pipe of this.#pipes) pipe.release();
  }

  /** Resets both connections. */
  cut(): void {
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
  }

  /** Ends both streams. */
  #end(): void {
    this.#near.end();
    this.#far?.end();
  }

  #closed(direction: Direction, socket: Socket): void {
    const other = socket === this.#near ? this.#far : this.#near;
    // A reset is forwarded as one; after an orderly end the other side may still send.
    if (socket.errored !== null || !socket.readableEnded) other?.resetAndDestroy();
    if (this.#isClosed) return;
    if (other?.closed === false && socket.readableEnded) return;
    this.#isClosed = true;
    for (const pipe of this.#pipes) pipe.close();
    this.#record('close', direction);
    this.#parts.onClose();
  }

  #record(kind: LinkEvent['kind'], direction: Direction, bytes?: Uint8Array): void {
    const { connection, client } = this;
    this.#parts.record({
      kind,
      connection,
      client,
      direction,
      ...(bytes === undefined ? {} : { bytes }),
    });
  }
}
