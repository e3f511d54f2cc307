import type { CentralEvent, CertificateValidity } from './events.ts';
import { readableParams, RecentEvents } from './recent-events.ts';
import type { CentralStatus } from './status.ts';
import { SyncTimes } from './sync-times.ts';

/** Why a server cannot do its work now. */
export type UnreadyReason = 'recovering' | 'disk-full' | 'engine-away' | 'engine-unsafe' | 'stopping';

export interface MonitorOptions {
  /** Whether bets are kept by an engine that may be away. */
  readonly hasEngine?: boolean;
  /** How many lines of the log were lost so far. */
  readonly droppedLines?: () => number;
}

/**
 * What an operator wants to know of a server since it was started: counters made of its events, and what its central says of
 * itself when it is asked. A batch costs it one addition; what is stored is counted by the lottery and read when somebody looks.
 */
export class Monitor {
  readonly startedAt: Date;
  readonly recent: RecentEvents;
  readonly syncs = new SyncTimes();
  batches = 0;
  /** Bets that were refused, by agency. */
  readonly refusedBets = new Map<number, number>();
  /** Messages and connections that were refused, by code. */
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

  /** @param clock the time of day, for whoever reads when something happened */
  constructor(clock: () => Date, { hasEngine = false, droppedLines = () => 0 }: MonitorOptions = {}) {
    this.#droppedLines = droppedLines;
    this.startedAt = clock();
    this.recent = new RecentEvents(clock);
    this.#hasEngine = hasEngine;
  }

  /** Lines of the log that were lost. */
  get droppedLines(): number {
    return this.#droppedLines();
  }

  /** The store is open and agencies may come: from here on there is a central to ask. */
  serve(statusOf: () => CentralStatus): void {
    this.#statusOf = statusOf;
  }

  /** What the central says of itself; undefined while the store is being recovered. */
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

  /** Whether bets can be stored, as far as the engine is concerned; undefined where there is none. */
  get engineAvailable(): boolean | undefined {
    return this.#hasEngine ? this.#engineTrouble === undefined : undefined;
  }

  readonly onEvent = (event: CentralEvent): void => {
    switch (event.event) {
      // First, because there are so many of them.
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

  /** The disk had room: something was stored, or a probe succeeded. */
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
