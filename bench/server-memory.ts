/**
 * Memory of the server while one agency sends many bets: `node bench/server-memory.ts [--bets 2000000]`.
 *
 * Starts the built server and one built client as processes, reads the server's resident memory from /proc every 50 ms,
 * and prints its start, its highest and its last value. Exit code 1 when the highest is more than 64 MB over the start:
 * the start is taken when the server has listened and rested, before the first connection.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const GROWTH_MB_MAX = 64;
const SAMPLE_MS = 50;
const PROGRAM = join(import.meta.dirname, '../dist/cli/main.js');

const { values } = parseArgs({ options: { bets: { type: 'string', default: '2000000' } } });
const bets = Number(values.bets);
const folder = mkdtempSync(join(tmpdir(), 'loteria-memory-'));

try {
  process.exitCode = await measure();
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<number> {
  console.log(`making ${bets} bets`);
  const dataset = start(['dataset', folder, '--agencies', '1', '--bets', String(bets)], {});
  dataset.stdout!.resume();
  await once(dataset, 'close');

  const server = start(['server'], {
    SERVER_PORT: '0',
    SERVER_HOST: '127.0.0.1',
    NUMBER_AGENCIES: '1',
    LOG_FORMAT: 'json',
  });
  const port = await listeningPort(server);
  await sleep(500);
  const atStart = residentMegabytes(server);
  let highest = atStart;
  const sampling = setInterval(() => (highest = Math.max(highest, residentMegabytes(server))), SAMPLE_MS);

  const startedAt = performance.now();
  const client = start(['client'], {
    CLI_ID: '1',
    CLI_SERVER_ADDRESS: `127.0.0.1:${port}`,
    CLI_FILE_NAME: join(folder, 'agency-1.csv'),
    CLI_BATCH_WINDOW: '32',
    CLI_LOOP_PERIOD: '100ms',
  });
  client.stdout!.resume();
  const [code] = (await once(client, 'close')) as [number];
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(sampling);
  const atEnd = residentMegabytes(server);
  server.kill('SIGTERM');
  await once(server, 'close');

  const rate = Math.round(bets / seconds).toLocaleString('en-US');
  console.log(
    `${bets} bets in ${seconds.toFixed(1)} s (${rate} bets per second, the draw included), client exit code ${code}`,
  );
  console.log(
    `server memory: ${atStart} MB at the start, ${highest} MB at the highest, ${atEnd} MB after the draw`,
  );
  const growth = highest - atStart;
  console.log(`growth ${growth} MB, ${growth <= GROWTH_MB_MAX ? 'within' : 'MORE THAN'} ${GROWTH_MB_MAX} MB`);
  return code === 0 && growth <= GROWTH_MB_MAX ? 0 : 1;
}

function start(args: readonly string[], environment: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function listeningPort(server: ChildProcess): Promise<number> {
  const lines = createInterface({ input: server.stdout! });
  return new Promise(resolve => {
    lines.on('line', text => {
      const line = JSON.parse(text) as { action: string; port: number };
      if (line.action === 'listen') resolve(line.port);
    });
  });
}

function residentMegabytes({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
}
