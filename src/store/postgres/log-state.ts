import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Fact } from '../../lottery/fact.ts';
import { isOvertakenBy } from '../../lottery/fact-order.ts';
import { type OnFact, StoreError, type StoreWatch } from '../store.ts';
import { Alarm } from './alarm.ts';
import { OVERLAP_BYTES, RECORD_BYTES, WAITS } from './limits.ts';
import { LOG_START, type LogEnd, type LoggedRecord, type NewRecord } from './log.ts';
import { EngineError } from './session.ts';

/** Bytes of a fact in a record, nearly. */
const FACT_BYTES = 128;

interface Handed extends PromiseWithResolvers<void> {
  /** Undefined: an empty record, behind everything that any server has acknowledged before. */
  readonly fact: Fact | undefined;
  readonly rows: Uint8Array;
}

/** What goes into one record. */
interface Group {
  /** What it was sent to follow: the only place where it may still arrive. */
  chain: Uint8Array;
  readonly handed: Handed[];
  readonly bytes: number;
  readonly sentAt: number;
}

/** A record that was seen in the log: with its group when it is of this server, else with what it overtakes. */
interface Seen extends Group {
  readonly record: LoggedRecord;
  readonly isOwn: boolean;
}

export interface Listeners {
  readonly onFact?: OnFact;
  readonly watch?: StoreWatch | undefined;
}

/**
 * How far the log was seen and applied, and what was handed to this server: it waits, is sent in a group, is seen in the log,
 * and is answered when it is durable there.
 */
export class LogState {
  /** Name of this process in the log. */
  readonly name: string;
  /** As far as the log is durable and was applied. */
  end: LogEnd = LOG_START;
  isDrawn = false;
  /** When the lottery was begun, ISO 8601. */
  begun = '';
  /** Number of facts that were applied. */
  facts = 0;
  #isBegun = false;
  isConnected = false;
  /** Bytes of rows that are not durable yet. */
  unsyncedBytes = 0;
  /** Rings when something should be sent or read. */
  readonly work = new Alarm();
  /** Rings when something should be made durable. */
  readonly seen = new Alarm();
  readonly #told: Listeners;
  #waiting: Handed[] = [];
  /** A group stays what it is until it is in the log or another record is at its place: its outcome may be unknown. */
  #sent: Group[] = [];
  #seen: Seen[] = [];
  #gatherMs = 0;
  /** How many were answered the last time, or waited then. */
  #siblings = 0;

  constructor(name: string, told: Listeners) {
    this.name = name;
    this.#told = told;
  }

  /** As far as the log was seen. */
  get tail(): LogEnd {
    return this.#seen.at(-1)?.record ?? this.end;
  }

  /** Something was seen that is not durable yet. */
  get isInFlight(): boolean {
    return this.#seen.length > 0;
  }

