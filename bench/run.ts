/**
 * All measurements, written to `bench/RESULTS.md`: `node bench/run.ts [--quick] [--only cluster]
 * [--out FILE]`.
 *
 * The section "Where the time goes" is written by hand, and kept.
 *
 * `--only cluster` measures and prints only the part about several servers.
 *
 * `--quick` runs small loads, to show that everything can be measured. It prints the figures, which
 * are those of programs that are still warming up.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { COURSE_DATA } from '../test/support/course-data.ts';
import { measureClient, measureLottery } from './clients.ts';
import { measureClusters } from './cluster.ts';
import { measureLargeFolder } from './large-folder.ts';
import { clusterSection, formatResults, partByHand } from './results-page.ts';
import type { Setting } from './setting.ts';
import { compareServers, scaleBatch, scaleBets, scaleConnections } from './throughput.ts';

/** Time limit, in milliseconds. */
const TOTAL_MS_MAX = 10 * 60_000;

const FULL = { rounds: 3, divisor: 1 };
const QUICK = { rounds: 1, divisor: 50 };

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'RESULTS.md') },
  },
});

const startedAt = new Date();
const [loadBefore] = loadavg() as [number];
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => interrupted.abort(new Error('stopped: nothing is written')));
}
const setting: Setting = {
  ...(values.quick ? QUICK : FULL),
  stop: AbortSignal.any([interrupted.signal, AbortSignal.timeout(TOTAL_MS_MAX)]),
  say: text => console.error(`${Math.round(performance.now() / 1_000)} s  ${text}`),
};
const python = pythonVersion();
if (python === undefined) setting.say('python3 is not installed: its server is left out');

try {
  if (values.only === undefined) await measureAll();
  else if (values.only === 'cluster') console.log(clusterSection(await measureClusters(setting)));
  else throw new Error(`--only is '${values.only}', allowed: cluster`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function measureAll(): Promise<void> {
  const page = formatResults({
    startedAt,
    loadBefore,
    rounds: setting.rounds,
    python,
    servers: await compareServers(setting, python !== undefined),
    connections: await scaleConnections(setting),
    batch: await scaleBatch(setting),
    bets: await scaleBets(setting),
    clusters: await measureClusters(setting),
    largeFolder: await measureLargeFolder(setting),
    client: await measureClient(setting),
    lottery: existsSync(COURSE_DATA) ? await measureLottery(COURSE_DATA, setting) : undefined,
    durationMs: performance.now(),
  });
  const before = existsSync(values.out) ? partByHand(readFileSync(values.out, 'utf8')) : '';
  if (values.quick) console.log(page);
  else writeFileSync(values.out, page + before);
}

function pythonVersion(): string | undefined {
  const { status, stdout } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
