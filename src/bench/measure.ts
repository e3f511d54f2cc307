import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgencyCodec } from '../wire/dialect.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { Belt, makeFrames } from './belt.ts';
import { type Latency, type LoadPlan, runLoad } from './load.ts';
import type { Address } from './load-connection.ts';
import { type ServerCommand, ServerProcess } from './server-process.ts';

/** How a file system that is nothing but memory calls itself, and where there is a disk when temporary files are in one. */
const TMPFS_TYPE = 0x0102_1994;
const DISK_FOLDER = '/var/tmp';

const MEGABYTE = 1_000_000;

export interface LoadShape {
  readonly connections: number;
  readonly agencies: number;
  /** Batches that a connection may have unanswered. */
  readonly window: number;
  /** Bets in a batch. */
  readonly batch: number;
  /** Bets in all; the last batch is a whole one. */
  readonly bets: number;
  /** Bets that are sent before and not measured: a program is slow while it is being compiled. */
  readonly warmUp: number;
  /** Whether the agencies finish afterwards, which makes a server hold its draw. */
  readonly end: boolean;
}

export interface Measurement {
  /** Which server. */
  readonly name: string;
  /** What was measured, without the warm-up. */
  readonly bets: number;
  readonly batches: number;
  readonly seconds: number;
  readonly betsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly latencyMs: Latency;
  /** The most memory that the server has had, warm-up included; undefined for a server that somebody else has started. */
  readonly peakMegabytes: number | undefined;
}

export interface MeasureParts {
  readonly shape: LoadShape;
  /** What an agency says. */
  readonly codecOf: (agency: number) => AgencyCodec;
  /** Aborted when the user wants it to end. */
  readonly stop: AbortSignal;
}

/**
 * Measures a server that runs, or several that store together.
 *
 * @throws BenchError
 * @throws the reason of `stop`
 */
export async function measureServer(
  name: string,
  addresses: readonly Address[],
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

/** Starts a server in a folder of its own, measures it and ends it; nothing of it is left. */
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

/** Gives a temporary folder that is on a disk: syncing memory costs nothing. */
export async function inDiskFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result> {
  const { type } = await statfs(tmpdir());
  const folder = await mkdtemp(join(type === TMPFS_TYPE ? DISK_FOLDER : tmpdir(), 'loteria-bench-'));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
