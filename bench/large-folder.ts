import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Belt } from '../src/bench/belt.ts';
import { runLoad } from '../src/bench/load.ts';
import { inDiskFolder, measureServer } from '../src/bench/measure.ts';
import { ServerProcess } from '../src/bench/server-process.ts';
import { ownServer } from '../src/bench/servers.ts';
import type { AgencyCodec } from '../src/wire/dialect.ts';
import { DIALECTS } from '../src/cli/dialects.ts';
import { DEFAULT_LIMITS } from '../src/wire/limits.ts';
import { type Summary, summarize } from './samples.ts';
import { PROGRAM, type Setting } from './setting.ts';
import { WatchedServer } from './watched-server.ts';

const AGENCIES = 5;
const BETS = 10_000_000;

export interface LargeFolder {
  readonly bets: number;
  /** From the start of a server, which reads and verifies the folder, to its `listen` line. */
  readonly startSeconds: Summary;
  /** From the agencies' `END` to the draw's line in the log, the seal included. */
  readonly drawSeconds: Summary;
  readonly drawPeakMegabytes: number;
}

/** A folder with many bets: the durations of a start and of the draw. */
export async function measureLargeFolder(setting: Setting): Promise<LargeFolder> {
  const { rounds, divisor, stop, say } = setting;
  const bets = BETS / divisor;
  const starts: number[] = [];
  const draws: number[] = [];
  let drawPeakMegabytes = 0;
  await inDiskFolder(async folder => {
    const filled = join(folder, 'filled');
    await mkdir(filled);
    say(`filling a folder with ${bets} bets`);
    await fill(filled, bets, stop);
    for (let round = 0; round < rounds; round += 1) {
      say('start and draw');
      const copy = join(folder, `round-${round}`);
      await cp(filled, copy, { recursive: true });
      const { startMs, drawMs, peakMegabytes } = await startAndDraw(copy, stop);
      starts.push(startMs / 1_000);
      draws.push(drawMs / 1_000);
      drawPeakMegabytes = Math.max(drawPeakMegabytes, peakMegabytes);
    }
  });
  return {
    bets,
    startSeconds: summarize(starts),
    drawSeconds: summarize(draws),
    drawPeakMegabytes,
  };
}

const codecOf = (id: number): AgencyCodec => DIALECTS.base().agency(DEFAULT_LIMITS, id);

async function fill(folder: string, bets: number, stop: AbortSignal): Promise<void> {
  const shape = {
    connections: 5,
    agencies: AGENCIES,
    window: 64,
    batch: 130,
    bets,
    warmUp: 0,
    end: false,
  };
  const command = ownServer({ program: PROGRAM, folder, connections: 5, agencies: AGENCIES });
  const server = await ServerProcess.start(command, stop);
  try {
    await measureServer('filling', [server.address], { shape, codecOf, stop });
  } finally {
    await server.stop();
  }
}

async function startAndDraw(folder: string, stop: AbortSignal) {
  const server = await WatchedServer.start(folder, AGENCIES, stop);
  try {
    const drawn = server.logged('draw', stop);
    const endedAt = performance.now();
    await runLoad({
      addresses: [server.process.address],
      limits: DEFAULT_LIMITS,
      connections: AGENCIES,
      agencies: AGENCIES,
      identify: agency => codecOf(agency).identify(),
      window: 1,
      batches: AGENCIES,
      belt: new Belt([codecOf(1).finish()], 1),
      stop,
    });
    await drawn;
    const drawMs = performance.now() - endedAt;
    return { startMs: server.startMs, drawMs, peakMegabytes: server.process.peakMegabytes() ?? 0 };
  } finally {
    await server.process.stop();
  }
}
