import type { BetBatch } from '../lottery/bet-batch.ts';
import type { Bet } from '../lottery/bet.ts';
import type { BetsDigest } from '../lottery/acta.ts';
import type { Fact, UploadPlace } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';

/** Called with a durable fact. */
export type OnFact = (fact: Fact) => void;

/** The facts that are appended without bets. */
export type Note = Extract<Fact, { kind: 'refused' | 'finished' | 'closed' | 'drawn' }>;

/**
 * A log of bets and facts. Every implementation passes `test/contract/store-contract.ts`:
 *
 * - **Acknowledged means durable.** A fulfilled promise survives a loss of power (not in memory).
 * - **All or nothing.** A rejected `append` leaves no row.
 * - **In order.** The log has the order of the calls, and so have the outcomes. A rejection rejects
 *   everything appended after it and before the rejection.
 * - **Group commit.** Calls may be made without waiting; pending ones become durable together.
 * - **Closed by the draw.** Later calls are rejected with `failed`; the store stays usable.
 * - **Log, apply, answer.** `OnFact` is called with every fact, in order and once: with stored facts
 *   before the store is open, with each later one when it is durable and before its promise is
 *   fulfilled; also with the facts of other servers on the same log.
 */
export interface Store {
  /**
   * Appends a batch. Its rows are copied before the call returns.
   *
   * @param place in a resumable upload
   * @throws StoreError (as a rejection): `full`, no room now; `unavailable`, the engine cannot be
   *   reached now; `overtaken`, another server's fact contradicts it; `failed`, see `failure`
   */
  append(batch: BetBatch, place?: UploadPlace): Promise<void>;
  /** Appends a fact. @throws StoreError as `append` does */
  note(note: Note): Promise<void>;
  /**
   * The digest of all durable rows appended before.
   *
   * @throws StoreError (as a rejection) `unavailable`; `failed` when the bets are not those that
   *   were acknowledged
   */
  digest(): Promise<BetsDigest>;
  /** Identifies the lottery. */
  readonly lottery: string;
  /**
   * Fulfilled when everything appended before is durable or rejected, and every fact is applied
   * that any server on the same log has acknowledged before.
   *
   * @throws StoreError (as a rejection) `unavailable`, `failed`
   */
  settled(): Promise<void>;
  /** All durable bets in stored order, in slices that yield to the event loop. */
  bets(): AsyncIterable<Iterable<Bet>>;
  /** Bytes of rows that are appended and not durable. */
  readonly unsyncedBytes: number;
  /** Fulfilled with the error for which the process must stop. */
  readonly failure: Promise<StoreError>;
  /** Waits for pending calls, and closes files and connections. */
  close(): Promise<void>;
}

/** Observes the disk of a store. */
export interface StoreWatch {
  /** Monotonic clock, in milliseconds. */
  readonly now: () => number;
  /**
   * Called after each commit.
   *
   * @param durationMs from its first write to its last sync
   * @param bytes of its rows
   */
  readonly onDurable: (durationMs: number, bytes: number) => void;
  /** Called when a commit was rejected with `full`. */
  readonly onFull: () => void;
}

/** What happens to a store that an operator should know; part of the events of the central. */
export type StoreEvent =
  /** The engine stores nothing. Unsafe: it can be reached, but what it commits is not durable. */
  | { readonly event: 'engine-unavailable'; readonly error: string; readonly isUnsafe: boolean }
  | { readonly event: 'engine-available'; readonly awayMs: number }
  /** As configured, an acknowledgement means the disk of one machine. */
  | { readonly event: 'engine-single' }
  | { readonly event: 'store-warning'; readonly file: string; readonly warning: string };

export type OnStoreEvent = (event: StoreEvent) => void;

/** A store, read without changing it. */
export interface StoreReading {
  readonly lottery: Lottery;
  /** When the store was begun, ISO 8601. */
  readonly begun: string;
}

/** Called with rows in stored order. They are valid until it returns. */
export type OnRows = (rows: Uint8Array) => void;

export type StoreErrorCode = 'full' | 'unavailable' | 'overtaken' | 'failed' | 'unusable';

/** `unusable` is thrown only when a store is opened. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}

/** The folder of a store does not exist, is not a folder or cannot be written. */
export class FolderError extends StoreError {
  constructor(folder: string, why: string, cause?: unknown) {
    super(
      'unusable',
      `cannot use the folder ${folder}, ${why}; DATA_DIR or the command line names it`,
      cause,
    );
    this.name = 'FolderError';
  }
}
