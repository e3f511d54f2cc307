import { createHistogram } from 'node:perf_hooks';
import type { Limits } from '../wire/limits.ts';
import type { Belt } from './belt.ts';
import { type Address, LoadConnection, type LoadConnectionParts } from './load-connection.ts';

/** Connections that are being made at the same time: fewer than a server lets wait to be accepted. */
const CONNECTING_MAX = 64;

/** How often the deadlines are looked at, in milliseconds. */
const DEADLINE_CHECK_MS = 1_000;

export interface LoadPlan {
  /** Of one server or of several: the connections go to each in turn. */
  readonly addresses: readonly Address[];
  readonly limits: Limits;
  readonly connections: number;
  /** The connections speak for the agencies 1 to this number, in turn. */
  readonly agencies: number;
  /** The message with which a connection says for which agency it speaks. */
  readonly identify: (agency: number) => Uint8Array | undefined;
  /** Batches that a connection may have unanswered. */
  readonly window: number;
  /** Batches in all: each connection takes the next one when it has room. */
  readonly batches: number;
  readonly belt: Belt;
  /** Aborted when the user wants it to end. */
  readonly stop: AbortSignal;
}

export interface LoadResult {
  /** From the first batch sent to the last answer. */
  readonly seconds: number;
  /** From a batch sent to its answer. */
  readonly latencyMs: Latency;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * Sends batches to one server or several and waits for the answer to each.
 *
 * @throws BenchError when the server refuses, goes away or does not answer
 * @throws the reason of `stop`
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
  const stopped = whenAborted(stop);
  let checking: NodeJS.Timeout | undefined;
  try {
    const parts = { limits, belt, window, take, latency, now };
    await Promise.race([openAll(plan, parts, connections), stopped.promise]);
    checking = setInterval(() => {
      for (const connection of connections) connection.checkDeadline();
    }, DEADLINE_CHECK_MS);
    const startedAt = now();
    for (const connection of connections) connection.start();
    await Promise.race([Promise.all(connections.map(({ done }) => done)), stopped.promise]);
    const seconds = (now() - startedAt) / 1_000;
    const at = (percent: number): number => latency.percentile(percent) / 1_000;
    return { seconds, latencyMs: { p50: at(50), p99: at(99), p999: at(99.9), max: at(100) } };
  } finally {
    clearInterval(checking);
    stopped.release();
    await Promise.all(connections.map(connection => connection.close()));
  }
}

/** Makes the connections; each is noted before it is there, so that whatever happens next it is closed. */
async function openAll(
  { addresses, connections: count, agencies, identify, stop }: LoadPlan,
  parts: Omit<LoadConnectionParts, 'address'>,
  connections: LoadConnection[],
): Promise<void> {
  for (let from = 0; from < count; from += CONNECTING_MAX) {
    stop.throwIfAborted();
    const opening = Array.from({ length: Math.min(CONNECTING_MAX, count - from) }, async (_, index) => {
      const address = addresses[(from + index) % addresses.length]!;
      const connection = new LoadConnection({ ...parts, address });
      connections.push(connection);
      await connection.open(identify(1 + ((from + index) % agencies)));
    });
    await Promise.all(opening);
  }
}

/** A promise that is rejected with the signal's reason, and the way to forget about it. */
function whenAborted(stop: AbortSignal): { promise: Promise<never>; release(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const onAbort = (): void => reject(stop.reason as Error);
  if (stop.aborted) onAbort();
  stop.addEventListener('abort', onAbort);
  return { promise, release: () => stop.removeEventListener('abort', onAbort) };
}
