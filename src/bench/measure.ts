import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgencyCodec } from '../wire/dialect.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { Belt, makeFrames } from './belt.ts';
import { type Latency, type LoadPlan, runLoad } from './load.ts';
import type { HostPort } from '../config/server-address.ts';
import { type ServerCommand, ServerProcess } from './server-process.ts';

/** Syncing tmpfs costs nothing, so temporary files go to the other folder where /tmp is one. */
const TMPFS_TYPE = 0x0102_1994;
const DISK_FOLDER = '/var/tmp';

const MEGABYTE = 1_000_000;

export interface LoadShape {
  readonly connections: number;
  readonly agencies: number;
  readonly window: number;
  readonly batch: number;
  /** Total, rounded up to whole batches. */
  readonly bets: number;
  /** Unmeasured bets before, while the server is compiled. */
  readonly warmUp: number;
  /** Whether the agencies finish afterwards, so that the server holds its draw. */
  readonly end: boolean;
}

export interface Measurement {
  readonly name: string;
  /** Without the warm-up. */
  readonly bets: number;
  readonly batches: number;
  readonly seconds: number;
  readonly betsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly latencyMs: Latency;
  /** Of the server, warm-up included; undefined for one that runs already. */
  readonly peakMegabytes: number | undefined;
}

export interface MeasureParts {
  readonly shape: LoadShape;
  readonly codecOf: (agency: number) => AgencyCodec;
  readonly stop: AbortSignal;
}

/**
 * Measures one running server, or several that share a lottery.
 *
 * @throws BenchError, the reason of `stop`
 */
export async function measureServer(
  name: string,
  addresses: readonly HostPort[],
  { shape, codecOf, stop }: MeasureParts,
): Promise<Measurement> {
  const { connections, agencies, window, batch } = shape;
  const codec = codecOf(1);
  const frames = makeFrames(codec.batch, batch);
  const plan: Omit<LoadPlan, 'batches'> = {
    addresses,
    limits: DEFAULT_LIMITS,
    connections,
    agencies,
    identify: agency => codecOf(agency).identify(),
    window,
    belt: new Belt(frames, window),
    stop,
  };
  const warmUpBatches = Math.ceil(shape.warmUp / batch);
  if (warmUpBatches > 0) await runLoad({ ...plan, batches: warmUpBatches });
  const batches = Math.ceil(shape.bets / batch);
  const result = await runLoad({ ...plan, batches });
  if (shape.end) {
    const belt = new Belt([codec.finish()], 1);
    await runLoad({ ...plan, connections: agencies, window: 1, belt, batches: agencies });
  }
  const frameBytes = frames.reduce((sum, { length }) => sum + length, 0) / frames.length;
  const bets = batches * batch;
  return {
    name,
    bets,
    batches,
    ...result,
    betsPerSecond: bets / result.seconds,
    megabytesPerSecond: (batches * frameBytes) / result.seconds / MEGABYTE,
    peakMegabytes: undefined,
  };
}

/** Starts a server in a temporary folder, measures it, and removes both. */
export async function measureCommand(
  commandIn: (folder: string) => ServerCommand,
  parts: MeasureParts,
): Promise<Measurement> {
  return inDiskFolder(async folder => {
    const command = commandIn(folder);
    const server = await ServerProcess.start(command, parts.stop);
    try {
      const measurement = await measureServer(command.name, [server.address], parts);
      return { ...measurement, peakMegabytes: server.peakMegabytes() };
    } finally {
      await server.stop();
    }
  });
}

/** Provides a temporary folder on a disk. */
export async function inDiskFolder<Result>(
  act: (folder: string) => Promise<Result>,
): Promise<Result> {
  const { type } = await statfs(tmpdir());
  const folder = await mkdtemp(
    join(type === TMPFS_TYPE ? DISK_FOLDER : tmpdir(), 'loteria-bench-'),
  );
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