  /** The log was found; it begins with the agencies that the draw waits for. */
  begin({ agencies, begun }: { readonly agencies: string; readonly begun: Date }): void {
    this.begun = begun.toISOString();
    if (!this.#isBegun) this.#told.onFact?.({ kind: 'agencies', agencies });
    this.#isBegun = true;
  }

  /** Hands a fact over; the rows are copied. Fulfilled when it is durable. */
  add(fact: Fact | undefined, rows: Uint8Array): Promise<void> {
    const handed = { fact, rows: Buffer.from(rows), ...Promise.withResolvers<void>() };
    handed.promise.catch(() => {});
    this.#waiting.push(handed);
    this.unsyncedBytes += rows.length;
    this.work.ring();
    return handed.promise;
  }

  /**
   * Fulfilled when something should be sent, the log be read, or the connection is closed. What is short waits for what is in
   * flight, and then for as many facts as were answered, since clients answer an acknowledgement with the next batch.
   */
  async rest(): Promise<void> {
    if (this.#waiting.length + this.#sent.length === 0) await this.work.rings(WAITS.lookMs);
    await nextTurn();
    const end = performance.now() + this.#gatherMs;
    while (this.isConnected && this.#waiting.length > 0 && this.#waitingBytes < OVERLAP_BYTES) {
      const leftMs = this.isInFlight ? WAITS.lookMs : end - performance.now();
      if (!this.isInFlight && (this.#waiting.length >= this.#siblings || leftMs <= 0)) return;
      await this.work.rings(leftMs);
    }
  }

  get #waitingBytes(): number {
    return [...this.#seen, ...this.#sent].reduce((left, { bytes }) => left - bytes, this.unsyncedBytes);
  }

  /**
   * The record to send once the log was read: the one that may still be on its way to this place, else what waits, as far as it
   * fits; undefined when nothing does.
   */
  record(): NewRecord | undefined {
    const { chain } = this.tail;
    if (this.#sent[0] !== undefined && Buffer.compare(this.#sent[0].chain, chain) !== 0)
      this.#waiting.unshift(...this.#sent.splice(0).flatMap(({ handed }) => handed));
    if (this.#sent.length === 0) this.#gather(chain);
    const [group] = this.#sent;
    if (group === undefined) return undefined;
    const facts = group.handed.map(({ fact }) => fact).filter(fact => fact !== undefined);
    return { server: this.name, facts, rows: Buffer.concat(group.handed.map(({ rows }) => rows)) };
  }

  #gather(chain: Uint8Array): void {
    for (const { isOwn, handed, record } of this.#seen)
      if (!isOwn) handed.push(...this.#takeOvertaken(record.facts));
    let length = 0;
    const full = this.#waiting.findIndex(({ rows }) => (length += rows.length + FACT_BYTES) > RECORD_BYTES);
    const handed = this.#waiting.splice(0, full === -1 ? this.#waiting.length : Math.max(1, full));
    if (handed.length > 0)
      this.#sent.push({ chain, handed, bytes: bytesOf(handed), sentAt: performance.now() });
  }

  #takeOvertaken(facts: readonly Fact[]): Handed[] {
    const isOvertaken = ({ fact }: Handed): boolean =>
      fact !== undefined && facts.some(other => isOvertakenBy(fact, other));
    const overtaken = this.#waiting.filter(isOvertaken);
    if (overtaken.length > 0) this.#waiting = this.#waiting.filter(handed => !overtaken.includes(handed));
    return overtaken;
  }

  /** The next record is in the log, and may not be durable yet. */
  see(record: LoggedRecord): void {
    const { position, chain } = this.tail;
    const next = position + 1;
    if (record.position !== next) throw new EngineError(`record ${next} is missing`);
    const isOwn = record.server === this.name;
    const group = isOwn ? this.#sent.shift() : undefined;
    this.#seen.push({ ...(group ?? { chain, handed: [], bytes: 0, sentAt: 0 }), record, isOwn });
    this.seen.ring();
  }

  /** What was seen is durable up to `position`: applies and answers it. */
  land(position: number): void {
    let answered = 0;
    for (
      let [next] = this.#seen;
      next !== undefined && next.record.position <= position;
      [next] = this.#seen
    ) {
      this.#apply(next);
      this.#seen.shift();
      answered += next.handed.length;
    }
    this.#siblings = answered + this.#waiting.length;
    this.work.ring();
  }

  #apply({ record: { position, chain, facts }, isOwn, handed, bytes, sentAt }: Seen): void {
    for (const fact of facts) {
      this.facts += 1;
      this.isDrawn ||= fact.kind === 'drawn';
      this.#told.onFact?.(fact);
    }
    this.end = { position, chain };
    if (!isOwn) {
      const overtaken = [...handed, ...this.#takeOvertaken(facts)];
      return this.#reject(overtaken, new StoreError('overtaken', 'another server was first'));
    }
    const durationMs = performance.now() - sentAt;
    this.#gatherMs = Math.min(durationMs / 2, WAITS.gatherMs);
    this.unsyncedBytes -= bytes;
    if (facts.length > 0) this.#told.watch?.onDurable(durationMs, bytes);
    for (const { resolve } of handed) resolve();
  }

  /** What was seen and did not become durable is unknown again. */
  lose(): void {
    const seen = this.#seen.splice(0);
    this.#sent.unshift(...seen.filter(({ isOwn }) => isOwn));
    this.#waiting.unshift(...seen.filter(({ isOwn }) => !isOwn).flatMap(({ handed }) => handed));
  }

  /** Rejects what waits, and with `evenSent` also the facts that may be stored nevertheless. */
  rejectAll(error: StoreError, evenSent: boolean): void {
    const sent = [...this.#seen, ...this.#sent].flatMap(({ handed }) => handed);
    for (const { fact, reject } of sent) if (fact === undefined) reject(error);
    this.#reject([...(evenSent ? sent : []), ...this.#waiting.splice(0)], error);
    if (evenSent) [this.#seen, this.#sent] = [[], []];
  }

  #reject(handed: readonly Handed[], error: StoreError): void {
    this.unsyncedBytes -= bytesOf(handed);
    for (const { reject } of handed) reject(error);
  }
}

function bytesOf(handed: readonly Handed[]): number {
  return handed.reduce((sum, { rows }) => sum + rows.length, 0);
}
