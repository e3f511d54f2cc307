import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needNats, natsMissing } from '../support/nats.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { type Client, ClusterRun, type Member } from './cluster-run.ts';

const BETS = 30_000;
const DONE = { code: 0, signal: null };

let nats: NatsCluster;
let streams = 0;

beforeEach(needNats);
beforeAll(async () => {
  if (natsMissing() === undefined) nats = await NatsCluster.start(3);
});
afterAll(() => nats?.end());

async function startRun(client: Record<string, string> = {}): Promise<ClusterRun> {
  streams += 1;
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  return ClusterRun.start(nats, { agencies, stream: `RUN-${streams}`, client });
}

const SLOW = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '4' };

test('both servers are stopped and started again during the upload', async () => {
  const run = await startRun(SLOW);
  for (const client of run.clients) client.start();
  for (const [index, server] of run.servers.entries()) {
    await run.untilAcknowledged(5000 * (index + 1));
    server.life.kill('SIGTERM');
    expect(await server.life.exited).toEqual(DONE);
    server.start();
  }
  await run.finishes();
  expect(run.forgotten).toBe(0);
});

test('an upload is repeated at the other server: it is stored once, the winners are the same', async () => {
  const run = await startRun();
  for (const client of run.clients) client.start();
  await run.finishes();
  for (const index of [1, 0]) {
    const again = run.clients.map(({ name }) => {
      const agency = Number(name.slice('client'.length));
      return run.client(agency, { CLI_SERVER_ADDRESS: run.addressesOf(index) });
    });
    for (const client of again) client.start();
    await run.finishes(again);
  }
});

test('every agency has two processes, one at each server: every bet is stored once, both are told the winners', async () => {
  const run = await startRun();
  const [here, there] = [0, 1].map(index =>
    run.agencies.map(({ agency }) =>
      run.client(agency, {
        ...SLOW,
        CLI_SERVER_ADDRESS: run.addressesOf(index),
      }),
    ),
  ) as [Client[], Client[]];
  for (const [index, client] of here.entries()) {
    client.start();
    there[index]!.start();
  }
  await run.finishes(here);
  await run.finishes(there);
});

test('the server that heard the last agency finish is killed at once: the other one holds the draw', async () => {
  const run = await startRun();
  const [first, second] = run.servers as [Member, Member];
  for (const client of run.clients.slice(0, 4)) client.start();
  await run.until('four agencies', () => second.linesOf('agency_finished').length === 4);
  const last = run.client(5, { CLI_SERVER_ADDRESS: run.addressesOf(0, 1) });
  last.start();
  await run.until('last agency', () => first.linesOf('agency_finished').length === 5);
  await first.kill();
  await run.until('draw', () => second.linesOf('draw').length + second.linesOf('follow_draw').length > 0);
  first.start();
  await run.finishes([...run.clients.slice(0, 4), last]);
});

test('a server waits for nodes that are not there, says so, and can be stopped meanwhile', async () => {
  const run = await startRun();
  await mkdir(join(run.folder, 'early'));
  const early = run.server('early', 0, { SERVER_PORT: '0', SERVER_STORE: 'nats://127.0.0.1:9' });
  early.start();
  await early.life.logged('reach_engine', 'in_progress');
  expect(await run.readiness(early)).toBe('503 not ready: engine-away');
  early.life.kill('SIGTERM');
  expect(await early.life.exited).toEqual(DONE);
});

test('a server that is configured for other agencies is refused by the stream', async () => {
  const run = await startRun();
  await mkdir(join(run.folder, 'other'));
  const other = run.server('other', 0, { SERVER_PORT: '0', NUMBER_AGENCIES: '6' });
  expect(await other.start().exited).toEqual({ code: 1, signal: null });
  expect(other.life.linesOf('start', 'fail').map(({ details }) => details['error'])).toEqual([
    `the stream ${run.stream} is that of a lottery with 'a lottery of the agencies 1-5', this server is configured with 'a lottery of the agencies 1-6'; ` +
      'all servers of a lottery have the same agencies, and another lottery has another STORE_STREAM',
  ]);
});
