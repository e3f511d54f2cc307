import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { Actas } from '../../src/central/draw-holder.ts';
import { Central } from '../../src/central/central.ts';
import { Connection } from '../../src/central/connection.ts';
import { Listener } from '../../src/central/listener.ts';
import { OpenConnections } from '../../src/central/open-connections.ts';
import { type SecurePeer, TlsAcceptor, type TlsAcceptorParts } from '../../src/central/tls-acceptor.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import type { Fact, UploadPlace } from '../../src/lottery/fact.ts';
import type { BetsDigest } from '../../src/lottery/acta.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import type { CentralEvent } from '../../src/observe/events.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { type Note, type OnFact, type Store, StoreError } from '../../src/store/store.ts';
import type { Dialect } from '../../src/wire/dialect.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/wire/limits.ts';
import { Peer } from './peer.ts';

const WAIT_MS = 10_000;

/** The answers of the base protocol without payload, as hex. */
export const OK = '4f4b0000';
export const NOK = '4e4f4b00';
export const NEND = '4e454e44';

/** The messages of the base protocol without payload. */
export const END = Buffer.from('454e4400', 'hex');
export const GWIN = Buffer.from('4757494e', 'hex');

/** A type, padded to four bytes, the length of the payload as `u32`, the payload. */
export function frame(type: string, payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.write(type, 'latin1');
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

export const conn = (id: number | string): Buffer => frame('CONN', String(id));

/** The five fields of a valid bet; it wins when its number is 7574. */
export function bet(document: number | string, number: number | string = 1): string[] {
  return ['Santiago Lionel', 'Lorca', String(document), '1999-03-17', String(number)];
}

/** The row of such a bet in `bets.csv`. */
export function row(agency: number, document: number | string, number: number | string = 1): string {
  return `${agency},Santiago Lionel,Lorca,${document},1999-03-17,${number}\r\n`;
}

export function nbet(...bets: readonly (readonly string[])[]): Buffer {
  return frame('NBET', [bets.length, ...bets.flat()].join('|'));
}

/** `RWIN count|dni|dni…` as hex. */
export function rwin(...documents: readonly (number | string)[]): string {
  return frame('RWIN', `${documents.length}|${documents.join('|')}`).toString('hex');
}

export const helo = (agency: number | string, upload = 'u'): Buffer => frame('HELO', `${agency}|${upload}`);

/** The same of an agency that numbers bets, not batches. */
export const heloBets = (agency: number | string, upload = 'u'): Buffer =>
  frame('HELO', `${agency}|${upload}|bets`);

/** What a central with default limits answers, as `Peer.frame` reads it. */
export const welc = (next: number): string => `WELC ${next}|64|8184`;
export const welcBets = (next: number, refused = 0): string => `${welc(next)}|${refused}`;

export function sbet(seq: number | string, ...bets: readonly (readonly string[])[]): Buffer {
  return frame('SBET', [seq, bets.length, ...bets.flat()].join('|'));
}

export const done = (batches: number, bets: number): Buffer => frame('DONE', `${batches}|${bets}`);

export const WAIT = Buffer.from('57414954', 'hex');

/** The same of an agency that has seen so many actas. */
export const actaAfter = (seen: number): Buffer => frame('ACTA', String(seen));

/** Waits for something that becomes true by itself. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await delay(1);
  }
}

/** A socket of the loopback interface that reads nothing by itself; destroyed when the test ends. */
export async function connectRaw(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return socket;
}

/** A clock that stands still until it is told otherwise. */
export class ManualClock {
  time = 1_000;
  #looks = 0;

  readonly now = (): number => {
    this.#looks += 1;
    return this.time;
  };

  /** Moves on, and waits until the deadlines of every connection (at most three) have been looked at. */
  async advance(ms: number): Promise<void> {
    this.time += ms;
    const enough = this.#looks + 8;
    await until(() => this.#looks >= enough, 'the deadlines being looked at');
  }
}

/** What waits at the door of the store: the fact that it becomes, and the rows of a batch. */
interface Waiting {
  readonly fact: Note | Extract<Fact, { kind: 'stored' }>;
  readonly batch?: BetBatch;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

/** What a store says that does not take something. */
const REFUSALS = {
  full: 'cannot write bets.csv, ENOSPC on write',
  unavailable: 'no node leads the stream',
  overtaken: 'another server was first',
} as const;

/** The memory store, with a door: while `held`, batches and notes wait until the test lets them in or refuses them. */
export class GatedStore implements Store {
  readonly failure: Promise<StoreError> = new Promise(() => {});
  held: boolean;
  /** Batches that were handed over, in order. */
  readonly appended: BetBatch[] = [];
  /** Notes that were handed over, in order. */
  readonly noted: Note[] = [];
  /** Rows that are durable. */
  rows = '';
  /** Facts that are durable, in order. */
  readonly facts: Fact[] = [];
  /** Told each of them. */
  onFact: OnFact = () => {};
  /** How often the bets were read: once per draw. */
  reads = 0;
  /** How often the draw was handed over. */
  seals = 0;
  /** What becomes of the next draws that are handed over, oldest first: each is refused for this reason. */
  readonly sealRefusals: (keyof typeof REFUSALS)[] = [];
  /** What `settled` waits for as well. */
  settling: Promise<void> = Promise.resolve();
  /** How often it was called. */
  asked = 0;
  readonly lottery = 'of the test';
  readonly #memory = new MemoryStore(fact => {
    this.facts.push(fact);
    this.onFact(fact);
  });
  readonly #waiting: Waiting[] = [];
  #done: Promise<unknown> = Promise.resolve();

  constructor(options: { held?: boolean } = {}) {
    this.held = options.held ?? false;
  }

  get unsyncedBytes(): number {
    return this.#waiting.reduce((sum, { batch }) => sum + (batch?.rows.length ?? 0), 0);
  }

  append(given: BetBatch, place?: UploadPlace): Promise<void> {
    const batch = { ...given, rows: given.rows.slice() };
    this.appended.push(batch);
    const { agency, count } = batch;
    return this.#arrive({ kind: 'stored', agency, count, place }, batch);
  }

  async note(note: Note): Promise<void> {
    if (note.kind === 'closed') return this.#memory.note(note);
    if (note.kind === 'drawn') {
      this.seals += 1;
      const refusal = this.sealRefusals.shift();
      if (refusal !== undefined) throw storeError(refusal);
      return this.#memory.note(note);
    }
    this.noted.push(note);
    return this.#arrive(note);
  }

  digest(): Promise<BetsDigest> {
    return this.#memory.digest();
  }

  #arrive(fact: Waiting['fact'], batch?: BetBatch): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ fact, ...(batch && { batch }), fulfil: resolve, reject });
    this.#done = Promise.allSettled([this.#done, promise]);
    if (!this.held) this.letIn();
    return promise;
  }

  /** Makes the oldest that wait durable. */
  letIn(count = Infinity): void {
    for (const { fact, batch, fulfil } of this.#waiting.splice(0, count)) {
      if (fact.kind === 'stored') {
        this.rows += Buffer.from(batch!.rows).toString('utf8');
        void this.#memory.append(batch!, fact.place);
      } else {
        void this.#memory.note(fact);
      }
      fulfil();
    }
  }

  /** Makes everything durable that waits and that will come. */
  open(): void {
    this.held = false;
    this.letIn();
  }

  /** Refuses all that wait, as the promise of every store says: nobody's later batch is stored without the earlier one. */
  refuse(reason: keyof typeof REFUSALS = 'full'): void {
    for (const { reject } of this.#waiting.splice(0)) reject(storeError(reason));
  }

  /** Refuses the oldest that waits and nothing else: another server was first with it. */
  overtake(): void {
    this.#waiting.shift()!.reject(storeError('overtaken'));
  }

  /** Another server on the same log has handed over something that is durable. */
  tellOfAnother(fact: Fact): void {
    this.facts.push(fact);
    this.onFact(fact);
  }

  async settled(): Promise<void> {
    this.asked += 1;
    await this.settling;
    await this.#done;
  }

  bets(): AsyncGenerator<Iterable<Bet>> {
    this.reads += 1;
    return this.#memory.bets();
  }

  async close(): Promise<void> {}
}

export const finishedBy = (agency: number): Fact => ({ kind: 'finished', agency, upload: undefined });

/** A draw without any bet, that another server has held. */
export function drawnBy(sha256: string, ofAgency1: readonly string[] = []): Fact {
  const seal = { bytes: 0, sha256, time: '2026-01-02T03:04:05.000Z' };
  return { kind: 'drawn', draw: { bets: 0, winners: new Map([[1, ofAgency1]]) }, seal };
}

/** The error of a store that does not take something. */
export function storeError(reason: keyof typeof REFUSALS): StoreError {
  return new StoreError(reason, REFUSALS[reason]);
}

export interface TestCentralOptions {
  readonly agencies?: readonly number[];
  /** With the facts of a former process, say; without it, one that has just begun with `agencies`. */
  readonly lottery?: Lottery;
  readonly store?: Store;
  readonly limits?: Partial<Limits>;
  readonly now?: () => number;
  /** What is spoken, each on a port of its own; without it, the base protocol and its extension. */
  readonly dialects?: readonly Dialect[];
  readonly actas?: Actas;
  /** Speaks TLS. */
  readonly tls?: Pick<TlsAcceptorParts, 'identity' | 'clientAuthority'>;
}

/** A central as the product runs it, on free ports of the loopback interface, in this process. It is stopped when the test ends. */
export class TestCentral {
  readonly central: Central;
  readonly lottery: Lottery;
  readonly events: CentralEvent[] = [];
  /** The central's end of every connection, in the order in which they were accepted. */
  readonly sockets: Socket[] = [];
  readonly #listeners: Listener[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(lottery: Lottery, central: (emit: (event: CentralEvent) => void) => Central) {
    this.lottery = lottery;
    this.central = central(event => this.events.push(event));
  }

  static async open(options: TestCentralOptions = {}): Promise<TestCentral> {
    const { agencies = [1, 2], store = new GatedStore(), now = () => performance.now() } = options;
    // Most tests ask before the draw to see that there was none.
    const limits = { ...DEFAULT_LIMITS, questionWaitMs: 0, ...options.limits };
    const { lottery = new Lottery(agencies), actas } = options;
    if (store instanceof GatedStore) store.onFact = fact => lottery.apply(fact);
    const { dialects = [createResumableDialect(new PlainBetReader())] } = options;
    const made = new TestCentral(
      lottery,
      emit => new Central({ lottery, store, hasWon, limits, actas, emit, now }),
    );
    const open = new OpenConnections(limits);
    for (const dialect of dialects) await made.#listen(dialect, { limits, open, now, tls: options.tls });
    onTestFinished(() => made.stop());
    made.central.resume();
    return made;
  }

  async #listen(
    dialect: Dialect,
    {
      tls,
      ...common
    }: {
      limits: Limits;
      open: OpenConnections;
      now: () => number;
      tls: TestCentralOptions['tls'];
    },
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
    const door = tls && new TlsAcceptor({ ...tls, ...common, emit, serve });
    const listener = await Listener.open({
      open,
      name: dialect.name,
      host: '127.0.0.1',
      port: 0,
      backlog: 128,
      limits,
      emit,
      serve: door?.serve ?? serve,
      turnAway: refusal => dialect.central(limits).encode({ kind: 'refused', refusal }),
    });
    this.#listeners.push(listener);
  }

  /** The port of the first dialect. */
  get port(): number {
    return this.#listeners[0]!.port;
  }

  /** @param listener which of the dialects, by its place */
  connect(listener = 0): Promise<Peer> {
    return Peer.connect(this.#listeners[listener]!.port);
  }

  /** A connection that has said who it is. */
  async agency(id: number): Promise<Peer> {
    const peer = await this.connect();
    const before = this.of('agency-identified').length;
    peer.send(conn(id));
    await until(() => this.of('agency-identified').length > before, `agency ${id} being identified`);
    return peer;
  }

  /** A connection that has said which upload it goes on with, and was welcome. */
  async uploader(agency: number, upload = 'u', next = 1): Promise<Peer> {
    const peer = await this.connect();
    peer.send(helo(agency, upload));
    expect(await peer.frame()).toBe(welc(next));
    return peer;
  }

  /** The same of an agency that numbers bets. */
  async betUploader(agency: number, upload = 'u', next = 1, refused = 0): Promise<Peer> {
    const peer = await this.connect();
    peer.send(heloBets(agency, upload));
    expect(await peer.frame()).toBe(welcBets(next, refused));
    return peer;
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

  stop(): Promise<void> {
    this.#stopped ??= Promise.all(this.#listeners.map(listener => listener.stop())).then(() => {});
    return this.#stopped;
  }
}

/** Asks something and waits for the answer, several times: the central has had its turn meanwhile. */
export async function takeTurns(peer: Peer): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    peer.send(GWIN);
    expect(await peer.receive(4)).toBe(NEND);
  }
}

/** The numbers from 0 up to, not including, `length`. */
export const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
