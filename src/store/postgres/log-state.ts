import type { Fact } from '../../lottery/fact.ts';
import { type OnFact, StoreError } from '../store.ts';
import { LOG_START, type LogEnd, type LoggedRecord } from './log.ts';
import { decodeFacts, encodeFacts, isOvertakenBy } from './log-facts.ts';
import { EngineError } from './session.ts';
import { RECORD_BYTES } from './waits.ts';

/** Bytes of a fact in a record, nearly. */
const FACT_BYTES = 128;

interface Handed extends PromiseWithResolvers<void> {
  readonly fact: Fact;
  readonly rows: Uint8Array;
}

/** How far the log was read, and the facts that were handed to this server and are not in it yet. */
export class LogState {
  end: LogEnd = LOG_START;
  isDrawn = false;
  /** Bytes of rows that are not durable yet. */
  unsyncedBytes = 0;
  /** Ends the wait of `gathered`. */
  wake: () => void = () => {};
  readonly #name: string;
  readonly #onFact: OnFact;
  #handed: Handed[] = [];
  /** How many of them were sent, as one record. It stays what it is until it is in the log or another record is at its place. */
  #sent = 0;

  /** @param name of this process in the log */
  constructor(name: string, onFact: OnFact) {
    this.#name = name;
    this.#onFact = onFact;
  }

  /** Hands a fact over; the rows are copied. Fulfilled when it is durable. */
  add(fact: Fact, rows: Uint8Array): Promise<void> {
    const handed = { fact, rows: Buffer.from(rows), ...Promise.withResolvers<void>() };
    handed.promise.catch(() => {});
    this.#handed.push(handed);
    this.unsyncedBytes += rows.length;
    this.wake();
    return handed.promise;
  }

  /** Fulfilled when there is something to send, or after `wake`. */
  async gathered(): Promise<void> {
    if (this.#handed.length === 0) await new Promise<void>(resolve => (this.wake = resolve));
    // What is handed over in this turn of the event loop goes together.
    await Promise.resolve();
  }

  /** The record to send: the one whose outcome is unknown, else what has gathered, as far as it fits; undefined when there is none. */
  record(): Pick<LoggedRecord, 'facts' | 'rows'> | undefined {
    if (this.#sent === 0) {
      let size = 0;
      const full = this.#handed.findIndex(({ rows }) => (size += rows.length + FACT_BYTES) > RECORD_BYTES);
      this.#sent = full === -1 ? this.#handed.length : Math.max(1, full);
    }
    const sent = this.#handed.slice(0, this.#sent);
    if (sent.length === 0) return undefined;
    const facts = encodeFacts(sent.map(({ fact }) => fact));
    return { facts, rows: Buffer.concat(sent.map(({ rows }) => rows)) };
  }

  /** Applies the next record, which is durable; one that was applied before is skipped. */
  advance({ position, chain, server, facts }: Omit<LoggedRecord, 'rows'>): void {
    if (position <= this.end.position) return;
    if (position !== this.end.position + 1)
      throw new EngineError(`record ${this.end.position + 1} is missing`);
    this.end = { position, chain };
    if (server === this.#name) {
      const landed = this.#takeOut((_, index) => index < this.#sent);
      this.#sent = 0;
      for (const { fact } of landed) this.#apply(fact);
      for (const { resolve } of landed) resolve();
      return;
    }
    const others = decodeFacts(facts);
    for (const fact of others) this.#apply(fact);
    this.#reject(
      ({ fact }) => others.some(other => isOvertakenBy(fact, other)),
      new StoreError('overtaken', 'another server was first'),
    );
  }

  /** Rejects what was not sent yet, or everything: what was sent may be stored nevertheless. */
  rejectAll(error: StoreError, evenSent: boolean): void {
    this.#reject((_, index) => evenSent || index >= this.#sent, error);
  }

  /** Fulfilled when everything that was handed over so far is durable or rejected. */
  async settled(): Promise<void> {
    await this.#handed.at(-1)?.promise.catch(() => {});
  }

  #apply(fact: Fact): void {
    if (fact.kind === 'drawn') this.isDrawn = true;
    this.#onFact(fact);
  }

  #reject(isMeant: (handed: Handed, index: number) => boolean, error: StoreError): void {
    for (const { reject } of this.#takeOut(isMeant)) reject(error);
  }

  #takeOut(isMeant: (handed: Handed, index: number) => boolean): Handed[] {
    const out = new Set(this.#handed.filter(isMeant));
    if (out.size === 0) return [];
    this.#sent = this.#handed.slice(0, this.#sent).filter(handed => !out.has(handed)).length;
    this.#handed = this.#handed.filter(handed => !out.has(handed));
    for (const { rows } of out) this.unsyncedBytes -= rows.length;
    return [...out];
  }
}
