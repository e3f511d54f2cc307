import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Fact } from '../../lottery/fact.ts';
import { isOvertakenBy } from '../../lottery/fact-order.ts';
import { type OnFact, StoreError, type StoreWatch } from '../store.ts';
import { OVERLAP_BYTES, RECORD_BYTES, WAITS } from './limits.ts';
import { LOG_START, type LogEnd, type LoggedRecord, type NewRecord } from './log.ts';
import { EngineError } from './session.ts';

/** Approximate bytes of a fact in a record. */
const FACT_BYTES = 128;

interface Pending extends PromiseWithResolvers<void> {
  /** Undefined: a barrier, after everything that any server has acknowledged before. */
  readonly fact: Fact | undefined;
  readonly rows: Uint8Array;
}

/** The content of one record. */
interface Group {
  /** Chain of the preceding record: the group can only be stored right after it. */
  chain: Uint8Array;
  readonly pending: Pending[];
  readonly bytes: number;
  readonly sentAt: number;
}

/**
 * A record that was read and is not durable yet. `pending` are the appends that it contains where
 * it is of this server, else those that it overtakes.
 */
interface UncommittedRecord extends Group {
  readonly record: LoggedRecord;
  readonly isOwn: boolean;
}

export interface Listeners {
  readonly onFact?: OnFact;
  readonly watch?: StoreWatch | undefined;
}

/**
 * How far the log was read and applied, and the pending appends of this server: they wait, are sent
 * in a group, are read from the log, and are acknowledged when they are durable there.
 */
export class LogState {
  /** Name of this process in the log. */
  readonly name: string;
  /** Up to here the log is durable and applied. */
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
  readonly workAlarm = new Alarm();
  /** Rings when something should be made durable. */
  readonly commitAlarm = new Alarm();
  readonly #listeners: Listeners;
  #waiting: Pending[] = [];
  /**
   * Sent and not read back. A group is sent again unchanged, because a lost connection leaves open
   * whether it was stored, until another record has taken its position.
   */
  #sent: Group[] = [];
  #uncommitted: UncommittedRecord[] = [];
  #waitMs = 0;
  /** Appends to gather before sending: those of the last commit, and those waiting then. */
  #expectedGroupSize = 0;

  constructor(name: string, listeners: Listeners) {
    this.name = name;
    this.#listeners = listeners;
  }

  /** Up to here the log was read. */
  get tail(): LogEnd {
    return this.#uncommitted.at(-1)?.record ?? this.end;
  }

  /** Whether a record was read that is not durable yet. */
  get hasUncommitted(): boolean {
    return this.#uncommitted.length > 0;
  }

