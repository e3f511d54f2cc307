import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { BetBatch } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import type { Draw } from '../../lottery/draw.ts';
import type { Fact, Seal, UploadPlace } from '../../lottery/fact.ts';
import { decodeRows } from '../../lottery/row-decoder.ts';
import type { RowScanner } from '../../lottery/row-scanner.ts';
import {
  type EngineEvent,
  type Note,
  type OnFact,
  type Store,
  StoreError,
  type StoreWatch,
} from '../store.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import { Log, type LogEnd } from './log.ts';
import { LogState } from './log-state.ts';
import { findPrimary, type SyncMode } from './primary.ts';
import { type Access, EngineError } from './session.ts';
import { Troubles } from './troubles.ts';
import { WAITS } from './waits.ts';

const NO_ROWS = new Uint8Array();

export interface PostgresStoreOptions {
  readonly access: Access;
  readonly lottery: string;
  /** The agencies that the draw waits for, in the form `1-5,7`. */
  readonly agencies: string;
  readonly sync: SyncMode;
  readonly onFact?: OnFact;
  readonly onEvent?: (event: EngineEvent) => void;
  readonly watch?: StoreWatch | undefined;
  readonly openRowScanner?: () => RowScanner;
  readonly patienceMs?: number;
  /** Ends an opening that waits for the engine. */
  readonly signal?: AbortSignal;
}

/**
 * The store for several servers: one log in a table of PostgreSQL, to which each of them appends and whose facts all of them read.
 *
 * A fact is applied, and answered, when it is durable by the word of the engine: its append has returned, without a warning, from a
 * primary that waits for a standby; or, for facts of others and for an append whose answer was lost, a later commit has
 * (`Session.barrier`). Any failure drops the connection, and the next one finds in the log what became of the record that was sent.
 */
export class PostgresStore implements Store {
  readonly failure: Promise<StoreError>;
  readonly #options: PostgresStoreOptions;
  readonly #parts: ConnectionParts;
  readonly #state: LogState;
  readonly #troubles: Troubles;
  readonly #failure = Promise.withResolvers<StoreError>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  #failed: StoreError | undefined;
  #isSealing = false;
  /** Of all rows, as they were read last. */
  #digest: { readonly end: LogEnd; readonly bytes: number; readonly sha256: string } | undefined;

