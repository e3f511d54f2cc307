import { setTimeout as pause } from 'node:timers/promises';
import type { Fact } from '../../lottery/fact.ts';
import { PiecePool } from '../csv/row-buffer.ts';
import type { StoreError } from '../store.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { OwnRecord } from './own-record.ts';

/** Wait before a record that was not acknowledged is handed to the engine again, in milliseconds. */
const RETRY_MS = 250;

export interface PublisherParts {
  readonly engine: Engine;
  /** Name of this server process in the log. */
  readonly writer: string;
  /** Length at which a record is full, in bytes. */
  readonly recordBytes: number;
  /** The engine did not acknowledge; with what it said. */
  readonly onTrouble: (why: string) => void;
  /** It has. */
  readonly onAcknowledged: () => void;
}

/**
 * Writes the records of this server to the log: while one is on its way, the next one gathers. There is one on its way at a
 * time, so that they arrive in order, and it is sent until the engine has acknowledged it: whoever waits for it waits until it is
 * known what became of it. A record is settled when it was read back from the log, where it may turn out not to count.
 *
 * When the end of the log was lost and put together anew, a new *age* begins: what was acknowledged before and not read yet is sent
 * again, first, with the same number.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #pool = new PiecePool();
  /** Gather, or wait for their turn. */
  #waiting: OwnRecord[] = [];
  /** Have a number, and were not read back yet; in its order. */
  #numbered: OwnRecord[] = [];
  #age = 0;
  #lastN = 0;
  #running: Promise<void> | undefined;
  #gate = Promise.withResolvers<void>();
  #isOpen = false;
  #isClosed = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Bytes of rows that nobody has been told of yet. */
  get unsettledBytes(): number {
    let bytes = 0;
    for (const record of this.#numbered) bytes += record.bytes;
    for (const record of this.#waiting) bytes += record.bytes;
    return bytes;
  }

  /** Hands a fact over. Fulfilled when it was read back from the log and counts. */
  add(fact: Fact, rows: Uint8Array): Promise<void> {
    let record = this.#waiting.at(-1);
    if (record === undefined || (record.size > 0 && record.size + rows.length > this.#parts.recordBytes)) {
      record = new OwnRecord(this.#pool);
      this.#waiting.push(record);
    }
    const durable = record.add(fact, rows);
    this.#run();
    return durable;
  }

  /** Fulfilled when everything that was handed over so far is settled. */
  async settled(): Promise<void> {
    await (this.#waiting.at(-1) ?? this.#numbered.at(-1))?.settled;
  }

  /** Nothing is sent until `open`. */
  hold(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#gate = Promise.withResolvers<void>();
  }

  /** The log is as it should be: goes on. */
  open(): void {
    this.#isOpen = true;
    this.#gate.resolve();
    this.#run();
  }

  /** The log was put together anew, or has a gap among this server's records: what was not read back is sent again, as new. */
  beginAge(): void {
    this.#age += 1;
    this.#run();
  }

  /**
   * What was acknowledged and not read back may have been lost since: sends it again when it opens. Where it has not been lost,
   * the engine recognises it.
   */
  doubt(): void {
    for (const record of this.#numbered) record.acknowledgedIn = undefined;
  }

  /** A record of this server was read from the log, where it counts. */
  settle(n: number, verdicts: readonly boolean[]): void {
    const record = this.#numbered.find(numbered => numbered.n === n);
    if (record === undefined) return;
    this.#numbered = this.#numbered.filter(numbered => numbered !== record);
    record.settle(verdicts);
    // It is as good as acknowledged, also if that got lost: there may be no other one soon that is.
    if (this.#numbered.every(({ acknowledgedIn }) => acknowledgedIn === this.#age))
      this.#parts.onAcknowledged();
  }

  /** Rejects what has not been handed to the engine yet. */
  rejectWaiting(error: StoreError): void {
    for (const record of this.#waiting.splice(0)) record.reject(error);
  }

  /** Rejects everything; what is on its way may be stored nevertheless. */
  async close(error: StoreError): Promise<void> {
    this.#isClosed = true;
    this.open();
    for (const record of this.#numbered.splice(0)) record.reject(error);
    this.rejectWaiting(error);
    await this.#running;
  }

  #run(): void {
    if (!this.#isOpen || this.#isClosed) return;
    this.#running ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    // What is handed over in this turn of the event loop goes together.
    await Promise.resolve();
    try {
      for (;;) {
        await this.#gate.promise;
        const record = this.#isClosed ? undefined : this.#next();
        if (record === undefined) return;
        await this.#send(record);
      }
    } finally {
      // At once: what is handed over from now on begins anew.
      this.#running = undefined;
    }
  }

  /** What comes first: a record that has its number and is not acknowledged, else the oldest of those that wait. */
  #next(): OwnRecord | undefined {
    const unacknowledged = this.#numbered.find(record => record.acknowledgedIn !== this.#age);
    if (unacknowledged !== undefined) return unacknowledged;
    const record = this.#waiting.shift();
    if (record === undefined) return undefined;
    this.#lastN += 1;
    record.n = this.#lastN;
    this.#numbered.push(record);
    return record;
  }

  async #send(record: OwnRecord): Promise<void> {
    const { engine, writer, onTrouble, onAcknowledged } = this.#parts;
    const age = this.#age;
    try {
      await engine.publish(`${writer}-${record.n}-${age}`, record.body(writer));
      record.acknowledgedIn = age;
      onAcknowledged();
    } catch (error) {
      // It may have been read back although its acknowledgement got lost.
      if (record.isSettled) return;
      if (!(error instanceof EngineError)) throw error;
      onTrouble(error.message);
      await pause(RETRY_MS);
    }
  }
}
