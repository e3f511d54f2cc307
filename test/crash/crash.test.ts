import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashRun } from './crash-run.ts';
import { prepareAgencies } from './expected-bets.ts';

const KILLS_MIN = 20;
const KILLS_MAX = 24;
const ROUND_MS_MAX = 110_000;

/** The first kills interrupt the upload, at any speed of the machine. */
const KILLS_BEFORE_DRAW_MIN = 3;

// `make crash` runs any number of rounds.
test('a lottery with repeated kills stores every bet once and holds one draw', {
  timeout: 120_000,
}, async ({ signal }) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`to repeat this round: node test/crash/crash-cli.ts --seed ${seed}`);
  const folder = await mkdtemp(join(tmpdir(), 'loteria-crash-'));
  const agencies = await prepareAgencies(join(folder, 'data'));
  const round = join(folder, 'round');
  await mkdir(round);
  const report = await crashRun({
    seed,
    agencies,
    folder: round,
    killsMin: KILLS_MIN,
    killsMax: KILLS_MAX,
    deadlineMs: ROUND_MS_MAX,
    signal,
  });
  console.log(`${report.kills.length} kills, ${report.killsBeforeDraw} of them before the draw`);
  expect(report.kills.length).toBeGreaterThanOrEqual(KILLS_MIN);
  expect(report.killsBeforeDraw).toBeGreaterThanOrEqual(KILLS_BEFORE_DRAW_MIN);
  // A failure keeps the folder.
  await rm(folder, { recursive: true });
});