  private constructor(options: PostgresStoreOptions) {
    const { onFact = () => {}, onEvent = () => {}, patienceMs = WAITS.patienceMs, signal } = options;
    const name = `loteria-${randomBytes(6).toString('hex')}`;
    const log = new Log(options.lottery, options.agencies);
    this.#options = options;
    this.failure = this.#failure.promise;
    this.#state = new LogState(name, onFact);
    this.#parts = { ...options, name, log, state: this.#state };
    this.#troubles = new Troubles(patienceMs, onEvent, error => this.#state.rejectAll(error, false));
    this.#opened.promise.catch(() => {});
    signal?.addEventListener('abort', () => void this.#stop(), { once: true });
    this.#running = this.#run();
  }

  /**
   * Opens the log and waits, for as long as it takes, for an engine that is not there yet.
   *
   * @throws StoreError `unusable` (as a rejection) when the database cannot be used, or was not there before `signal`
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const store = new PostgresStore(options);
    await store.#opened.promise;
    if (options.sync === 'single') options.onEvent?.({ kind: 'single' });
    return store;
  }

  get unsyncedBytes(): number {
    return this.#state.unsyncedBytes;
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
    this.#isSealing = true;
    try {
      await this.settled();
      const { end } = this.#state;
      if (this.#digest?.end !== end) for await (const _ of this.#rows());
      // From here on the log rejects a draw that others were faster than.
      if (this.#state.isDrawn || this.#state.end !== end)
        throw new StoreError('overtaken', 'another server was first');
      const { bytes, sha256 } = this.#digest!;
      const seal = { bytes, sha256, time: new Date().toISOString() };
      await this.#state.add({ kind: 'drawn', draw, seal }, NO_ROWS);
      return seal;
    } finally {
      this.#isSealing = false;
    }
  }

  async settled(): Promise<void> {
    const own = this.#state.settled().then(() => true);
    for (;;) {
      const refusal = this.#failed ?? this.#closed() ?? this.#troubles.refusal;
      if (refusal !== undefined) throw refusal;
      // What was sent to an engine that is away is not settled before it is back: looks again whether that is waited for.
      if (!(await Promise.race([own, pause(WAITS.retryMs, false, { ref: false })]))) continue;
      try {
        return await this.#connection!.readToEnd();
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
      }
      await pause(WAITS.retryMs);
    }
  }

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    await this.settled();
    const scanner = this.#options.openRowScanner?.();
    for await (const rows of this.#rows()) {
      yield decodeRows([rows], `the lottery ${this.#options.lottery}`, scanner);
    }
  }

  async close(): Promise<void> {
    // What is on its way to an engine that is away stays unanswered.
    const patienceMs = this.#troubles.isThere ? 0 : WAITS.patienceMs;
    await Promise.race([this.#state.settled(), pause(patienceMs, undefined, { ref: false })]);
    await this.#stop();
  }

  async #stop(): Promise<void> {
    this.#closing.abort();
    this.#state.rejectAll(this.#closed()!, true);
    this.#opened.reject(new StoreError('unusable', 'the engine was not there before the end'));
    this.#troubles.close();
    await this.#connection?.close();
    await this.#running;
  }

  /** All rows up to the end of the log, a record at a time. */
  async *#rows(): AsyncGenerator<Uint8Array> {
    const { access, name, sync, log } = this.#parts;
    const { end } = this.#state;
    const hash = createHash('sha256');
    let [bytes, chain] = [0, end.chain];
    try {
      const session = await findPrimary(access, name, sync);
      try {
        for await (const record of log.records(session, end.position)) {
          hash.update(record.rows);
          bytes += record.rows.length;
          ({ chain } = record);
          yield record.rows;
        }
      } finally {
        await session.close();
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new StoreError('unavailable', error.message, error);
    }
    if (Buffer.compare(chain, end.chain) !== 0)
      throw new StoreError('unavailable', 'the primary has another log');
    this.#digest = { end, bytes, sha256: hash.digest('hex') };
  }

  #add(fact: Fact, rows: Uint8Array): Promise<void> {
    const refusal = this.#refusal();
    return refusal === undefined ? this.#state.add(fact, rows) : Promise.reject(refusal);
  }

  /** Why nothing is taken now. */
  #refusal(): StoreError | undefined {
    const isOver = this.#state.isDrawn || this.#isSealing;
    const drawn = isOver ? new StoreError('failed', 'nothing is stored after the draw') : undefined;
    return this.#failed ?? this.#closed() ?? drawn ?? this.#troubles.refusal;
  }

  #closed(): StoreError | undefined {
    return this.#closing.signal.aborted ? new StoreError('failed', 'the store is closed') : undefined;
  }

  /** Keeps a connection until the store is closed or has failed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted && this.#failed === undefined) {
      try {
        const connection = await Connection.open(this.#parts);
        this.#connection = connection;
        if (signal.aborted) await connection.close();
        this.#troubles.end();
        this.#opened.resolve();
        await connection.run();
      } catch (error) {
        if (!signal.aborted) this.#onLost(error);
      }
      await pause(WAITS.retryMs, undefined, { signal }).catch(() => {});
    }
  }

  /** A wrong password ends a start; later it is waited for, since it may be about to be changed. */
  #onLost(error: unknown): void {
    const isOpened = this.#connection !== undefined;
    if (error instanceof EngineError && (isOpened || error.trouble !== 'final')) {
      this.#troubles.begin(error.message, error.trouble === 'unsafe');
      return;
    }
    const { message } = error as Error;
    this.#failed =
      error instanceof StoreError ? error : new StoreError(isOpened ? 'failed' : 'unusable', message, error);
    this.#troubles.close();
    this.#opened.reject(this.#failed);
    this.#failure.resolve(this.#failed);
    this.#state.rejectAll(this.#failed, true);
  }
}
