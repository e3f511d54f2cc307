import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inDiskFolder } from '../src/bench/measure.ts';
import { inheritedEnvironment } from '../src/config/inherited-environment.ts';
import { findAgencyFiles, unpackAgencyFiles } from '../src/dataset/files.ts';
import { generateDataset } from '../src/dataset/generate.ts';
import { type Summary, summarize } from './samples.ts';
import { PROGRAM, type Setting } from './setting.ts';
import { WatchedServer } from './watched-server.ts';

const SEED = 7574;
const CLIENT_BETS = 2_000_000;
/** More rounds than of other measurements, because a lottery is short. */
const LOTTERIES_PER_ROUND = 2;

export interface WholeLottery {
  /** From the start of the first client to the exit of the last; the server runs already. */
  readonly seconds: Summary;
  /** The same with empty Node processes, the lower bound of any client. */
  readonly emptySeconds: Summary;
}

/** A lottery of the course's data, with a process per agency. */
export async function measureLottery(zip: string, setting: Setting): Promise<WholeLottery> {
  const { rounds, stop, say } = setting;
  const lotteries: number[] = [];
  const empties: number[] = [];
  await inDiskFolder(async folder => {
    const data = join(folder, 'data');
    await mkdir(data);
    await unpackAgencyFiles(zip, data);
    const files = await findAgencyFiles(data);
    for (let round = 0; round < rounds * LOTTERIES_PER_ROUND; round += 1) {
      say('a whole lottery');
      const served = join(folder, `served-${round}`);
      await mkdir(served);
      const server = await WatchedServer.start(served, files.length, stop);
      try {
        lotteries.push(
          await timed(async () => {
            const clients = files.map(({ agency, path }) =>
              startClient(agency, path, served, server),
            );
            await Promise.all(clients.map(client => succeeded(client, stop)));
          }),
        );
      } finally {
        await server.process.stop();
      }
      empties.push(
        await timed(async () => {
          const processes = files.map(() =>
            spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }),
          );
          await Promise.all(processes.map(one => succeeded(one, stop)));
        }),
      );
    }
  });
  return { seconds: summarize(lotteries), emptySeconds: summarize(empties) };
}

export interface OneClient {
  readonly bets: number;
  /** From the start of the client's process to its line that everything is stored. */
  readonly betsPerSecond: Summary;
  readonly serverPeakMegabytes: number;
}

/** One client with a large file. */
export async function measureClient(setting: Setting): Promise<OneClient> {
  const { rounds, divisor, stop, say } = setting;
  const bets = CLIENT_BETS / divisor;
  const rates: number[] = [];
  let serverPeakMegabytes = 0;
  await inDiskFolder(async folder => {
    const data = join(folder, 'data');
    say(`making a file of ${bets} bets`);
    await generateDataset(data, { agencies: 1, bets, seed: SEED }, () => stop.throwIfAborted());
    for (let round = 0; round < rounds; round += 1) {
      say('one client');
      const served = join(folder, `served-${round}`);
      await mkdir(served);
      const server = await WatchedServer.start(served, 1, stop);
      try {
        const startedAt = performance.now();
        const client = startClient(1, join(data, 'agency-1.csv'), served, server);
        let uploadedAt = 0;
        createInterface({ input: client.stdout! }).on('line', line => {
          const { action, result } = JSON.parse(line) as { action: string; result: string };
          if (action === 'upload' && result === 'success') uploadedAt = performance.now();
        });
        await succeeded(client, stop);
        rates.push((bets / (uploadedAt - startedAt)) * 1_000);
        serverPeakMegabytes = Math.max(serverPeakMegabytes, server.process.peakMegabytes() ?? 0);
      } finally {
        await server.process.stop();
      }
    }
  });
  return { bets, betsPerSecond: summarize(rates), serverPeakMegabytes };
}

function startClient(
  agency: number,
  path: string,
  cwd: string,
  server: WatchedServer,
): ChildProcess {
  const { host, port } = server.process.address;
  return spawn(process.execPath, [PROGRAM, 'client'], {
    cwd,
    env: {
      ...inheritedEnvironment(),
      CLI_ID: String(agency),
      CLI_SERVER_ADDRESS: `${host}:${port}`,
      CLI_FILE_NAME: path,
      LOG_FORMAT: 'json',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Waits for the end of a process. Reads its output in any case, so that it does not block. */
async function succeeded(child: ChildProcess, stop: AbortSignal): Promise<void> {
  child.stdout?.resume();
  try {
    const [code] = (await once(child, 'close', { signal: stop })) as [number | null];
    if (code !== 0) throw new Error(`a process ended with exit code ${code}`);
  } finally {
    child.kill();
  }
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return (performance.now() - startedAt) / 1_000;
}