  /** Publishes the agencies of the lottery, once. */
  begin({ agencies, begun }: { readonly agencies: string; readonly begun: Date }): void {
    this.begun = begun.toISOString();
    if (!this.#isBegun) this.#listeners.onFact?.({ kind: 'agencies', agencies });
    this.#isBegun = true;
  }

  /** Appends a fact and copies its rows. Fulfilled when it is durable. */
  append(fact: Fact | undefined, rows: Uint8Array): Promise<void> {
    const pending = { fact, rows: Buffer.from(rows), ...Promise.withResolvers<void>() };
    pending.promise.catch(() => {});
    this.#waiting.push(pending);
    this.unsyncedBytes += rows.length;
    this.workAlarm.ring();
    return pending.promise;
  }

  /**
   * Fulfilled when something should be sent or read, or the connection is closed. A short record
   * waits for the one in flight, and then for as many facts as were acknowledged: clients answer an
   * acknowledgement with the next batch.
   */
  async waitForWork(): Promise<void> {
    if (this.#waiting.length + this.#sent.length === 0) await this.workAlarm.rings(WAITS.lookMs);
    await nextTurn();
    const end = performance.now() + this.#waitMs;
    while (this.isConnected && this.#waiting.length > 0 && this.#waitingBytes < OVERLAP_BYTES) {
      const leftMs = this.hasUncommitted ? WAITS.lookMs : end - performance.now();
      if (!this.hasUncommitted && (this.#waiting.length >= this.#expectedGroupSize || leftMs <= 0))
        return;
      await this.workAlarm.rings(leftMs);
    }
  }

  get #waitingBytes(): number {
    return [...this.#uncommitted, ...this.#sent].reduce(
      (left, { bytes }) => left - bytes,
      this.unsyncedBytes,
    );
  }

  /**
   * The next record to send: the group that was sent and not read back, else one of the waiting
   * appends that fit. Requeues a group whose position is taken.
   */
  nextRecord(): NewRecord | undefined {
    const { chain } = this.tail;
    if (this.#sent[0] !== undefined && Buffer.compare(this.#sent[0].chain, chain) !== 0)
      this.#waiting.unshift(...this.#sent.splice(0).flatMap(({ pending }) => pending));
    if (this.#sent.length === 0) this.#formGroup(chain);
    const [group] = this.#sent;
    if (group === undefined) return undefined;
    const facts = group.pending.map(({ fact }) => fact).filter(fact => fact !== undefined);
    return { server: this.name, facts, rows: Buffer.concat(group.pending.map(({ rows }) => rows)) };
  }

  #formGroup(chain: Uint8Array): void {
    for (const { isOwn, pending, record } of this.#uncommitted)
      if (!isOwn) pending.push(...this.#takeOvertaken(record.facts));
    let length = 0;
    const full = this.#waiting.findIndex(
      ({ rows }) => (length += rows.length + FACT_BYTES) > RECORD_BYTES,
    );
    const pending = this.#waiting.splice(0, full === -1 ? this.#waiting.length : Math.max(1, full));
    if (pending.length > 0)
      this.#sent.push({ chain, pending, bytes: bytesOf(pending), sentAt: performance.now() });
  }

  #takeOvertaken(facts: readonly Fact[]): Pending[] {
    const isOvertaken = ({ fact }: Pending): boolean =>
      fact !== undefined && facts.some(other => isOvertakenBy(fact, other));
    const overtaken = this.#waiting.filter(isOvertaken);
    if (overtaken.length > 0)
      this.#waiting = this.#waiting.filter(pending => !overtaken.includes(pending));
    return overtaken;
  }

  /** Takes a record that was read, and may not be durable yet. */
  onRead(record: LoggedRecord): void {
    const { position, chain } = this.tail;
    const next = position + 1;
    if (record.position !== next) throw new EngineError(`record ${next} is missing`);
    const isOwn = record.server === this.name;
    const group = isOwn ? this.#sent.shift() : undefined;
    this.#uncommitted.push({
      ...(group ?? { chain, pending: [], bytes: 0, sentAt: 0 }),
      record,
      isOwn,
    });
    this.commitAlarm.ring();
  }

  /** Applies and acknowledges what is durable up to `position`. */
  commitUpTo(position: number): void {
    let answered = 0;
    for (
      let [next] = this.#uncommitted;
      next !== undefined && next.record.position <= position;
      [next] = this.#uncommitted
    ) {
      this.#apply(next);
      this.#uncommitted.shift();
      answered += next.pending.length;
    }
    this.#expectedGroupSize = answered + this.#waiting.length;
    this.workAlarm.ring();
  }

  #apply({
    record: { position, chain, facts },
    isOwn,
    pending,
    bytes,
    sentAt,
  }: UncommittedRecord): void {
    for (const fact of facts) {
      this.facts += 1;
      this.isDrawn ||= fact.kind === 'drawn';
      this.#listeners.onFact?.(fact);
    }
    this.end = { position, chain };
    if (!isOwn) {
      const overtaken = [...pending, ...this.#takeOvertaken(facts)];
      return this.#reject(overtaken, new StoreError('overtaken', 'another server was first'));
    }
    const durationMs = performance.now() - sentAt;
    this.#waitMs = Math.min(durationMs / 2, WAITS.gatherMs);
    this.unsyncedBytes -= bytes;
    if (facts.length > 0) this.#listeners.watch?.onDurable(durationMs, bytes);
    for (const { resolve } of pending) resolve();
  }

  /** After a lost connection: what was read and is not durable is unknown again. */
  onDisconnected(): void {
    const uncommitted = this.#uncommitted.splice(0);
    this.#sent.unshift(...uncommitted.filter(({ isOwn }) => isOwn));
    this.#waiting.unshift(
      ...uncommitted.filter(({ isOwn }) => !isOwn).flatMap(({ pending }) => pending),
    );
  }

  /** Rejects what is certainly not stored: what was not sent, and the barriers. */
  rejectUnsent(error: StoreError): void {
    for (const { fact, reject } of this.#unacknowledged) if (fact === undefined) reject(error);
    this.#reject(this.#waiting.splice(0), error);
  }

  /** Rejects everything, also what was sent and may be stored nevertheless. */
  rejectAll(error: StoreError): void {
    this.#reject([...this.#unacknowledged, ...this.#waiting.splice(0)], error);
    [this.#uncommitted, this.#sent] = [[], []];
  }

  get #unacknowledged(): readonly Pending[] {
    return [...this.#uncommitted, ...this.#sent].flatMap(({ pending }) => pending);
  }

  #reject(pending: readonly Pending[], error: StoreError): void {
    this.unsyncedBytes -= bytesOf(pending);
    for (const { reject } of pending) reject(error);
  }
}

function bytesOf(pending: readonly Pending[]): number {
  return pending.reduce((sum, { rows }) => sum + rows.length, 0);
}

/** A wake-up call between two loops. */
class Alarm {
  #next = Promise.withResolvers<boolean>();

  ring(): void {
    this.#next.resolve(true);
  }

  /** Whether it has rung: fulfilled when it does, or after `limitMs`. */
  async rings(limitMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.#next.resolve(false), limitMs);
    const isRung = await this.#next.promise;
    clearTimeout(timer);
    this.#next = Promise.withResolvers();
    return isRung;
  }
}
