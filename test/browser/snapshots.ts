import type { Snapshot, SnapshotAgency } from '../../src/http/snapshot.ts';

/** A snapshot during an upload of five agencies. Tests change parts of it. */
export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  const second = Math.floor(Date.parse('2026-11-21T17:30:00Z') / 1000);
  return {
    version: 1,
    time: '2026-11-21T17:30:00.000Z',
    startedAt: '2026-11-21T17:20:00.000Z',
    state: 'open',
    ready: { ok: true },
    expected: 5,
    finished: 2,
    waitingFor: [2, 3, 4],
    withdrawnActas: [],
    disputes: [],
    bets: 1_234_567,
    betsPerSecond: 8_700,
    refused: 3,
    history: Array.from({ length: 300 }, (_, index) => ({
      second: second - 300 + index,
      bets: Math.round(8_000 + 3_000 * Math.sin(index / 20)),
    })),
    connections: 4,
    syncs: { count: 4_321, lastMs: 1.25, p50Ms: 1.5, p99Ms: 12.75 },
    disk: { freeBytes: 412e9, totalBytes: 500e9 },
    agencies: [1, 2, 3, 4, 5].map(id => agency(id)),
    agenciesInAll: 5,
    events: [
      {
        id: 3,
        time: '2026-11-21T17:29:58.000Z',
        kind: 'agency-finished',
        params: { agency: 5, missing: 3 },
      },
      {
        id: 2,
        time: '2026-11-21T17:25:10.000Z',
        kind: 'message-refused',
        params: { agency: 2, ip: '10.0.0.7', code: 'bad-bet', times: 3 },
      },
      {
        id: 1,
        time: '2026-11-21T17:20:00.000Z',
        kind: 'listening',
        params: { dialect: 'tp0', port: 12345 },
      },
    ],
    ...changes,
  };
}

export function agency(id: number, changes: Partial<SnapshotAgency> = {}): SnapshotAgency {
  const finished = id === 1 || id === 5;
  return {
    id,
    connections: id === 4 ? 0 : id === 2 ? 2 : 1,
    bets: 200_000 + id * 1_111,
    betsPerSecond: finished ? 0 : id * 1_000,
    refused: id === 2 ? 3 : 0,
    finished,
    ...changes,
  };
}

/** The same lottery after its draw. */
export function drawn(): Snapshot {
  return snapshot({
    state: 'drawn',
    waitingFor: [],
    drawHeldAt: '2026-11-21T17:29:59.000Z',
    seal: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    winners: 12,
    betsPerSecond: 0,
    agencies: [1, 2, 3, 4, 5].map(id => agency(id, { finished: true, winners: id })),
  });
}
