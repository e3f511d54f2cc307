import type { Bet } from './bet.ts';
import { decodeRows } from './row-decoder.ts';
import type { BetField, FaultReason } from './bet-rules.ts';

/**
 * The unit of the whole system: bets of one agency that are stored and answered together.
 *
 * `rows` are the validated bytes exactly as they go into `bets.csv`: only the parsers of payloads
 * create a batch, after every bet was found valid. The rows are in the reader's memory until it
 * reads the next batch; a store copies them.
 */
export interface BetBatch {
  readonly agency: number;
  /** Number of bets, and of rows. */
  readonly count: number;
  readonly rows: Uint8Array;
}

/** What can be wrong with a batch as a whole; `docs/ERRORS.md` explains each. */
export const BATCH_FAULT_REASONS = [
  'count-not-a-number',
  'too-few-fields',
  'too-many-fields',
] as const;

/** The first thing that is wrong with the bets of a message: all of them are refused. */
export interface BatchFault {
  /** Number of bets that the message announced; 0 when it did not say. */
  readonly count: number;
  /** The bet, counted from 0 within the batch. */
  readonly index: number;
  /** `batch` when the fields do not add up. */
  readonly field: BetField | 'batch';
  readonly reason: FaultReason | (typeof BATCH_FAULT_REASONS)[number];
}

/**
 * The bets of a batch, for where a single bet is the subject (exercise 5, the reference store,
 * tests).
 */
export function betsOf(batch: BetBatch): IteratorObject<Bet, undefined> {
  return decodeRows([batch.rows], `a batch of agency ${batch.agency}`);
}
