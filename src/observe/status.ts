import type { LotteryState } from '../lottery/lottery.ts';

/** Agencies that a status lists at most: whoever watches a lottery of 65,535 must not slow it down. */
export const AGENCIES_SHOWN_MAX = 256;

/** What a central lets whoever watches it know: numbers, and never a bet. */
export interface CentralStatus {
  readonly state: LotteryState;
  /** Number of bets that are stored in all. */
  readonly bets: number;
  /** How many agencies are expected, and how many of them have finished. */
  readonly expected: number;
  readonly finished: number;
  /** The first of the expected agencies that have not finished, in ascending order. */
  readonly missing: readonly number[];
  /** The first of the expected agencies and of any others with bets, in ascending order, and how many there are. */
  readonly agencies: readonly AgencyStatus[];
  readonly agenciesInAll: number;
  /** How many, after the draw. */
  readonly winners: number | undefined;
  /** Bytes of rows that were handed to the store and are not durable yet. */
  readonly unsyncedBytes: number;
  /** After the draw: when it was held (ISO 8601), and the SHA-256 of its bets in hex. */
  readonly draw: { readonly time: string; readonly seal: string } | undefined;
  /** After the close: the acta de cierre, and what the draw waits for. */
  readonly acta: ActaStatus | undefined;
  /** Numbers of the actas that count no more. */
  readonly withdrawnActas: readonly number[];
  /** What agencies say is wrong with the acta. */
  readonly disputes: readonly { readonly agency: number; readonly detail: string }[];
}

interface ActaStatus {
  readonly number: number;
  /** When the bets were closed, ISO 8601. */
  readonly time: string;
  /** The document, and its SHA-256 in hex. */
  readonly text: string;
  readonly sha256: string;
  readonly waitsFor: DrawWait | undefined;
}

/** What a draw waits for after the close. */
export type DrawWait =
  /** ISO 8601. */
  { readonly until: string } | { readonly signature: string };

export interface AgencyStatus {
  readonly agency: number;
  readonly expected: boolean;
  readonly bets: number;
  /** Open ones that have said that they are this agency's. */
  readonly connections: number;
  readonly finished: boolean;
  /** How many, after the draw. */
  readonly winners: number | undefined;
}

/** Room on the file system of `DATA_DIR`. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}
