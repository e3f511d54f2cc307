import type { Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { Central } from '../../src/central/central.ts';
import { Connection } from '../../src/central/connection.ts';
import type { Actas } from '../../src/central/draw-holder.ts';
import { Listener } from '../../src/central/listener.ts';
import { OpenConnections } from '../../src/central/open-connections.ts';
import {
  type SecurePeer,
  TlsAcceptor,
  type TlsAcceptorParts,
} from '../../src/central/tls-acceptor.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import type { CentralEvent, CloseReason } from '../../src/observe/events.ts';
import type { Store } from '../../src/store/store.ts';
import type { Dialect } from '../../src/wire/dialect.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/wire/limits.ts';
import { conn, GWIN, helo, heloBets, NEND, welc, welcBets } from './base-frames.ts';
import { GatedStore } from './gated-store.ts';
import { Peer } from './peer.ts';
import { until } from './until.ts';

export interface TestCentralOptions {
  readonly agencies?: readonly number[];
  /** Default: a new lottery of `agencies`. */
  readonly lottery?: Lottery;
  readonly store?: Store;
  readonly limits?: Partial<Limits>;
  readonly now?: () => number;
  /** A port for each dialect; default: the base protocol and its extension. */
  readonly dialects?: readonly Dialect[];
  readonly actas?: Actas;
  /** Speaks TLS. */
  readonly tls?: Pick<TlsAcceptorParts, 'identity' | 'clientAuthority'>;
}

/** The product's central in this process, on free loopback ports. The end of the test stops it. */
export class TestCentral {
  readonly central: Central;
  readonly lottery: Lottery;
  readonly events: CentralEvent[] = [];
  /** The central's sockets, in order of acceptance. */
  readonly sockets: Socket[] = [];
  readonly #listeners: Listener[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(lottery: Lottery, central: (emit: (event: CentralEvent) => void) => Central) {
    this.lottery = lottery;
    this.central = central(event => this.events.push(event));
  }

  static async open(options: TestCentralOptions = {}): Promise<TestCentral> {
    const { agencies = [1, 2], store = new GatedStore(), now = () => performance.now() } = options;
    // Questions before the draw are answered at once: most tests ask one.
    const limits = { ...DEFAULT_LIMITS, questionWaitMs: 0, ...options.limits };
    const { lottery = new Lottery(agencies), actas } = options;
    if (store instanceof GatedStore) store.onFact = fact => lottery.apply(fact);
    const { dialects = [createResumableDialect(new PlainBetReader())] } = options;
    const made = new TestCentral(
      lottery,
      emit => new Central({ lottery, store, hasWon, limits, actas, emit, now }),
    );
    const open = new OpenConnections(limits);
    for (const dialect of dialects)
      await made.#listen(dialect, { limits, open, now, tls: options.tls });
    onTestFinished(() => made.stop());
    made.central.resume();
    return made;
  }

  async #listen(
    dialect: Dialect,
    {
      tls,
      ...common
    }: { limits: Limits; open: OpenConnections; now: () => number; tls: TestCentralOptions['tls'] },
  ): Promise<void> {
    const { central } = this;
    const { limits, open } = common;
    const emit = (event: CentralEvent): void => void this.events.push(event);
    const serve = (socket: Socket, ip: string, peer?: SecurePeer): Connection => {
      this.sockets.push(socket);
      const codec = dialect.central(limits);
      const { conversation } = dialect;
      return new Connection({ ...peer, ...common, socket, ip, codec, conversation, central, emit });
    };
    const acceptor = tls && new TlsAcceptor({ ...tls, ...common, emit, serve });
    const listener = await Listener.open({
      open,
      name: dialect.name,
      host: '127.0.0.1',
      port: 0,
      backlog: 128,
      limits,
      emit,
      serve: acceptor?.serve ?? serve,
      turnAway: refusal => dialect.central(limits).encode({ kind: 'refused', refusal }),
    });
    this.#listeners.push(listener);
  }

  /** Port of the first dialect. */
  get port(): number {
    return this.#listeners[0]!.port;
  }

  /** @param listener which of the dialects, by its place */
  connect(listener = 0): Promise<Peer> {
    return Peer.connect(this.#listeners[listener]!.port);
  }

  /** An identified connection. */
  async agency(id: number): Promise<Peer> {
    const peer = await this.connect();
    const before = this.of('agency-identified').length;
    peer.send(conn(id));
    await until(
      () => this.of('agency-identified').length > before,
      `agency ${id} being identified`,
    );
    return peer;
  }

  /** A connection with a resumed upload. */
  async uploader(agency: number, upload = 'u', next = 1): Promise<Peer> {
    const peer = await this.connect();
    peer.send(helo(agency, upload));
    expect(await peer.frame()).toBe(welc(next));
    return peer;
  }

  /** The same for an agency that numbers bets. */
  async betUploader(agency: number, upload = 'u', next = 1, refused = 0): Promise<Peer> {
    const peer = await this.connect();
    peer.send(heloBets(agency, upload));
    expect(await peer.frame()).toBe(welcBets(next, refused));
    return peer;
  }

  /** Sends messages over a new connection that the central then ends. @returns all answers */
  async last(...messages: readonly Uint8Array[]): Promise<string[]> {
    const peer = await this.connect();
    peer.send(Buffer.concat(messages));
    return peer.lastFrames();
  }

  /** The events of a kind, so far. */
  of<Kind extends CentralEvent['event']>(kind: Kind): Extract<CentralEvent, { event: Kind }>[] {
    return this.events.filter(
      (event): event is Extract<CentralEvent, { event: Kind }> => event.event === kind,
    );
  }

  /** Waits until there are `count` events of a kind. */
  async seen<Kind extends CentralEvent['event']>(
    kind: Kind,
    count = 1,
  ): Promise<Extract<CentralEvent, { event: Kind }>[]> {
    await until(() => this.of(kind).length >= count, `${count} events '${kind}'`);
    return this.of(kind);
  }

  /** Codes of all refused messages so far. */
  get refusalCodes(): string[] {
    return this.of('message-refused').map(({ refusal }) => refusal.code);
  }

  /** Reasons of all cut connections so far. */
  get cutReasons(): CloseReason[] {
    return this.of('connection-cut').map(({ reason }) => reason);
  }

  stop(): Promise<void> {
    this.#stopped ??= Promise.all(this.#listeners.map(listener => listener.stop())).then(() => {});
    return this.#stopped;
  }
}

/** Several round trips: the central has had its turn meanwhile. */
export async function takeTurns(peer: Peer): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    peer.send(GWIN);
    expect(await peer.receive(4)).toBe(NEND);
  }
}

/** Sends bytes and waits until the central has read them. */
export async function sendAndBeRead(socket: Socket, peer: Peer, bytes: Uint8Array): Promise<void> {
  const before = socket.bytesRead;
  peer.send(bytes);
  await until(() => socket.bytesRead === before + bytes.length, 'the bytes being read');
}
