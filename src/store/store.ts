import type { BetBatch } from '../lottery/bet-batch.ts';
import type { Bet } from '../lottery/bet.ts';
import type { BetsDigest } from '../lottery/acta.ts';
import type { Fact, UploadPlace } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';

/** Told a fact that is durable. */
export type OnFact = (fact: Fact) => void;

/** The facts that a store keeps beside the bets. */
export type Note = Extract<Fact, { kind: 'refused' | 'finished' | 'closed' | 'drawn' }>;

/**
 * Where bets and facts are kept. The promise of every implementation:
 *
 * - **Acknowledged means durable.** A promise is fulfilled only when what it stands for would survive a loss of power (the
 *   memory store, which keeps nothing, says so in its name).
 * - **All or nothing.** A batch whose `append` is rejected leaves no row behind.
 * - **In order.** Bets and facts are given back in the order of the calls. When one is rejected, so is everything that was
 *   handed over after it and before the rejection: nobody's later batch is stored without the earlier one.
 * - **Group commit.** Calls may be made without waiting; those that wait at the same time are made durable together and
 *   share one promise.
 * - **Closed by the draw.** Nothing is taken after it: rejected with `failed`, without any harm to the store.
 * - **Told.** Whoever opens a store is told every fact, in order and once: those that it remembers before it is open, each
 *   later one when it is durable and before whoever handed it over hears of it. The state of the lottery is made of nothing
 *   else ("log, apply, answer"), so it follows a log that other servers write as well as its own.
 *
 * `test/contract/` holds the tests that each implementation passes.
 */
export interface Store {
  /**
   * Stores the bets of a batch. Its rows are copied before the call returns.
   *
   * @param place which batch of a resumable upload it is
   * @throws StoreError (as a rejection) `full` when there is no room: nothing of the batch is stored, later ones may
   *   succeed again. `unavailable` in the same sense, when the engine that keeps the bets cannot be reached. `overtaken`
   *   when another server has written something that leaves no place for it. `failed` when the store cannot know any more
   *   what is durable: see `failure`.
   */
  append(batch: BetBatch, place?: UploadPlace): Promise<void>;
  /** Keeps a fact that is no bet. Refused as `append` is. */
  note(note: Note): Promise<void>;
  /**
   * The digest of everything that was handed over before and is durable.
   *
   * @throws StoreError (as a rejection) `unavailable`; `failed` when the bets are not those that were acknowledged
   */
  digest(): Promise<BetsDigest>;
  /** Tells this lottery from any other. */
  readonly lottery: string;
  /**
   * Fulfilled when everything handed over before is durable or rejected, and everything was told that any server on the same
   * store has acknowledged before.
   *
   * @throws StoreError (as a rejection) `unavailable`, `failed`
   */
  settled(): Promise<void>;
  /** All durable bets in stored order, in slices between which other work may pass. */
  bets(): AsyncIterable<Iterable<Bet>>;
  /** Bytes of rows that were appended and are not durable yet. */
  readonly unsyncedBytes: number;
  /** Fulfilled with the error after which the store takes nothing any more; the process must stop. */
  readonly failure: Promise<StoreError>;
  /** Waits for what was handed over and lets go of every file and connection. */
  close(): Promise<void>;
}

/** Who wants to know how a store gets on with its disk. Of a store without a disk there is nothing to know. */
export interface StoreWatch {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /**
   * Something is durable.
   *
   * @param durationMs from the beginning of its first write to the end of its last sync
   * @param bytes of the rows in it; 0 when it was only a fact
   */
  readonly onDurable: (durationMs: number, bytes: number) => void;
  /** There was no room for something: it was refused. */
  readonly onFull: () => void;
}

/** What happens to a store that an operator should know; part of the events of the central. */
export type StoreEvent =
  /** The engine stores nothing. Unsafe: it can be reached, but what it commits is not durable. */
  | {
      readonly event: 'engine-unavailable';
      readonly error: string;
      readonly isUnsafe: boolean;
    }
  | { readonly event: 'engine-available'; readonly awayMs: number }
  /** As configured, an acknowledgement means the disk of one machine. */
  | { readonly event: 'engine-single' }
  | { readonly event: 'store-warning'; readonly file: string; readonly warning: string };

export type OnStoreEvent = (event: StoreEvent) => void;

/** What is in a store, as somebody finds it who reads it beside the servers or without them, and changes nothing. */
export interface StoreReading {
  readonly lottery: Lottery;
  /** When the store was begun, ISO 8601. */
  readonly begun: string;
}

/** Takes the next rows of a store, in stored order. They are valid until it returns. */
export type OnRows = (rows: Uint8Array) => void;

export type StoreErrorCode = 'full' | 'unavailable' | 'overtaken' | 'failed' | 'unusable';

/** What can happen to a store. `unusable` is thrown when it is opened. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}
