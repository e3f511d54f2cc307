import { describe, expect, test } from 'vitest';
import type { CentralEvent } from '../../src/observe/events.ts';
import { Monitor } from '../../src/observe/monitor.ts';
import { SyncTimes } from '../../src/observe/sync-times.ts';

const refusal = (code: 'busy' | 'invalid-bet') => ({
  code,
  detail: "agency 1 sent 'Ana Pérez' 30904465",
});

function monitorAfter(...events: readonly CentralEvent[]): Monitor {
  let second = 0;
  const monitor = new Monitor(() => new Date((second += 1) * 1000));
  for (const event of events) monitor.onEvent(event);
  return monitor;
}

const listener = { port: 12345, dialect: 'tp0' };

describe('Monitor', () => {
  test('counts batches, connections, and refusals by code and by agency', () => {
    const monitor = monitorAfter(
      { event: 'connection-accepted', ip: '10.0.0.1' },
      { event: 'connection-accepted', ip: '10.0.0.2' },
      { event: 'connection-closed', ip: '10.0.0.1' },
      { event: 'batch-stored', agency: 1, count: 130 },
      { event: 'bet-stored', document: '30904465', number: 7574 },
      { event: 'bets-refused', agency: 2, single: false, count: 3 },
      { event: 'message-refused', ip: '10.0.0.2', agency: 2, refusal: refusal('invalid-bet') },
      { event: 'bets-refused', agency: 2, single: true, count: 1 },
      { event: 'message-refused', ip: '10.0.0.2', agency: 2, refusal: refusal('invalid-bet') },
      { event: 'connection-refused', ip: '10.0.0.3', listener, refusal: refusal('busy') },
    );
    expect(monitor.batches).toBe(2);
    expect([monitor.connectionsAccepted, monitor.connectionsOpen]).toEqual([2, 1]);
    expect([...monitor.refusedBets]).toEqual([[2, 4]]);
    expect(Object.fromEntries(monitor.refusals)).toEqual({ 'invalid-bet': 2, busy: 1 });
  });
});

describe('recent events', () => {
  test('are newest first and contain no personal data', () => {
    const { recent } = monitorAfter(
      {
        event: 'store-opened',
        file: 'bets.csv',
        bets: 7,
        finished: [3],
        expected: 5,
        state: 'open',
      },
      { event: 'bet-stored', document: '30904465', number: 7574 },
      { event: 'message-refused', ip: '10.0.0.2', agency: 2, refusal: refusal('invalid-bet') },
      { event: 'agency-finished', agency: 1, missing: 2, waitingFor: [2, 4] },
      { event: 'draw-held', bets: 7, winners: 1, seal: 'ab', durationMs: 5 },
    );
    expect(recent.newestFirst.map(({ id, kind, params }) => [id, kind, params])).toEqual([
      [4, 'draw-held', { bets: 7, winners: 1 }],
      [3, 'agency-finished', { agency: 1, missing: 2 }],
      [2, 'message-refused', { agency: 2, ip: '10.0.0.2', code: 'invalid-bet' }],
      [1, 'store-opened', { bets: 7, finished: 1 }],
    ]);
    expect(JSON.stringify(recent.newestFirst)).not.toMatch(/30904465|Pérez/);
  });

  test('move up and are counted when repeated, so that a flood hides no other event', () => {
    const flood = {
      event: 'message-refused',
      ip: '10.0.0.9',
      refusal: refusal('invalid-bet'),
    } as const;
    const { recent } = monitorAfter(
      flood,
      { event: 'agency-finished', agency: 1, missing: 0, waitingFor: [] },
      ...Array.from({ length: 999 }, () => flood),
    );
    expect(recent.newestFirst.map(({ id, kind, params }) => [id, kind, params['times']])).toEqual([
      [1, 'message-refused', 1000],
      [2, 'agency-finished', undefined],
    ]);
  });

  test('are fifty at most', () => {
    const monitor = monitorAfter();
    for (let agency = 1; agency <= 70; agency += 1) {
      monitor.onEvent({ event: 'agency-finished', agency, missing: 0, waitingFor: [] });
    }
    const agencies = monitor.recent.newestFirst.map(({ params }) => params['agency']);
    expect(agencies).toEqual(Array.from({ length: 50 }, (_, index) => 70 - index));
  });

  test('report a full disk and new room once each', () => {
    const monitor = monitorAfter();
    monitor.onDurable();
    monitor.onFull();
    monitor.onFull();
    monitor.onDurable();
    monitor.onDurable();
    expect(monitor.recent.newestFirst.map(({ kind }) => kind)).toEqual([
      'disk-has-room',
      'disk-full',
    ]);
  });

  test('report engine events without error texts, which may name hosts', () => {
    const { recent } = monitorAfter(
      { event: 'engine-unavailable', error: 'ECONNREFUSED 10.0.0.1', isUnsafe: false },
      { event: 'engine-available', awayMs: 12 },
      { event: 'engine-single' },
      { event: 'draw-followed', bets: 7, winners: 1, seal: 'ab' },
    );
    expect(recent.newestFirst.map(({ kind, params }) => [kind, params])).toEqual([
      ['draw-followed', { bets: 7, winners: 1 }],
      ['engine-single', {}],
      ['engine-available', {}],
      ['engine-unavailable', {}],
    ]);
  });
});

