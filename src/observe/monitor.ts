import type { CentralEvent, CertificateValidity } from './events.ts';
import { readableParams, RecentEvents } from './recent-events.ts';
import type { CentralStatus } from './status.ts';
import { SyncTimes } from './sync-times.ts';

/** Why a server is not ready. */
export type UnreadyReason =
  | 'recovering'
  | 'disk-full'
  | 'engine-away'
  | 'engine-unsafe'
  | 'stopping';

export interface MonitorOptions {
  /** Whether the store is a database. */
  readonly hasEngine?: boolean;
  readonly droppedLines?: () => number;
}

/**
 * Monitoring of a server: counters of its events, and the status of its central on request. A batch
 * costs one addition.
 */
export class Monitor {
  readonly startedAt: Date;
  readonly recent: RecentEvents;
  readonly syncs = new SyncTimes();
  batches = 0;
  /** By agency. */
  readonly refusedBets = new Map<number, number>();
  /** Refused messages and connections, by code. */
  readonly refusals = new Map<string, number>();
  connectionsAccepted = 0;
  connectionsOpen = 0;
  /** Of the files of TLS. */
  certificates: readonly CertificateValidity[] = [];
  #diskFull = false;
  readonly #hasEngine: boolean;
  readonly #droppedLines: () => number;
  #engineTrouble: 'engine-away' | 'engine-unsafe' | undefined;
  #stopping = false;
  #statusOf: (() => CentralStatus) | undefined;

  constructor(
    clock: () => Date,
    { hasEngine = false, droppedLines = () => 0 }: MonitorOptions = {},
  ) {
    this.#droppedLines = droppedLines;
    this.startedAt = clock();
    this.recent = new RecentEvents(clock);
    this.#hasEngine = hasEngine;
  }

  get droppedLines(): number {
    return this.#droppedLines();
  }

  /** Called when the central serves agencies. */
  serve(statusOf: () => CentralStatus): void {
    this.#statusOf = statusOf;
  }

  /** Undefined during recovery. */
  status(): CentralStatus | undefined {
    return this.#statusOf?.();
  }

  /** Undefined when the server is ready. */
  get unready(): UnreadyReason | undefined {
    if (this.#stopping) return 'stopping';
    if (this.#diskFull) return 'disk-full';
    if (this.#engineTrouble !== undefined) return this.#engineTrouble;
    return this.#statusOf === undefined ? 'recovering' : undefined;
  }

  /** Whether the database stores bets; undefined without one. */
  get engineAvailable(): boolean | undefined {
    return this.#hasEngine ? this.#engineTrouble === undefined : undefined;
  }

  readonly onEvent = (event: CentralEvent): void => {
    switch (event.event) {
      case 'batch-stored':
      case 'bet-stored':
        this.batches += 1;
        return;
      case 'connection-accepted':
        this.connectionsAccepted += 1;
        this.connectionsOpen += 1;
        return;
      case 'connection-closed':
        this.connectionsOpen -= 1;
        return;
      case 'bets-refused':
        add(this.refusedBets, event.agency, event.count);
        return;
      case 'message-refused':
      case 'connection-refused':
        add(this.refusals, event.refusal.code, 1);
        break;
      case 'engine-unavailable':
        this.#engineTrouble = event.isUnsafe ? 'engine-unsafe' : 'engine-away';
        break;
      case 'engine-available':
        this.#engineTrouble = undefined;
        break;
      case 'tls-opened':
        this.certificates = event.validities;
        break;
      case 'stopping':
        this.#stopping = true;
        break;
      default:
    }
    const params = readableParams(event);
    if (params !== undefined) this.recent.add(event.event, params);
  };

  /** A commit or a probe has succeeded. */
  onDurable(): void {
    if (this.#diskFull) this.recent.add('disk-has-room');
    this.#diskFull = false;
  }

  onFull(): void {
    if (!this.#diskFull) this.recent.add('disk-full');
    this.#diskFull = true;
  }
}

function add<Name>(counts: Map<Name, number>, name: Name, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
