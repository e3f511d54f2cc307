import type { BetBatch } from '../lottery/bet-batch.ts';
import type { Bet } from '../lottery/bet.ts';
import type { Draw } from '../lottery/draw.ts';
import type { Fact, Seal, UploadPlace } from '../lottery/fact.ts';

/** The facts that a store keeps beside the bets. */
export type Note = Extract<Fact, { kind: 'refused' | 'finished' }>;

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
 * - **Closed by the draw.** After `seal` nothing is taken: rejected with `failed`, without any harm to the store.
 * - **Remembered.** Opened again, a store gives back every fact that was durable, in order, before anything else.
 *
 * `test/contract/` holds the tests that each implementation passes.
 */
export interface Store {
  /**
   * Stores the bets of a batch. Its rows are copied before the call returns.
   *
   * @param place which batch of a resumable upload it is
   * @throws StoreError (as a rejection) `full` when there is no room: nothing of the batch is stored, later ones may
   *   succeed again. `failed` when the store cannot know any more what is durable: see `failure`.
   */
  append(batch: BetBatch, place?: UploadPlace): Promise<void>;
  /** Keeps a fact that is no bet. Refused as `append` is. */
  note(note: Note): Promise<void>;
  /**
   * Keeps the draw, after which nothing is appended. Refused as `append` is.
   *
   * @returns the digest of the bets that took part
   */
  seal(draw: Draw): Promise<Seal>;
  /**
   * Fulfilled when everything handed over before is durable or rejected.
   *
   * @throws StoreError (as a rejection) `failed`
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

export type StoreErrorCode = 'full' | 'failed' | 'unusable';

/** What a disk can do to a store. `unusable` is thrown when it is opened. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}
