import type { Monitor } from '../observe/monitor.ts';
import type { CentralStatus, DiskSpace } from '../observe/status.ts';
import type { BetRates } from './bet-rates.ts';
import type { Snapshot, SnapshotAgency, SnapshotState } from './snapshot.ts';

export interface SnapshotSources {
  readonly monitor: Monitor;
  readonly rates: BetRates;
  readonly disk: DiskSpace | undefined;
  readonly time: Date;
  /** The monotonic time of the rates, at `time`. */
  readonly elapsedMs: number;
}

export function makeSnapshot({ monitor, rates, disk, time, elapsedMs }: SnapshotSources): Snapshot {
  const status = monitor.status();
  const { syncs, unready } = monitor;
  return {
    version: 1,
    time: time.toISOString(),
    startedAt: monitor.startedAt.toISOString(),
    state: stateOf(monitor, status),
    ready: unready === undefined ? { ok: true } : { ok: false, reason: unready },
    expected: status?.expected ?? 0,
    finished: status?.finished ?? 0,
    waitingFor: status?.missing ?? [],
    ...actaOf(status),
    withdrawnActas: status?.withdrawnActas ?? [],
    disputes: status?.disputes ?? [],
    ...drawOf(status),
    bets: status?.bets ?? 0,
    betsPerSecond: rates.perSecond,
    refused: monitor.refusedBets.values().reduce((sum, bets) => sum + bets, 0),
    history: rates.history(time.getTime() - elapsedMs),
    connections: monitor.connectionsOpen,
    syncs: {
      count: syncs.count,
      lastMs: syncs.lastMs,
      p50Ms: syncs.percentileMs(50),
      p99Ms: syncs.percentileMs(99),
    },
    ...(disk && { disk }),
    agencies: agenciesOf(monitor, status, rates),
    agenciesInAll: status?.agenciesInAll ?? 0,
    events: monitor.recent.newestFirst.map(event => ({ ...event, time: event.time.toISOString() })),
  };
}

function stateOf({ unready }: Monitor, status: CentralStatus | undefined): SnapshotState {
  if (unready === 'stopping') return 'stopping';
  return status === undefined ? 'recovering' : status.state;
}

function actaOf(status: CentralStatus | undefined): Pick<Snapshot, 'acta'> {
  if (status?.acta === undefined) return {};
  const { number, time, sha256, waitsFor } = status.acta;
  const until = waitsFor && 'until' in waitsFor ? { drawAt: waitsFor.until } : {};
  const signature =
    waitsFor && 'signature' in waitsFor ? { awaitsSignature: waitsFor.signature } : {};
  return { acta: { number, closedAt: time, sha256, ...until, ...signature } };
}

function drawOf(
  status: CentralStatus | undefined,
): Pick<Snapshot, 'drawHeldAt' | 'seal' | 'winners'> {
  if (status?.draw === undefined) return {};
  const { draw, winners = 0 } = status;
  return { drawHeldAt: draw.time, seal: draw.seal, winners };
}

function agenciesOf(
  monitor: Monitor,
  status: CentralStatus | undefined,
  rates: BetRates,
): SnapshotAgency[] {
  return (status?.agencies ?? []).map(({ agency, connections, bets, finished, winners }) => ({
    id: agency,
    connections,
    bets,
    betsPerSecond: rates.perSecondOf(agency),
    refused: monitor.refusedBets.get(agency) ?? 0,
    finished,
    ...(winners === undefined ? {} : { winners }),
  }));
}
