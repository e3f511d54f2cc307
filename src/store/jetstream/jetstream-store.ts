import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { BetBatch } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import type { Draw } from '../../lottery/draw.ts';
import type { Fact, Seal, UploadPlace } from '../../lottery/fact.ts';
import { decodeRows } from '../../lottery/row-decoder.ts';
import type { RowScanner } from '../../lottery/row-scanner.ts';
import type { TailCut } from '../csv/recovery.ts';
import { type Note, type Store, StoreError, type StoreWatch } from '../store.ts';
import type { Condition, ConnectionState, Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { PlacedRecord } from './log-record.ts';
import { isSameEnd, type LogState } from './log-state.ts';
import { LogReader } from './log-reader.ts';
import { LogRows } from './log-rows.ts';
import {
  MESSAGE_OVERHEAD_BYTES,
  type OpenedLog,
  openLog,
  type OpenLogOptions,
  tellRestored,
} from './open-log.ts';
import type { Outbox } from './outbox.ts';
import { Publisher } from './publisher.ts';
import { ReplicaCheck } from './replica-check.ts';
import { restoreLog } from './restore.ts';
import { Troubles } from './troubles.ts';

/** Wait between two looks at the engine, in milliseconds. */
const LOOK_MS = 1000;

/** How long there may be more to read without any of it coming, before another consumer is asked for it, in milliseconds. */
const STANDSTILL_MS = 3000;

/** Wait before something that the engine did not do is tried again, in milliseconds. */
const RETRY_MS = 500;

/** How long agencies wait for an engine that is away, before they are refused, in milliseconds: longer than it takes to elect a leader. */
const PATIENCE_MS = 15_000;

/**
 * Length at which a record of the log is full, in bytes. The engine's client gathers a message that arrives in pieces in a buffer
 * that grows from 64 to 192, 448 and 960 kB: one more step costs more, in memory that has to be collected, than fewer records save.
 */
const RECORD_BYTES = 384 * 1024;

const NO_ROWS = new Uint8Array();

export interface JetStreamStoreOptions extends OpenLogOptions {
  /** Told how long it takes until something is durable. */
  readonly watch?: StoreWatch | undefined;
  /** How the rows are found for a draw, when there is a faster way than the plain one. */
  readonly openRowScanner?: () => RowScanner;
  readonly clock?: () => Date;
  /** How long agencies wait for an engine that is away, before they are refused, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * The store for several servers: one log in a replicated stream, to which each of them adds and which all of them read.
 *
 *     append ─▶ publisher ─▶ engine: stored by a majority ─▶ read back by every server, in the same order
 *                                                                   │
 *            answered ◀── follower judges and applies ◀── outbox: written and synced
 *
 * A server tells nobody anything that it has not read back from the log and has a synced copy of. So what it has said survives
 * the loss of a minority of the engine's nodes for good, and the loss of power in all of them as long as one outbox is there
 * (`restore.ts`). Whether something counts is decided where it stands in the log, by every server alike (`log-state.ts`).
 */
export class JetStreamStore implements Store {
  readonly failure: Promise<StoreError>;
  readonly #options: JetStreamStoreOptions;
  readonly #engine: Engine;
  readonly #outbox: Outbox;
  readonly #writer = randomBytes(6).toString('hex');
  readonly #publisher: Publisher;
  readonly #reader: LogReader;
  readonly #troubles: Troubles;
  readonly #failure = Promise.withResolvers<StoreError>();
  readonly #closing = new AbortController();
  #state: LogState;
  #failed: StoreError | undefined;
  /** Whether the end of the log may have been lost since it was looked at: until then nothing is added. */
  #isSuspect = true;
  #isConnected = true;
  /** Whether the stream was found shorter than it should be. */
  #isShort = false;
  /** The position that was found at the last looks, and since when. */
  #standing = { position: 0, since: 0 };
  #leader: string;
  /** Whether another node leads the stream since all of it was read: its copy may be another log. */
  #isOtherLeader = false;
  #found: Pick<Condition, 'nodes' | 'away'> = { nodes: [], away: 0 };
  readonly #replicas: ReplicaCheck;
  readonly #waitingForPosition: (() => void)[] = [];
  #looking: Promise<void>;
  /** Ends the wait between two looks. */
  #lookNow: () => void = () => {};
  readonly #rows: LogRows;

  private constructor(options: JetStreamStoreOptions, log: Omit<OpenedLog, 'cuts'>) {
    const { engine, outbox } = log;
    const { onEvent = () => {}, patienceMs = PATIENCE_MS, watch } = options;
    this.#options = options;
    this.#engine = engine;
    this.#outbox = outbox;
    this.#state = log.state;
    this.#leader = log.leader;
    this.failure = this.#failure.promise;
    this.#rows = new LogRows({ engine, state: () => this.#state, signal: this.#closing.signal });
    this.#troubles = new Troubles({
      now: () => performance.now(),
      patienceMs,
      onTrouble: error => onEvent({ kind: 'unavailable', error }),
      onPatienceLost: why => {
        this.#publisher.rejectWaiting(unavailable(why));
        this.#tellPosition();
      },
      onEnd: awayMs => onEvent({ kind: 'available', awayMs }),
    });
    this.#publisher = new Publisher({
      engine,
      writer: this.#writer,
      recordBytes: RECORD_BYTES,
      onTrouble: why => this.#troubles.begin('publish', why),
      onAcknowledged: () => this.#troubles.end('publish'),
    });
    this.#reader = new LogReader({
      engine,
      outbox,
      watch,
      nextOf: writer => this.#state.nextOf(writer),
      onRecord: record => {
        const verdicts = this.#state.apply(record);
        if (verdicts === undefined) this.#onVoid(record);
        else if (record.writer === this.#writer) this.#publisher.settle(record.n, verdicts);
        this.#tellPosition();
      },
      onTrouble: (trouble, why) => this.#troubles.begin(trouble, why),
      onTroubleEnd: trouble => this.#troubles.end(trouble),
      onInterrupted: () => this.#suspect(),
      onFailure: error => this.#fail(error),
    });
    this.#replicas = new ReplicaCheck({
      engine,
      outbox,
      now: () => performance.now(),
      onDiffering: nodes => onEvent({ kind: 'copies', differing: nodes }),
      onFailure: error => this.#fail(error),
    });
    engine.onConnection(connection => this.#onConnection(connection));
    this.#looking = this.#look();
  }

  /** Opens the log, see `openLog`. */
  static async open(
    options: JetStreamStoreOptions,
  ): Promise<{ store: JetStreamStore; cuts: readonly TailCut[] }> {
    const { cuts, ...log } = await openLog(options);
    return { store: new JetStreamStore(options, log), cuts };
  }

  get unsyncedBytes(): number {
    return this.#publisher.unsettledBytes;
  }

  append({ agency, count, rows }: BetBatch, place?: UploadPlace): Promise<void> {
    return this.#add({ kind: 'stored', agency, count, place }, rows);
  }

  note(note: Note): Promise<void> {
    return this.#add(note, NO_ROWS);
  }

  async seal(draw: Draw): Promise<Seal> {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    const { clock = () => new Date() } = this.#options;
    await this.settled();
    const { bytes, sha256 } = await this.#rows.digest();
    // Another server may have held the draw while the bets were read here.
    if (this.#state.drawn) throw new StoreError('overtaken', 'the draw has been held');
    const seal = { bytes, sha256, time: clock().toISOString() };
    await this.#add({ kind: 'drawn', draw, seal }, NO_ROWS);
    return seal;
  }

  async caughtUp(): Promise<void> {
    for (;;) {
      const refusal = this.#refusal(true);
      if (refusal !== undefined) throw refusal;
      try {
        const { last, leader } = await this.#engine.condition();
        if (leader !== this.#leader || this.#isOtherLeader) throw new EngineError('another node leads');
        await this.#reached(last);
        return;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
      }
      // As a batch waits for an engine that is away.
      await pause(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  async settled(): Promise<void> {
    await this.#publisher.settled();
    if (this.#failed !== undefined) throw this.#failed;
  }

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    await this.settled();
    const scanner = this.#options.openRowScanner?.();
    for await (const rows of this.#rows.all()) {
      yield decodeRows([rows], `the stream ${this.#options.engine.stream}`, scanner);
    }
  }

  async close(): Promise<void> {
    // What is on its way to an engine that is away stays unanswered.
    const patience = new Promise<void>(resolve => {
      setTimeout(resolve, this.#troubles.why === undefined ? PATIENCE_MS : 0).unref();
    });
    await Promise.race([this.#publisher.settled(), patience]);
    this.#closing.abort();
    this.#lookNow();
    this.#tellPosition();
    await this.#publisher.close(new StoreError('failed', 'the store is closed'));
    await this.#looking;
    await this.#reader.stop();
    this.#troubles.close();
    await this.#engine.close();
    await this.#replicas.close();
    await this.#outbox.close();
  }

  #add(fact: Fact, rows: Uint8Array): Promise<void> {
    const refusal = this.#refusal() ?? this.#refusalOfSize(rows);
    return refusal === undefined ? this.#publisher.add(fact, rows) : Promise.reject(refusal);
  }

  /**
   * Fulfilled when the log was read up to a position.
   *
   * @throws EngineError (as a rejection) when the log was put together anew meanwhile: it may not come as far any more
   */
  async #reached(position: number): Promise<void> {
    const state = this.#state;
    while (state.position < position) {
      if (state !== this.#state) throw new EngineError('the log was put together anew');
      const refusal = this.#refusal(true);
      if (refusal !== undefined) throw refusal;
      await new Promise<void>(resolve => this.#waitingForPosition.push(resolve));
    }
  }

  #tellPosition(): void {
    for (const tell of this.#waitingForPosition.splice(0)) tell();
  }

  /** Why nothing is taken now. */
  #refusal(evenAfterDraw = false): StoreError | undefined {
    if (this.#failed !== undefined) return this.#failed;
    if (this.#closing.signal.aborted) return new StoreError('failed', 'the store is closed');
    if (this.#state.drawn && !evenAfterDraw)
      return new StoreError('failed', 'nothing is stored after the draw');
    const why = this.#troubles.whyNotWait;
    return why === undefined ? undefined : unavailable(why);
  }

  #refusalOfSize(rows: Uint8Array): StoreError | undefined {
    const max = this.#engine.messageBytesMax - MESSAGE_OVERHEAD_BYTES;
    if (rows.length <= max) return undefined;
    return new StoreError(
      'full',
      `the engine takes batches of up to ${max} bytes, this one has ${rows.length}`,
    );
  }

  /** A record that does not count was read: one that came again, or one behind others that were lost. */
  #onVoid({ writer, n }: PlacedRecord): void {
    if (writer !== this.#writer) this.#suspect();
    else if (n >= this.#state.nextOf(writer)) this.#publisher.beginAge();
  }

  #onConnection(state: ConnectionState): void {
    if (this.#closing.signal.aborted) return;
    if (state === 'closed')
      this.#fail(new StoreError('failed', 'the engine has closed the connection for good'));
    this.#isConnected = state === 'there';
    if (state === 'there') this.#troubles.end('connection');
    else this.#troubles.begin('connection', 'the connection to the engine was lost');
    this.#suspect();
  }

  /** Something has happened after which the end of the stream may be another one: looks at it before anything is added. */
  #suspect(): void {
    if (this.#closing.signal.aborted) return;
    this.#isSuspect = true;
    this.#replicas.interrupted();
    this.#publisher.hold();
    this.#lookNow();
  }

  /** Looks at the engine every now and then: whether it is there, and whether it has all that was read from it. */
  async #look(): Promise<void> {
    const { signal } = this.#closing;
    let lookedAt = performance.now();
    while (!signal.aborted && this.#failed === undefined) {
      // What is asked meanwhile is not answered when there is a connection again, either.
      while (!this.#isConnected && !signal.aborted) await this.#untilNextLook();
      if (signal.aborted) return;
      try {
        while (await this.#hasLostItsEnd()) await this.#restore();
        this.#troubles.end('stream');
        await this.#age(performance.now() - lookedAt);
      } catch (error) {
        if (!(error instanceof EngineError)) this.#fail(error);
        else this.#troubles.begin('stream', error.message);
        // Whoever leads it next may have another end of it, and whoever led it is not to be read any more.
        this.#suspect();
        await this.#reader.stop();
      }
      lookedAt = performance.now();
      if (!signal.aborted) await this.#untilNextLook();
    }
  }

  async #untilNextLook(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lookNow = resolve;
    const timer = setTimeout(resolve, this.#isSuspect ? RETRY_MS : LOOK_MS);
    await promise;
    clearTimeout(timer);
  }

  async #hasLostItsEnd(): Promise<boolean> {
    const { position } = this.#state;
    const { last, leader, nodes, away } = await this.#engine.condition();
    if (nodes.join(' ') !== this.#found.nodes.join(' ')) this.#replicas.interrupted();
    this.#isOtherLeader ||= leader !== this.#leader;
    this.#isSuspect ||= last < position || this.#isOtherLeader || this.#standsStill(last, position);
    this.#leader = leader;
    this.#found = { nodes, away };
    return this.#isSuspect && (await this.#isLost());
  }

  /** Whether there has been more to read for too long: a node that has not all of the stream may have the consumer. */
  #standsStill(last: number, position: number): boolean {
    const now = performance.now();
    const hasMoved = last <= position || position !== this.#standing.position;
    if (hasMoved) this.#standing = { position, since: now };
    return now - this.#standing.since > STANDSTILL_MS;
  }

  /**
   * Looks at the last record that was read. Meanwhile nothing is read nor added: a stream that has lost its end may have grown beyond
   * it again with other records.
   */
  async #isLost(): Promise<boolean> {
    this.#isSuspect = false;
    this.#standing = { position: 0, since: performance.now() };
    this.#publisher.hold();
    await this.#reader.stop();
    const { end } = this.#state;
    const found = end.position === 0 ? undefined : await this.#engine.at(end.position);
    if (end.position > 0 && found === undefined) {
      // A leader that has just been elected may still be reading its own log: only who says so twice has lost it.
      this.#isShort = !this.#isShort;
      this.#isSuspect = true;
      return !this.#isShort;
    }
    this.#isShort = false;
    if (found !== undefined && !isSameEnd(end, found)) return true;
    if (this.#isOtherLeader && !(await this.#hasSameLog())) return true;
    // It may have become suspect again.
    if (this.#isSuspect || this.#closing.signal.aborted) return false;
    this.#reader.start(end);
    this.#publisher.doubt();
    this.#publisher.open();
    return false;
  }

  /** Whether the node that leads the stream now has all that was read of the one before it. */
  async #hasSameLog(): Promise<boolean> {
    const { mark } = this.#state;
    const found = await this.#engine.markOn(this.#leader, mark.position, this.#replicas.common);
    this.#isOtherLeader = found.digest !== mark.digest;
    return !this.#isOtherLeader;
  }

  /** Puts the log together again: what the stream has, and what it has lost and the outbox has. */
  async #restore(): Promise<void> {
    const { follower, onEvent = () => {} } = this.#options;
    this.#troubles.begin('restoring', 'the engine has lost records of the stream, they are being put back');
    const parts = { engine: this.#engine, outbox: this.#outbox, before: this.#state, writer: this.#writer };
    const restored = await this.#untilDone(() => restoreLog({ ...parts, follower }));
    if (restored === undefined) return;
    this.#state = restored.state;
    this.#leader = restored.leader;
    this.#isOtherLeader = false;
    this.#replicas.forget();
    restored.state.handOverTo(follower);
    this.#tellPosition();
    for (const [n, verdicts] of restored.own) this.#publisher.settle(n, verdicts);
    this.#publisher.beginAge();
    this.#troubles.end('restoring');
    // Looked at once more, everything goes on from there.
    this.#isSuspect = true;
    tellRestored(restored, onEvent);
  }

  /** Tries again for as long as the engine fails; undefined when the store is closed meanwhile. */
  async #untilDone<Result>(act: () => Promise<Result>): Promise<Result | undefined> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const result = await act();
        this.#troubles.end('stream');
        return result;
      } catch (error) {
        const isFull = error instanceof StoreError && error.code === 'full';
        if (!isFull && !(error instanceof EngineError)) throw error;
        this.#troubles.begin('stream', error.message);
      }
      await pause(RETRY_MS, undefined, { signal }).catch(() => {});
    }
    return undefined;
  }

  async #age(elapsedMs: number): Promise<void> {
    if (this.#troubles.why !== undefined) this.#replicas.interrupted();
    else await this.#replicas.look(elapsedMs, this.#state.mark, this.#found);
  }

  #fail(error: unknown): void {
    if (this.#failed !== undefined || this.#closing.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#failed =
      error instanceof StoreError && error.code === 'failed'
        ? error
        : new StoreError('failed', message, error);
    this.#failure.resolve(this.#failed);
    this.#tellPosition();
  }
}

function unavailable(why: string, cause?: unknown): StoreError {
  return new StoreError('unavailable', why, cause);
}
