import { rmSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needLoopDisks } from '../support/loop-disk.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun, SLOW } from './cluster-run.ts';

const BETS = 10_000;
const BETS_BEFORE = 2000;
const DISK_MEGABYTES = 160;

/** A commit waits 5 s for a standby, a batch 15 s for a commit, and the machine may be slow. */
const AWAY_MS = 5000;
const REFUSED_MS = AWAY_MS + 15_000;
const SLOW_MS = 15_000;

beforeEach(needPostgres);

test('without a standby, servers are unready in 5 s, refuse in 20 s and recover', async () => {
  const postgres = await startPostgres(2);
  const agencies = await generateAgencies(await temporaryFolder(), BETS, 4);
  const run = await ClusterRun.start(postgres, { agencies, client: SLOW });
  const early = run.clients.slice(0, 2);
  for (const client of early) client.start();
  await run.untilAcknowledged(BETS_BEFORE);
  const [standby] = postgres.standbys;
  await standby!.kill();
  const start = performance.now();
  const within = (ms: number) => expect(performance.now() - start).toBeLessThan(ms + SLOW_MS);
  await Promise.all(
    run.servers.map(server => run.untilReady(server, '503 not ready: engine-away')),
  );
  within(AWAY_MS);
  const { acknowledged } = run;
  // Batches of the first two stay unanswered until their outcome is known; these are sent to an
  // unavailable engine.
  const late = run.servers.map((_, index) =>
    run.client(index + 3, { ...SLOW, CLI_SERVER_ADDRESS: run.addressesOf(index) }),
  );
  for (const client of late) client.start();
  const isRefused = () => run.servers.every(server => refusals(server).includes('storage'));
  await run.until('refusals', isRefused);
  within(REFUSED_MS);
  expect(run.acknowledged).toBe(acknowledged);
  await standby!.start();
  await Promise.all(run.servers.map(server => run.untilReady(server, '200 ready')));
  await run.finishes([...early, ...late]);
});

test('a full disk of the primary stops the upload until there is room', async context => {
  needLoopDisks(context);
  const postgres = await startPostgres(2, { diskMegabytes: DISK_MEGABYTES });
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  const run = await ClusterRun.upload(postgres, BETS_BEFORE, { agencies, client: SLOW });
  const { primary } = postgres;
  const { folder } = primary.disk!;
  const { bavail, bsize } = await statfs(folder);
  const ballast = join(folder, 'ballast');
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - 65_536));
  await Promise.all(
    run.servers.map(server => run.untilReady(server, '503 not ready: engine-away')),
  );
  rmSync(ballast);
  if (!primary.isRunning) await primary.start();
  await run.finishes();
});

test('16 servers on one log store every bet once and hold one draw', async () => {
  const SERVERS = 16;
  const postgres = await startPostgres(1);
  const agencies = await generateAgencies(await temporaryFolder(), 250 * SERVERS, SERVERS);
  const run = await ClusterRun.upload(postgres, 0, { agencies, servers: SERVERS });
  await run.finishes();
  expect(
    run.servers.filter(server => server.linesOf('apuesta_recibida', 'success').length > 0),
  ).toHaveLength(SERVERS);
});

function refusals(server: ClusterRun['servers'][number]): (string | undefined)[] {
  return server.linesOf('refuse').map(({ details }) => details['code']);
}
