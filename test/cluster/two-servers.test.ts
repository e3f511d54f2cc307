import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needPostgres, postgresMissing } from '../support/postgres.ts';
import { PostgresCluster } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun, type Member, SLOW } from './cluster-run.ts';

const BETS = 10_000;

let postgres: PostgresCluster;
let lotteries = 0;

beforeEach(needPostgres);
beforeAll(async () => {
  if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
});
afterAll(() => postgres?.end());

async function startRun(client: Record<string, string> = {}): Promise<ClusterRun> {
  lotteries += 1;
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  return ClusterRun.start(postgres, { agencies, lottery: `TWO-${lotteries}`, client });
}

/** A client of each agency, with one server. */
function clientsAt(run: ClusterRun, server: number, more: Record<string, string> = {}): Member[] {
  const address = run.addressesOf(server);
  return run.agencies.map(({ agency }) =>
    run.client(agency, { CLI_SERVER_ADDRESS: address, ...more }),
  );
}

describe('two servers', () => {
  test('store every bet once while they are restarted in turn', async () => {
    const run = await startRun(SLOW);
    for (const client of run.clients) client.start();
    for (const [index, server] of run.servers.entries()) {
      await run.untilAcknowledged((BETS / 4) * (index + 1));
      server.life.kill('SIGTERM');
      expect(await server.life.exited).toEqual({ code: 0, signal: null });
      server.start();
    }
    await run.finishes();
  });

  test('store an upload once when it is repeated at the other server', async () => {
    const run = await startRun();
    for (const client of run.clients) client.start();
    await run.finishes();
    for (const server of [1, 0]) {
      const again = clientsAt(run, server);
      for (const client of again) client.start();
      await run.finishes(again);
    }
  });

  test('store every bet once when two processes of an agency send it, one to each', async () => {
    const run = await startRun();
    const pairs = [clientsAt(run, 0, SLOW), clientsAt(run, 1, SLOW)];
    for (const client of pairs.flat()) client.start();
    for (const clients of pairs) await run.finishes(clients);
  });

  test('hold the draw when the server that finished the last agency is killed', async () => {
    const run = await startRun();
    const [first, second] = run.servers as [Member, Member];
    const [last, ...others] = [run.clients.at(-1)!, ...run.clients.slice(0, -1)];
    for (const client of others) client.start();
    await run.until('four agencies', () => second.linesOf('agency_finished').length === 4);
    last.start();
    await run.until('last agency', () => first.linesOf('agency_finished').length === 5);
    await first.kill();
    await run.until(
      'draw',
      () => second.linesOf('draw').length + second.linesOf('follow_draw').length > 0,
    );
    first.start();
    await run.finishes();
  });
});
