import { beforeEach, expect, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needNats, startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { type Client, ClusterRun } from './cluster-run.ts';

beforeEach(needNats);

const BETS = 30_000;
const BETS_BEFORE = 5000;

async function startUpload(): Promise<ClusterRun> {
  const nats = await startNats(3);
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  const client = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '4' };
  return ClusterRun.start(nats, { agencies, client });
}

/** Takes two of three nodes away, the leader among them. Fulfilled when both servers have found out, with those nodes. */
async function loseTwo(run: ClusterRun): Promise<number[]> {
  const leader = await run.nats.leaderOf(run.stream);
  const lost = [leader, (leader + 1) % 3];
  await run.nats.kill(...lost);
  for (const server of run.servers) {
    await run.until('line of the outage', () => server.linesOf('reach_engine', 'in_progress').length > 0);
    await run.until(
      'engine-away',
      async () => (await run.readiness(server)) === '503 not ready: engine-away',
    );
  }
  return lost;
}

/** The longest time, in milliseconds, for which a server had to wait. Fulfilled when both go on. */
async function outageOf(run: ClusterRun): Promise<number> {
  const lines = () => run.servers.map(server => server.linesOf('reach_engine', 'success'));
  await run.until('end of the outage', () => lines().every(({ length }) => length > 0));
  return Math.max(...lines().flatMap(own => own.map(({ details }) => Number(details['ms']))));
}

/** Shorter than what agencies wait before they are refused. */
const SHORT_OUTAGE_MS = 14_000;
const TRIES_MAX = 3;

test('nothing is acknowledged while two of three nodes are away; an agency without resumable uploads waits', async () => {
  for (let tries = 1; ; tries += 1) {
    const { run, clients } = await uploadThroughOutage();
    const outageMs = await outageOf(run);
    // The nodes take as long as they take to elect a leader, now and then for longer than an agency waits that does not come back.
    if (outageMs > SHORT_OUTAGE_MS && tries < TRIES_MAX) continue;
    await run.finishes(clients);
    for (const server of run.servers) expect(await run.readiness(server)).toBe('200 ready');
    return;
  }
});

async function uploadThroughOutage(): Promise<{ run: ClusterRun; clients: readonly Client[] }> {
  const run = await startUpload();
  const base = run.client(4, { CLI_PROTOCOL: 'base', CLI_BATCH_MAXAMOUNT: '20' });
  const clients = run.clients.with(3, base);
  for (const client of clients) client.start();
  await run.untilAcknowledged(BETS_BEFORE);
  const lost = await loseTwo(run);
  const { acknowledged } = run;
  // One agency tries from the beginning, with either server.
  await clients[0]!.kill();
  for (const index of [0, 1]) {
    const again = run.client(1, { CLI_SERVER_ADDRESS: run.addressesOf(index) });
    await again.start().logged('connect');
    await again.kill();
  }
  clients[0]!.start();
  expect(run.acknowledged).toBe(acknowledged);
  await run.nats.startAgain(...lost);
  return { run, clients };
}

test('agencies that are refused while the nodes are away for long come back until they are there', async () => {
  const run = await startUpload();
  for (const client of run.clients) client.start();
  await run.untilAcknowledged(BETS_BEFORE);
  const lost = await loseTwo(run);
  const { acknowledged } = run;
  for (const server of run.servers) {
    await run.until('refusal', () =>
      server.linesOf('refuse').some(({ details }) => details['code'] === 'storage'),
    );
  }
  expect(run.acknowledged).toBe(acknowledged);
  await run.nats.startAgain(...lost);
  await run.finishes();
  expect(run.forgotten).toBe(0);
});
