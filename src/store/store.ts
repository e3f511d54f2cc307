import type { BetBatch } from '../lottery/bet-batch.ts';
import type { Bet } from '../lottery/bet.ts';

/**
 * Where the bets are kept. The promise of every implementation:
 *
 * - **Acknowledged means durable.** The promise of `append` is fulfilled only when every row of the batch would survive a
 *   loss of power (the memory store, which keeps nothing, says so in its name).
 * - **All or nothing.** A batch whose `append` is rejected leaves no row behind.
 * - **In order.** `bets` gives batches in the order of their `append`, each batch's rows together.
 * - **Group commit.** Appends may be made without waiting; those that wait at the same time are made durable together
 *   and share one promise.
 *
 * `test/contract/` holds the tests that each implementation passes.
 */
export interface Store {
  /**
   * @throws StoreError (as a rejection) `full` when there is no room: nothing of the batch is stored, later appends may
   *   succeed again. `failed` when the store cannot know any more what is durable: see `failure`.
   */
  append(batch: BetBatch): Promise<void>;
  /**
   * Fulfilled when everything appended before is durable or rejected.
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
  /** Waits for what was appended and lets go of every file and connection. */
  close(): Promise<void>;
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
