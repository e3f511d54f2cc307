import { addAbortListener } from 'node:events';
import { createHistogram } from 'node:perf_hooks';
import type { Limits } from '../wire/limits.ts';
import type { Belt } from './belt.ts';
import type { HostPort } from '../config/server-address.ts';
import { LoadConnection, type LoadConnectionParts } from './load-connection.ts';

/** Simultaneous connects, fewer than the backlog of a server. */
const CONNECTING_MAX = 64;

const DEADLINE_CHECK_MS = 1_000;

export interface LoadPlan {
  /** Connections are distributed round-robin. */
  readonly addresses: readonly HostPort[];
  readonly limits: Limits;
  readonly connections: number;
  /** Connections speak for the agencies 1 to this number, round-robin. */
  readonly agencies: number;
  /** The message that names the agency of a connection. */
  readonly identify: (agency: number) => Uint8Array | undefined;
  /** Batches in flight per connection. */
  readonly window: number;
  /** Total number of batches. */
  readonly batches: number;
  readonly belt: Belt;
  readonly stop: AbortSignal;
}

export interface LoadResult {
  /** From the first batch sent to the last answer. */
  readonly seconds: number;
  readonly latencyMs: Latency;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * Sends batches and waits for all answers.
 *
 * @throws BenchError if a server refuses, closes or does not answer; the reason of `stop`
 */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const { stop, limits, belt, window } = plan;
  const latency = createHistogram();
  const now = (): number => performance.now();
  let left = plan.batches;
  const take = (wanted: number): number => {
    const taken = Math.min(wanted, left);
    left -= taken;
    return taken;
  };
  const connections: LoadConnection[] = [];
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  stopped.catch(() => {});
  const stopping = addAbortListener(stop, () => reject(stop.reason as Error));
  let checking: NodeJS.Timeout | undefined;
  try {
    const parts = { limits, belt, window, take, latency, now };
    await Promise.race([openAll(plan, parts, connections), stopped]);
    checking = setInterval(() => {
      for (const connection of connections) connection.checkDeadline();
    }, DEADLINE_CHECK_MS);
    const startedAt = now();
    for (const connection of connections) connection.start();
    await Promise.race([Promise.all(connections.map(({ done }) => done)), stopped]);
    const seconds = (now() - startedAt) / 1_000;
    const at = (percent: number): number => latency.percentile(percent) / 1_000;
    return { seconds, latencyMs: { p50: at(50), p99: at(99), p999: at(99.9), max: at(100) } };
  } finally {
    clearInterval(checking);
    stopping[Symbol.dispose]();
    await Promise.all(connections.map(connection => connection.close()));
  }
}

/** Registers each connection before it is open, so that it is closed in any case. */
async function openAll(
  { addresses, connections: count, agencies, identify, stop }: LoadPlan,
  parts: Omit<LoadConnectionParts, 'address'>,
  connections: LoadConnection[],
): Promise<void> {
  for (let from = 0; from < count; from += CONNECTING_MAX) {
    stop.throwIfAborted();
    const opening = Array.from(
      { length: Math.min(CONNECTING_MAX, count - from) },
      async (_, index) => {
        const address = addresses[(from + index) % addresses.length]!;
        const connection = new LoadConnection({ ...parts, address });
        connections.push(connection);
        await connection.open(identify(1 + ((from + index) % agencies)));
      },
    );
    await Promise.all(opening);
  }
}