const AWAY = { event: 'engine-unavailable', error: 'TIMEOUT', isUnsafe: false } as const;
const BACK = { event: 'engine-available', awayMs: 1 } as const;

describe('Monitor with an engine', () => {
  const open = () => {
    const monitor = new Monitor(() => new Date(), { hasEngine: true });
    monitor.serve(() => {
      throw new Error('nobody asks');
    });
    return monitor;
  };

  test('is not ready while the engine is unavailable or unsafe', () => {
    const monitor = open();
    expect([monitor.unready, monitor.engineAvailable]).toEqual([undefined, true]);
    monitor.onEvent(AWAY);
    expect([monitor.unready, monitor.engineAvailable]).toEqual(['engine-away', false]);
    monitor.onEvent({ ...AWAY, isUnsafe: true });
    expect([monitor.unready, monitor.engineAvailable]).toEqual(['engine-unsafe', false]);
    monitor.onEvent(BACK);
    expect([monitor.unready, monitor.engineAvailable]).toEqual([undefined, true]);
  });

  test('reports a missing engine before it serves', () => {
    const monitor = new Monitor(() => new Date(), { hasEngine: true });
    expect(monitor.unready).toBe('recovering');
    monitor.onEvent(AWAY);
    expect(monitor.unready).toBe('engine-away');
    monitor.onEvent(BACK);
    expect(monitor.unready).toBe('recovering');
    monitor.onEvent(AWAY);
    monitor.onEvent({ event: 'stopping', signal: 'SIGTERM' });
    expect(monitor.unready).toBe('stopping');
  });

  test('reports a full disk rather than a missing engine', () => {
    const monitor = open();
    monitor.onFull();
    monitor.onEvent(AWAY);
    expect(monitor.unready).toBe('disk-full');
    monitor.onDurable();
    monitor.onEvent(BACK);
    expect(monitor.unready).toBeUndefined();
  });
});

describe('SyncTimes', () => {
  test('returns percentiles in milliseconds, also of durations below one', () => {
    const times = new SyncTimes();
    expect([times.count, times.lastMs, times.percentileMs(50)]).toEqual([0, 0, 0]);
    for (let index = 1; index <= 100; index += 1) times.record(index / 10);
    expect([times.count, times.lastMs]).toEqual([100, 10]);
    expect(times.percentileMs(50)).toBeCloseTo(5, 1);
    expect(times.percentileMs(99)).toBeCloseTo(9.9, 1);
    times.record(0);
    expect(times.count).toBe(101);
  });
});
