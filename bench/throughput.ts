import type { Measurement } from '../src/bench/measure.ts';
import { type Summary, summarize } from './samples.ts';
import { measure, type ServerName, type Setting, type Shape, shorten } from './setting.ts';

/** Figures of a load, and their ratios to the baseline in the same round. */
export interface Row {
  readonly shape: Shape;
  readonly betsPerSecond: Summary;
  readonly p50: Summary;
  readonly p99: Summary;
  readonly p999: Summary;
  readonly peakMegabytes: number;
  /** Bets per second as a multiple of the baseline's; undefined without one. */
  readonly ofBaseline: Summary | undefined;
  /** The same for the Python server. */
  readonly ofPython: Summary | undefined;
}

/** Number of bets for about a second of measurement, and for the warm-up. */
interface Load {
  readonly connections: number;
  readonly window: number;
  readonly batch: number;
  readonly bets: Readonly<Partial<Record<ServerName, number>>>;
}

const WARM_UP = 200_000;

const LOADS: readonly Load[] = [
  {
    connections: 5,
    window: 64,
    batch: 130,
    bets: {
      loteria: 5_000_000,
      quiet: 5_000_000,
      baseline: 5_000_000,
      python: 300_000,
      discard: 20_000_000,
    },
  },
  {
    connections: 5,
    window: 8,
    batch: 130,
    bets: { loteria: 2_000_000, quiet: 2_000_000, baseline: 2_000_000 },
  },
  {
    connections: 5,
    window: 1,
    batch: 130,
    bets: { loteria: 1_000_000, quiet: 1_000_000, baseline: 1_000_000, python: 300_000 },
  },
];

const CONNECTIONS = [1, 5, 50, 500] as const;
/** With 500 connections, 4,160,000 bets are in flight. */
const CONNECTIONS_BETS = 8_000_000;

/** Number of bets by batch size: small batches take longer. */
const BATCHES = [
  [1, 200_000],
  [10, 1_000_000],
  [130, 5_000_000],
] as const;

const BETS = [100_000, 1_000_000, 10_000_000] as const;

/**
 * Measures our server, the baseline and the Python server in turn with the same load, several
 * rounds.
 */
export async function compareServers(setting: Setting, python: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { bets, ...load } of LOADS) {
    const servers = (Object.keys(bets) as ServerName[]).filter(
      server => python || server !== 'python',
    );
    rows.push(
      ...(await interleave(
        servers.map(server => ({
          server,
          ...load,
          bets: bets[server]!,
          warmUp: bets[server]! / 10,
        })),
        setting,
      )),
    );
  }
  return rows;
}

export function scaleConnections(setting: Setting): Promise<Row[]> {
  const load = { window: 64, batch: 130, bets: CONNECTIONS_BETS, warmUp: WARM_UP };
  return interleave(
    besideBaseline(CONNECTIONS.map(connections => ({ ...load, connections }))),
    setting,
  );
}

export function scaleBatch(setting: Setting): Promise<Row[]> {
  const load = { connections: 5, window: 64, warmUp: WARM_UP / 10 };
  return interleave(
    besideBaseline(BATCHES.map(([batch, bets]) => ({ ...load, batch, bets }))),
    setting,
  );
}

export function scaleBets(setting: Setting): Promise<Row[]> {
  const load = { connections: 5, window: 64, batch: 130, warmUp: 5 * WARM_UP };
  return interleave(
    BETS.map(bets => ({ server: 'loteria', ...load, bets })),
    setting,
  );
}

function besideBaseline(loads: readonly Omit<Shape, 'server'>[]): Shape[] {
  return loads.flatMap(load => [
    { server: 'loteria', ...load },
    { server: 'baseline', ...load },
  ]);
}

/** Measures each load once in every round, so that other work of the machine affects all alike. */
async function interleave(planned: readonly Shape[], setting: Setting): Promise<Row[]> {
  const shapes = planned.map(shape => shorten(shape, setting));
  const measurements = new Map<Shape, Measurement[]>(shapes.map(shape => [shape, []]));
  for (let round = 0; round < setting.rounds; round += 1) {
    for (const shape of shapes) measurements.get(shape)!.push(await measure(shape, setting));
  }
  const companion = (shape: Shape, server: ServerName): Measurement[] | undefined => {
    const { connections, window, batch } = shape;
    const same = (other: Shape): boolean =>
      other.connections === connections && other.window === window && other.batch === batch;
    const found = shapes.find(other => other.server === server && same(other));
    return found && measurements.get(found);
  };
  return shapes.map(shape => {
    const own = measurements.get(shape)!;
    const of = (figure: (one: Measurement) => number): Summary => summarize(own.map(figure));
    return {
      shape,
      betsPerSecond: of(one => one.betsPerSecond),
      p50: of(one => one.latencyMs.p50),
      p99: of(one => one.latencyMs.p99),
      p999: of(one => one.latencyMs.p999),
      peakMegabytes: of(one => one.peakMegabytes ?? 0).max,
      ofBaseline: ratio(own, companion(shape, 'baseline')),
      ofPython: ratio(own, companion(shape, 'python')),
    };
  });
}

function ratio(
  own: readonly Measurement[],
  others: readonly Measurement[] | undefined,
): Summary | undefined {
  return (
    others && summarize(own.map((one, round) => one.betsPerSecond / others[round]!.betsPerSecond))
  );
}
