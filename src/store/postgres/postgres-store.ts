import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { BetBatch } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import type { BetsDigest } from '../../lottery/acta.ts';
import { AgencyDigests } from '../../lottery/agency-digests.ts';
import type { UploadPlace } from '../../lottery/fact.ts';
import { decodeRows } from '../../lottery/row-decoder.ts';
import type { ByHand } from '../../lottery/fact.ts';
import { type Note, type OnStoreEvent, type Store, StoreError } from '../store.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import { WAITS } from './limits.ts';
import { type Listeners, LogState } from './log-state.ts';
import { EngineError } from './session.ts';

const NO_ROWS = new Uint8Array();

export interface PostgresStoreOptions extends ConnectionParts, Listeners {
  readonly onEvent?: OnStoreEvent;
  readonly patienceMs?: number;
  /** Aborts an opening that waits for the engine. */
  readonly signal?: AbortSignal;
}

/**
 * The store of several servers: one log in a table of PostgreSQL, which each server appends to and
 * reads. A fact is applied and acknowledged after a later commit has returned from a primary that
 * waits for a standby. An error drops the connection; the next one reads the outcome from the log.
 */
export class PostgresStore implements Store {
  readonly failure: Promise<StoreError>;
  readonly #options: PostgresStoreOptions;
  readonly #state: LogState;
  readonly #failure = Promise.withResolvers<StoreError>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  /** Why nothing is appended. */
  #refusal: StoreError | undefined;
  /** Since when, and why, the engine stores nothing. */
  #trouble: { readonly since: number; readonly why: string } | undefined;
  #patience: NodeJS.Timeout | undefined;
  /** Of all rows, when they were read last. */
  #digest: (BetsDigest & { readonly facts: number }) | undefined;

  private constructor(options: PostgresStoreOptions) {
    this.#options = options;
    this.failure = this.#failure.promise;
    this.#state = new LogState(`loteria-${randomBytes(6).toString('hex')}`, options);
    this.#opened.promise.catch(() => {});
    options.signal?.addEventListener('abort', () => void this.#stop(), { once: true });
    this.#running = this.#run();
  }

  /** Waits for the engine until `signal`. @throws StoreError `unusable` (as a rejection) */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const store = new PostgresStore(options);
    await store.#opened.promise;
    if (options.sync === 'single') options.onEvent?.({ event: 'engine-single' });
    return store;
  }

  get lottery(): string {
    return `${this.#options.lottery} ${this.#state.begun}`;
  }

  get unsyncedBytes(): number {
    return this.#state.unsyncedBytes;
  }

  async append({ agency, count, rows }: BetBatch, place?: UploadPlace): Promise<void> {
    this.#expectOpen();
    await this.#state.append({ kind: 'stored', agency, count, place }, rows);
  }

  async note(note: Note | ByHand): Promise<void> {
    this.#expectOpen();
    await this.#state.append(note, NO_ROWS);
  }

  async digest(): Promise<BetsDigest> {
    await this.settled();
    if (this.#digest?.facts !== this.#state.facts) for await (const _ of this.#rows());
    return this.#digest!;
  }

  async settled(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (!this.#state.isDrawn) await this.#state.append(undefined, NO_ROWS);
  }

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    await this.settled();
    const source = `the lottery ${this.#options.lottery}`;
    for await (const rows of this.#rows()) yield decodeRows([rows], source);
  }

  async close(): Promise<void> {
    // Without an engine pending records stay unanswered.
    if (this.#trouble === undefined) await this.settled().catch(() => {});
    await this.#stop();
  }

  async #stop(): Promise<void> {
    this.#closing.abort();
    this.#opened.reject(new StoreError('unusable', 'the engine was not there before the end'));
    this.#refuse(new StoreError('failed', 'the store is closed'));
    await this.#connection?.close();
    await this.#running;
  }

  #refuse(error: StoreError): void {
    clearTimeout(this.#patience);
    this.#refusal = error;
    this.#state.rejectAll(error);
  }

  /** All rows, by record. */
  async *#rows(): AsyncGenerator<Uint8Array> {
    const { facts } = this.#state;
    const hash = createHash('sha256');
    const agencies = new AgencyDigests();
    let bytes = 0;
    for await (const rows of this.#connection!.rows()) {
      hash.update(rows);
      agencies.push(rows);
      bytes += rows.length;
      yield rows;
    }
    this.#digest = { facts, bytes, sha256: hash.digest('hex'), agencies: agencies.sha256s };
  }

  #expectOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#state.isDrawn) throw new StoreError('failed', 'nothing is stored after the draw');
  }

  /** Reconnects until the store is closed or has failed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#refusal?.code !== 'failed' && this.#refusal?.code !== 'unusable') {
      try {
        this.#connection = await Connection.open(this.#options, this.#state);
        if (signal.aborted) await this.#connection.close();
        this.#onConnected();
        await this.#connection.run();
      } catch (error) {
        if (!signal.aborted) this.#onLost(error);
      }
      await pause(WAITS.retryMs, undefined, { signal }).catch(() => {});
    }
  }

  #onConnected(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#refusal?.code === 'unavailable') this.#refusal = undefined;
    this.#opened.resolve();
    if (this.#trouble === undefined) return;
    const awayMs = performance.now() - this.#trouble.since;
    this.#trouble = undefined;
    this.#options.onEvent?.({ event: 'engine-available', awayMs });
  }

  /**
   * Waits for an unavailable engine. Any other error is final: another log, a fact that cannot be
   * applied.
   */
  #onLost(error: unknown): void {
    const isOpened = this.#connection !== undefined;
    // A wrong password or a missing privilege ends a start; later it is retried.
    const passes = ['unavailable', isOpened && 'unusable'];
    if (error instanceof StoreError && passes.includes(error.code)) return this.#onAway(error);
    const { message } = error as Error;
    const code = isOpened ? 'failed' : 'unusable';
    const failure = error instanceof StoreError ? error : new StoreError(code, message, error);
    this.#opened.reject(failure);
    this.#failure.resolve(failure);
    this.#refuse(failure);
  }

  /** Reports each new reason. */
  #onAway(error: StoreError): void {
    const why = error.message;
    if (this.#trouble?.why === why) return;
    this.#trouble = { since: this.#trouble?.since ?? performance.now(), why };
    const isUnsafe = error instanceof EngineError && error.trouble === 'unsafe';
    this.#options.onEvent?.({ event: 'engine-unavailable', error: why, isUnsafe });
    this.#patience ??= setTimeout(() => {
      this.#refusal = new StoreError('unavailable', this.#trouble!.why);
      this.#state.rejectUnsent(this.#refusal);
    }, this.#options.patienceMs ?? WAITS.patienceMs);
  }
}
