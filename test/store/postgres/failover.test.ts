import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { batchNamed, betsNamed, storedBets } from '../../contract/store-contract.ts';
import { needPostgres, startPostgres } from '../../support/postgres.ts';
import { listen } from '../../support/listen.ts';
import type { PostgresNode } from '../../support/postgres-node.ts';
import { follow as outcomeOf } from '../faulty-store.ts';
import { newLottery, type OpenedServer, openServer, read } from './lotteries.ts';

beforeEach(needPostgres);

/**
 * Appends batches one after the other until `stop`. @returns the names of those that
 * were acknowledged
 */
function keepAppending({ store }: OpenedServer) {
  const state = { isStopped: false, acknowledged: [] as number[] };
  const done = (async () => {
    for (let name = 1; !state.isStopped; name += 1) {
      await store.append(batchNamed(name, 50));
      state.acknowledged.push(name);
    }
  })();
  done.catch(() => {});
  const acknowledges = async (more: number): Promise<void> => {
    const goal = state.acknowledged.length + more;
    await expect.poll(() => state.acknowledged.length >= goal, { timeout: 40_000 }).toBe(true);
  };
  const stop = async (): Promise<number[]> => {
    state.isStopped = true;
    await done;
    return state.acknowledged;
  };
  return { acknowledges, stop };
}

/** Expects every batch once, in order. */
async function expectOnce(server: OpenedServer, names: readonly number[]): Promise<void> {
  expect(await storedBets(server.store)).toEqual(names.flatMap(name => betsNamed(name, 50)));
}

test('a primary restart, graceful or after a crash, loses and duplicates nothing', async () => {
  const { postgres, primary } = await start(1);
  const server = await openServer(newLottery(postgres));
  const appending = keepAppending(server);
  for (const end of ['stop', 'kill'] as const) {
    await appending.acknowledges(20);
    await primary[end]();
    await server.away();
    await primary.start();
  }
  await appending.acknowledges(20);
  await expectOnce(server, await appending.stop());
});

test('failover after a killed primary keeps every acknowledged batch exactly once', async () => {
  const { postgres, primary } = await start(3);
  const server = await openServer(newLottery(postgres));
  const appending = keepAppending(server);
  await appending.acknowledges(20);
  await primary.kill();
  await postgres.failOver();
  await appending.acknowledges(20);
  await expectOnce(server, await appending.stop());
});

async function start(nodes: number) {
  const postgres = await startPostgres(nodes);
  const [primary, ...others] = postgres.nodes as [PostgresNode, ...PostgresNode[]];
  return { postgres, primary, others };
}

test('a primary frozen during the failover acknowledges nothing after it resumes', async () => {
  const { postgres, primary } = await start(3);
  const options = newLottery(postgres);
  const server = await openServer(options);
  await server.store.append(batchNamed(1, 50));
  primary.signal('SIGSTOP');
  const sent = outcomeOf(server.store.append(batchNamed(2, 50)));
  await postgres.failOver();
  await expect.poll(() => sent.outcome, { timeout: 25_000 }).toBe('stored');
  primary.signal('SIGCONT');
  // A server that reaches only the former primary cannot start.
  const hosts = [{ host: '127.0.0.1', port: primary.port }];
  const signal = AbortSignal.timeout(8000);
  const lonely = openServer({ ...options, access: { ...options.access, hosts } }, { signal });
  await expect(lonely).rejects.toMatchObject({ code: 'unusable' });
  await server.store.append(batchNamed(3, 50));
  await expectOnce(server, [1, 2, 3]);
  expect((await postgres.primary.sql('SELECT pg_is_in_recovery() AS standby'))[0]).toEqual({
    standby: false,
  });
});

test('an idle server detects a frozen primary', async () => {
  const { postgres, primary } = await start(3);
  const server = await openServer(newLottery(postgres));
  primary.signal('SIGSTOP');
  await postgres.failOver();
  await expect
    .poll(() => server.events.at(-1)?.event, { timeout: 15_000 })
    .toBe('engine-unavailable');
  await expect
    .poll(() => server.events.at(-1)?.event, { timeout: 15_000 })
    .toBe('engine-available');
  await server.store.append(batchNamed(1, 50));
});

test('a new primary without read records fails the server; a restart follows it', async () => {
  const { postgres, primary, others } = await start(2);
  const options = { ...newLottery(postgres), sync: 'single' as const };
  const server = await openServer(options);
  await server.store.append(batchNamed(1, 50));
  await others[0]!.stop();
  await primary.reload({ synchronous_standby_names: '' });
  await server.store.append(batchNamed(2, 50));
  await primary.kill();
  await others[0]!.start();
  others[0]!.configure({ synchronous_standby_names: '' });
  await others[0]!.promote();
  await others[0]!.reload({ synchronous_standby_names: '' });
  const failure = await server.store.failure;
  expect(failure.code).toBe('failed');
  expect(failure.message).toMatch(
    /^the log of 127\.0\.0\.1:\d+ is not the one that was read up to record 2: /,
  );
  await expect(server.store.append(batchNamed(3))).rejects.toBe(failure);
  const again = await openServer(options);
  await expectOnce(again, [1]);
  expect((await read(options)).lottery.betsInAll).toBe(50);
});

test('an address of two primaries acknowledges no record that only one of them has', async () => {
  const { postgres, primary, others } = await start(3);
  const options = newLottery(postgres);
  const before = await openServer(options);
  await before.store.append(batchNamed(1, 50));
  const other = others[1]!;
  await other.until(`SELECT pg_last_wal_replay_lsn() >= '${await endOf(primary)}' AS ok`);
  await other.promote();
  const hosts = [{ host: '127.0.0.1', port: await leadTo([primary, other]) }];
  const server = await openServer({ ...options, access: { ...options.access, hosts } });
  const sent = outcomeOf(server.store.append(batchNamed(2, 4000)));
  expect(await server.away()).toMatch(/is more than one server: record 2 is on another/);
  expect([sent.outcome, server.lottery.betsInAll]).toEqual(['waiting', 50]);
  await expectOnce(before, [1]);
});

async function endOf(node: PostgresNode): Promise<string> {
  const [row] = await node.sql<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  return row!.lsn;
}

/**
 * Leads the first connection to the first node, and all later ones to the second. @returns its port
 */
async function leadTo([first, second]: readonly [PostgresNode, PostgresNode]): Promise<number> {
  let port = first.port;
  const server = createServer(socket => {
    const there = connect({ port, host: '127.0.0.1' });
    ({ port } = second);
    pipeline(socket, there, socket, () => {});
  });
  return listen(server);
}
