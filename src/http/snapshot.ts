/**
 * What the operator's page shows: the body of `GET /snapshot.json` and of each `snapshot` event of `GET /live`. It says how
 * many and when, and never who: no document and no name of a person is ever part of it.
 */
export interface Snapshot {
  readonly version: 1;
  /** When it was made, ISO 8601. */
  readonly time: string;
  readonly startedAt: string;
  readonly state: SnapshotState;
  /** Why the central cannot do its work now, when it cannot. */
  readonly ready: { readonly ok: boolean; readonly reason?: string };
  /** How many agencies are expected, and how many of them have finished. */
  readonly expected: number;
  readonly finished: number;
  /** The first of the expected agencies that have not finished, in ascending order. */
  readonly waitingFor: readonly number[];
  /** The acta de cierre, after the close. */
  readonly acta?: SnapshotActa;
  /** Numbers of the actas that count no more. */
  readonly withdrawnActas: readonly number[];
  /** What agencies say is wrong with the acta. */
  readonly disputes: readonly { readonly agency: number; readonly detail: string }[];
  readonly drawHeldAt?: string;
  /** SHA-256 of the bets that took part in the draw, in hex. */
  readonly seal?: string;
  /** Number of winners in all, after the draw. */
  readonly winners?: number;
  /** Bets that are stored, those of earlier processes included. */
  readonly bets: number;
  /** Over the last whole second. */
  readonly betsPerSecond: number;
  /** Bets that were refused since the process started. */
  readonly refused: number;
  /** Bets stored in each of the last 300 seconds, oldest first. */
  readonly history: readonly SnapshotSecond[];
  /** Open ones, those whose agency is not known yet included. */
  readonly connections: number;
  /** What it takes to bring one group of batches to the disk, in milliseconds, since the process started. */
  readonly syncs: {
    readonly count: number;
    readonly lastMs: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
  };
  /** Of the file system of `DATA_DIR`. */
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  /** The first of the expected agencies and of any others with bets, in ascending order, and how many there are. */
  readonly agencies: readonly SnapshotAgency[];
  readonly agenciesInAll: number;
  /** The last 50, newest first. */
  readonly events: readonly SnapshotEvent[];
}

export type SnapshotState = 'recovering' | 'open' | 'complete' | 'closed' | 'drawn' | 'stopping';

interface SnapshotActa {
  readonly number: number;
  /** When the bets were closed, ISO 8601. */
  readonly closedAt: string;
  /** SHA-256 of the document, in hex. */
  readonly sha256: string;
  /** The draw waits until then, ISO 8601. */
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
  /** How many, after the draw. */
  readonly winners?: number;
}

export interface SnapshotEvent {
  /** Counted from 1 since the process started. */
  readonly id: number;
  readonly time: string;
  readonly kind: string;
  readonly params: Readonly<Record<string, string | number>>;
}
