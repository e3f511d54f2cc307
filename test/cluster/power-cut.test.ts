import { beforeEach, expect, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needNats, startNats } from '../support/nats.ts';
import type { FoldersCopy } from '../support/nats-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { type Client, ClusterRun, type Member } from './cluster-run.ts';

beforeEach(needNats);

const BETS = 30_000;
const BETS_BEFORE = 5000;
/** Acknowledged, and not on the disks of the nodes when their power is cut. */
const BETS_LOST = 3000;

/** By when they are acknowledged, what was sent before them is answered. */
const BETS_ON_THE_WAY = 1000;

const ALL = [0, 1, 2];

async function startUpload(clients?: (run: ClusterRun) => readonly Client[]): Promise<ClusterRun> {
  const nats = await startNats(3);
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  const client = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '4' };
  const run = await ClusterRun.start(nats, { agencies, client });
  for (const each of clients?.(run) ?? run.clients) each.start();
  await run.untilAcknowledged(BETS_BEFORE);
  return run;
}

/** What will be on the disks of the nodes after the power cut that comes when more was acknowledged. */
async function copyAndGoOn(run: ClusterRun): Promise<FoldersCopy> {
  const { acknowledged } = run;
  const copy = await run.nats.copyFolders();
  await run.untilAcknowledged(acknowledged + BETS_LOST);
  return copy;
}

async function cutPower(run: ClusterRun, copy: FoldersCopy, victims: readonly Member[]): Promise<void> {
  await Promise.all([run.nats.kill(...ALL), ...victims.map(server => server.kill())]);
  await run.nats.putBack(copy);
  await run.nats.startAgain(...ALL);
  for (const server of victims) server.start();
}

/** Records that were put back into the stream. */
function restored(run: ClusterRun): number {
  const lines = run.servers.flatMap(server => server.linesOf('restore_engine', 'success'));
  return lines.reduce((sum, { details }) => sum + Number(details['records']), 0);
}

test('all nodes lose their newest records, and then the draw: the servers, which run on, put them back', async () => {
  let clients: readonly Client[] = [];
  const run = await startUpload(started => {
    // What is acknowledged to it, nobody sends again.
    clients = started.clients.with(3, started.client(4, { CLI_PROTOCOL: 'base', CLI_BATCH_MAXAMOUNT: '20' }));
    return clients;
  });
  const copied = await copyAndGoOn(run);
  // An election may take longer than an agency waits that does not come back: it has sent what it has sent.
  const patient = clients[3]!;
  patient.life.kill('SIGSTOP');
  await run.untilAcknowledged(run.acknowledged + BETS_ON_THE_WAY);
  await cutPower(run, copied, []);
  await run.until('records put back', () => restored(run) > 0);
  patient.life.kill('SIGCONT');
  const copy = await run.nats.copyFolders();
  await run.finishes(clients);
  // The other server may have said so later.
  const before = restored(run);
  await cutPower(run, copy, []);
  await run.until('draw put back', () => restored(run) > before);
  for (const client of clients) if (run.clients.includes(client)) client.start();
  await run.finishes(clients);
});

test('all nodes lose their newest records, and the servers are killed: they put back what they have acknowledged', async () => {
  const run = await startUpload();
  await cutPower(run, await copyAndGoOn(run), run.servers);
  await run.until('records put back', () => restored(run) > 0);
  const before = restored(run);
  await run.untilAcknowledged(run.acknowledged + 1);
  // The other one runs on.
  await cutPower(run, await copyAndGoOn(run), run.servers.slice(0, 1));
  await run.finishes();
  expect(restored(run)).toBeGreaterThan(before);
});
