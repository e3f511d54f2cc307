// `make crash`: kills servers and clients for as long as one likes, a line per round. A round can
// be repeated by its seed:
//
//     node test/crash/crash-cli.ts [--seed N] [--rounds N] [--minutes M]
//
// Without --rounds and --minutes, a given seed is run once, and without a seed it goes on until it
// is interrupted.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashRun } from './crash-run.ts';
import { prepareAgencies } from './expected-bets.ts';

const KILLS_MIN = 20;
const KILLS_MAX = 60;
const ROUND_MS_MAX = 300_000;

const { values } = parseArgs({
  options: { seed: { type: 'string' }, rounds: { type: 'string' }, minutes: { type: 'string' } },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const isOpenEnded = values.seed === undefined || values.minutes !== undefined;
const rounds = values.rounds === undefined ? (isOpenEnded ? Infinity : 1) : Number(values.rounds);
const until =
  performance.now() + (values.minutes === undefined ? Infinity : Number(values.minutes) * 60_000);
if ([seed, rounds, until].some(value => Number.isNaN(value))) {
  console.error('--seed, --rounds and --minutes take numbers');
  process.exit(2);
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

const folder = await mkdtemp(join(tmpdir(), 'loteria-crash-'));
const agencies = await prepareAgencies(join(folder, 'data'));
for (
  let round = 0;
  round < rounds && performance.now() < until && !interrupted.signal.aborted;
  round += 1
) {
  const own = join(folder, `round-${round + 1}`);
  await mkdir(own);
  try {
    const { kills, killsBeforeDraw, bets, durationMs } = await crashRun({
      seed: seed + round,
      agencies,
      folder: own,
      killsMin: KILLS_MIN,
      killsMax: KILLS_MAX,
      deadlineMs: ROUND_MS_MAX,
      signal: interrupted.signal,
    });
    console.log(
      `round ${round + 1}, seed ${seed + round}: ${kills.length} kills, ${killsBeforeDraw} before the draw, ` +
        `${bets} bets, each once, ${(durationMs / 1000).toFixed(1)} s`,
    );
    await rm(own, { recursive: true });
  } catch (error) {
    if (interrupted.signal.aborted) break;
    console.error((error as Error).message);
    process.exit(1);
  }
}
await rm(folder, { recursive: true });
