/**
 * The content of the operator's page: the body of `GET /snapshot.json` and of each `snapshot` event
 * of `GET /live`. It never includes personal data.
 */
export interface Snapshot {
  readonly version: 1;
  /** ISO 8601, like every time here. */
  readonly time: string;
  readonly startedAt: string;
  readonly state: SnapshotState;
  readonly ready: { readonly ok: boolean; readonly reason?: string };
  /** Number of expected agencies, and of those that have finished. */
  readonly expected: number;
  readonly finished: number;
  /** The first unfinished expected agencies, ascending. */
  readonly waitingFor: readonly number[];
  /** The acta de cierre, after the close. */
  readonly acta?: SnapshotActa;
  readonly withdrawnActas: readonly number[];
  /** Differences that agencies report. */
  readonly disputes: readonly { readonly agency: number; readonly detail: string }[];
  readonly drawHeldAt?: string;
  /** SHA-256 of the drawn bets, in hex. */
  readonly seal?: string;
  readonly winners?: number;
  /** All stored bets, including those of earlier processes. */
  readonly bets: number;
  /** Over the last whole second. */
  readonly betsPerSecond: number;
  /** Refused bets since the process started. */
  readonly refused: number;
  /** The last 300 seconds without gaps, oldest first; after the close, the 300 before it. */
  readonly history: readonly SnapshotSecond[];
  /** Open connections, identified or not. */
  readonly connections: number;
  /** Duration of a group commit since the process started. */
  readonly syncs: {
    readonly count: number;
    readonly lastMs: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
  };
  /** The file system of `DATA_DIR`. */
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  /** The first agencies that are expected or have bets, ascending, and the number of all. */
  readonly agencies: readonly SnapshotAgency[];
  readonly agenciesInAll: number;
  /** The last 50, newest first. */
  readonly events: readonly SnapshotEvent[];
}

export type SnapshotState = 'recovering' | 'open' | 'complete' | 'closed' | 'drawn' | 'stopping';

interface SnapshotActa {
  readonly number: number;
  readonly closedAt: string;
  /** SHA-256 of the document, in hex. */
  readonly sha256: string;
  /** The draw waits until then. */
  readonly drawAt?: string;
  /** The draw waits for a signature in this file. */
  readonly awaitsSignature?: string;
}

export interface SnapshotSecond {
  /** Unix time in seconds. */
  readonly second: number;
  readonly bets: number;
}

export interface SnapshotAgency {
  readonly id: number;
  readonly connections: number;
  readonly bets: number;
  readonly betsPerSecond: number;
  readonly refused: number;
  readonly finished: boolean;
  readonly winners?: number;
}

export interface SnapshotEvent {
  readonly id: number;
  readonly time: string;
  readonly kind: string;
  readonly params: Readonly<Record<string, string | number>>;
}
