import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Fact } from '../../lottery/fact.ts';
import { isOvertakenBy } from '../../lottery/fact-order.ts';
import { type OnFact, StoreError, type StoreWatch } from '../store.ts';
import { RECORD_BYTES, WAITS } from './limits.ts';
import { LOG_START, type LogEnd, type LoggedRecord, type NewRecord } from './log.ts';
import { EngineError } from './session.ts';

/** Bytes of a fact in a record, nearly. */
const FACT_BYTES = 128;

interface Handed extends PromiseWithResolvers<void> {
  /** Undefined: the caller waits for what was handed over before, and for the end of the log. */
  readonly fact: Fact | undefined;
  readonly rows: Uint8Array;
}

export interface Listeners {
  readonly onFact?: OnFact;
  readonly watch?: StoreWatch | undefined;
}

/** How far the log was applied, and what was handed to this server and is not in it yet. */
export class LogState {
  /** Name of this process in the log. */
  readonly name: string;
  end: LogEnd = LOG_START;
  isDrawn = false;
  /** Bytes of rows that are not durable yet. */
  unsyncedBytes = 0;
  readonly #told: Listeners;
  #handed: Handed[] = [];
  /** Sent as one record, which stays what it is until it is in the log or another record is at its place. */
  #sent: readonly Handed[] = [];
  #sentAt = 0;
  #gatherMs = 0;
  /** How many were handed over when the last record landed. */
  #siblings = 0;
  #woken = Promise.withResolvers<void>();

  constructor(name: string, told: Listeners) {
    this.name = name;
    this.#told = told;
  }

  /** Hands a fact over; the rows are copied. Fulfilled when it is durable. */
  add(fact: Fact | undefined, rows: Uint8Array): Promise<void> {
    const handed = { fact, rows: Buffer.from(rows), ...Promise.withResolvers<void>() };
    handed.promise.catch(() => {});
    this.#handed.push(handed);
    this.unsyncedBytes += rows.length;
    this.wake();
    return handed.promise;
  }

  wake(): void {
    this.#woken.resolve();
  }

  /** Fulfilled when something should be sent, after `wake`, or after `limitMs`. */
  async rest(limitMs: number): Promise<void> {
    if (this.#handed.length === 0) await this.#wakes(limitMs);
    await nextTurn();
    // Group commit: clients answer an acknowledgement with as many facts, but half the time of a record is the most to wait.
    const end = performance.now() + this.#gatherMs;
    while (this.#handed.length > 0 && this.#handed.length < this.#siblings) {
      const leftMs = end - performance.now();
      if (leftMs <= 0 || this.unsyncedBytes >= RECORD_BYTES) return;
      await this.#wakes(leftMs);
    }
  }

  async #wakes(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), limitMs);
    await this.#woken.promise;
    clearTimeout(timer);
    this.#woken = Promise.withResolvers();
  }

  /**
   * The record to send: the one whose outcome is unknown, else what has gathered, as far as it fits; undefined when nothing has.
   * What is overtaken by `others`, records that were read and are not applied yet, is left out.
   */
  record(others: readonly LoggedRecord[] = []): NewRecord | undefined {
    if (this.#sent.length === 0 || others.length > 0) {
      let bytes = 0;
      const facts = others.flatMap(other => other.facts);
      const left = this.#handed.filter(({ fact }) => !isOvertaken(fact, facts));
      const full = left.findIndex(({ rows }) => (bytes += rows.length + FACT_BYTES) > RECORD_BYTES);
      this.#sent = left.slice(0, full === -1 ? left.length : Math.max(1, full));
    }
    if (this.#sent.length === 0) return undefined;
    this.#sentAt = performance.now();
    const facts = this.#sent.map(({ fact }) => fact).filter(fact => fact !== undefined);
    return { server: this.name, facts, rows: Buffer.concat(this.#sent.map(({ rows }) => rows)) };
  }

  /** What was sent is durable, and everything before it was applied. */
  land(): void {
    const durationMs = performance.now() - this.#sentAt;
    const bytes = this.#sent.reduce((sum, { rows }) => sum + rows.length, 0);
    if (this.#sent.some(({ fact }) => fact !== undefined)) this.#told.watch?.onDurable(durationMs, bytes);
    this.#siblings = this.#handed.length;
    this.#gatherMs = Math.min(durationMs / 2, WAITS.gatherMs);
    for (const { resolve } of this.#takeOut(handed => this.#sent.includes(handed))) resolve();
  }

  /** Applies the next record, which is durable; one that was applied before is skipped. */
  advance({ position, chain, server, facts }: LoggedRecord): void {
    const next = this.end.position + 1;
    if (position < next) return;
    if (position > next) throw new EngineError(`record ${next} is missing`);
    for (const fact of facts) {
      this.isDrawn ||= fact.kind === 'drawn';
      this.#told.onFact?.(fact);
    }
    this.end = { position, chain };
    if (server === this.name) return this.land();
    const error = new StoreError('overtaken', 'another server was first');
    for (const { reject } of this.#takeOut(({ fact }) => isOvertaken(fact, facts))) reject(error);
  }

  /** Rejects everything that waits, or spares the facts that were sent: they may be stored nevertheless. */
  rejectAll(error: StoreError, evenSent: boolean): void {
    const isSent = (handed: Handed): boolean => handed.fact !== undefined && this.#sent.includes(handed);
    for (const { reject } of this.#takeOut(handed => evenSent || !isSent(handed))) reject(error);
  }

  #takeOut(isMeant: (handed: Handed) => boolean): Set<Handed> {
    const out = new Set(this.#handed.filter(isMeant));
    this.#handed = this.#handed.filter(handed => !out.has(handed));
    this.#sent = this.#sent.filter(handed => !out.has(handed));
    for (const { rows } of out) this.unsyncedBytes -= rows.length;
    return out;
  }
}

function isOvertaken(fact: Fact | undefined, others: readonly Fact[]): boolean {
  return fact !== undefined && others.some(other => isOvertakenBy(fact, other));
}
