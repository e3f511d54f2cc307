import type { LotteryState } from '../lottery/lottery.ts';

/** Agencies in a status: monitoring must not slow down a lottery of 65,535. */
export const AGENCIES_SHOWN_MAX = 256;

/** Status snapshot for monitoring: numbers, and never a bet. */
export interface CentralStatus {
  readonly state: LotteryState;
  /** Stored bets. */
  readonly bets: number;
  /** Expected agencies, and the finished ones among them. */
  readonly expected: number;
  readonly finished: number;
  /** The first expected agencies that have not finished, in ascending order. */
  readonly missing: readonly number[];
  /** The first agencies that are expected or have bets, in ascending order, and their number. */
  readonly agencies: readonly AgencyStatus[];
  readonly agenciesInAll: number;
  /** After the draw. */
  readonly winners: number | undefined;
  /** Bytes of rows that are appended and not durable. */
  readonly unsyncedBytes: number;
  /** After the draw: its time (ISO 8601), and the SHA-256 of its bets in hex. */
  readonly draw: { readonly time: string; readonly seal: string } | undefined;
  /** After the close. */
  readonly acta: ActaStatus | undefined;
  /** Numbers of the withdrawn actas. */
  readonly withdrawnActas: readonly number[];
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

/** The condition that a draw waits for. */
export type DrawWait =
  /** ISO 8601. */
  { readonly until: string } | { readonly signature: string };

export interface AgencyStatus {
  readonly agency: number;
  readonly bets: number;
  /** Open and identified. */
  readonly connections: number;
  readonly finished: boolean;
  /** After the draw. */
  readonly winners: number | undefined;
}

/** Room on the file system of `DATA_DIR`. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}
