import { beforeEach, describe, expect, test } from 'vitest';
import { batchNamed, betsNamed, storedBets } from '../../contract/store-contract.ts';
import { needPostgres, startPostgres } from '../../support/postgres.ts';
import { type PostgresCluster, ROLE } from '../../support/postgres-cluster.ts';
import type { PostgresNode } from '../../support/postgres-node.ts';
import { follow as outcomeOf } from '../faulty-store.ts';
import { newLottery, openServer } from './lotteries.ts';

/** Commits of a primary that has no standby, or does not wait for one. */

beforeEach(needPostgres);

/** Bets that fill a record. */
const LONG = 4000;

type OutcomeOf = ReturnType<typeof outcomeOf>;

const COMMIT_WAITS = `wait_event = 'SyncRep' AND query LIKE '%kept%'`;

/** A primary, a standby, and a server that has stored a batch with both. */
async function open(more: { readonly patienceMs?: number } = {}) {
  const postgres = await startPostgres(2);
  const [primary, standby] = postgres.nodes as [PostgresNode, PostgresNode];
  const options = newLottery(postgres);
  const server = await openServer(options, more);
  await server.store.append(batchNamed(1));
  return { postgres, primary, standby, options, server };
}

async function openWithoutStandby() {
  const opened = await open();
  await opened.standby.stop();
  const sent = outcomeOf(opened.server.store.append(batchNamed(2)));
  await opened.primary.until(
    `SELECT count(*) = 1 AS ok FROM pg_stat_activity WHERE ${COMMIT_WAITS}`,
  );
  return { ...opened, sent };
}

/** Records visible to a client of the primary. */
async function visible({ primary }: { primary: PostgresNode }): Promise<number> {
  const [row] = await primary.sql<{ count: number }>(
    'SELECT count(*)::int FROM log',
    [],
    ROLE.database,
  );
  return row!.count;
}

async function startAgain({
  postgres,
  primary,
  standby,
}: {
  postgres: PostgresCluster;
  primary: PostgresNode;
  standby: PostgresNode;
}) {
  await standby.start();
  await postgres.replicates(primary, 1);
}

describe('a commit without a standby', () => {
  test('waits for the standby, as do batches appended meanwhile', async () => {
    const opened = await openWithoutStandby();
    const { server, sent } = opened;
    const { store, lottery } = server;
    expect(await server.away()).toContain('does not commit within 5 s');
    const later = outcomeOf(store.append(batchNamed(3)));
    expect([sent.outcome, later.outcome, lottery.betsInAll]).toEqual(['waiting', 'waiting', 1]);
    await startAgain(opened);
    await server.back();
    await expect.poll(() => [sent.outcome, later.outcome]).toEqual(['stored', 'stored']);
    expect(await storedBets(store)).toEqual([1, 2, 3].flatMap(name => betsNamed(name)));
  });

  test('times out for unsent batches only', async () => {
    const opened = await open({ patienceMs: 500 });
    const { primary, standby, server } = opened;
    await standby.stop();
    const sent = outcomeOf(server.store.append(batchNamed(2)));
    await primary.until(`SELECT count(*) = 1 AS ok FROM pg_stat_activity WHERE ${COMMIT_WAITS}`);
    const later = outcomeOf(server.store.append(batchNamed(3)));
    await expect.poll(() => later.outcome, { timeout: 10_000 }).toBe('unavailable');
    await expect(server.store.append(batchNamed(4))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(server.store.settled()).rejects.toMatchObject({ code: 'unavailable' });
    expect(sent.outcome).toBe('waiting');
    await startAgain(opened);
    await expect.poll(() => sent.outcome).toBe('stored');
    await server.store.append(batchNamed(5));
    expect(await storedBets(server.store)).toEqual([1, 2, 5].flatMap(name => betsNamed(name)));
  });

  test.each(['pg_cancel_backend', 'pg_terminate_backend'])(
    'is visible but not acknowledged after %s ended its wait',
    async end => {
      const opened = await openWithoutStandby();
      const { primary, server, sent } = opened;
      await primary.sql(`SELECT ${end}(pid) FROM pg_stat_activity WHERE ${COMMIT_WAITS}`);
      await server.away();
      expect(await visible(opened)).toBe(2);
      expect([sent.outcome, server.lottery.betsInAll]).toEqual(['waiting', 1]);
      await startAgain(opened);
      await expect.poll(() => sent.outcome).toBe('stored');
      expect(await storedBets(server.store)).toEqual([1, 2].flatMap(name => betsNamed(name)));
    },
  );

  test('is not read by another server although it is visible', async () => {
    const opened = await open();
    const { primary, standby, server, options } = opened;
    const other = await openServer(options);
    await standby.stop();
    const sent = outcomeOf(server.store.append(batchNamed(2)));
    await primary.until(`SELECT count(*) = 1 AS ok FROM pg_stat_activity WHERE ${COMMIT_WAITS}`);
    await primary.sql(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE ${COMMIT_WAITS}`);
    await other.away();
    expect([await visible(opened), other.lottery.betsInAll]).toEqual([2, 1]);
    await startAgain(opened);
    await expect.poll(() => [sent.outcome, other.lottery.betsInAll]).toEqual(['stored', 2]);
  });

  test('stores the records of two servers once and in order when the standby returns', async () => {
    const opened = await open();
    const [a, b] = [opened.server, await openServer(opened.options)];
    await opened.standby.stop();
    const sent: OutcomeOf[] = [];
    // Long enough not to wait for the preceding record.
    for (let name = 2; name < 12; name += 2) {
      for (const [at, { store }] of [a, b].entries())
        sent.push(outcomeOf(store.append(batchNamed(name + at, LONG))));
      await opened.primary.until(`SELECT count(*) = ${name + 1} AS ok FROM log`, ROLE.database);
    }
    await Promise.all([a.away(), b.away()]);
    expect(sent.map(({ outcome }) => outcome)).toEqual(sent.map(() => 'waiting'));
    await startAgain(opened);
    await expect.poll(() => sent.map(({ outcome }) => outcome)).toEqual(sent.map(() => 'stored'));
    const bets = await storedBets(a.store);
    expect(await storedBets(b.store)).toEqual(bets);
    const names = bets
      .filter((_, index) => (index - 1) % LONG === 0)
      .map(({ document }) => Number(document));
    expect(names.toSorted((one, two) => one - two)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (const own of [0, 1])
      expect(names.filter(name => name % 2 === own)).toEqual(
        [2, 4, 6, 8, 10].map(name => name + own),
      );
  });

  test('is not acknowledged when synchronous_standby_names is emptied', async () => {
    const opened = await openWithoutStandby();
    const { primary, server, sent } = opened;
    await primary.reload({ synchronous_standby_names: '' });
    await expect
      .poll(() => server.events.at(-1))
      .toMatchObject({ event: 'engine-unavailable', isUnsafe: true });
    expect(await visible(opened)).toBe(2);
    expect([sent.outcome, server.lottery.betsInAll]).toEqual(['waiting', 1]);
    await primary.reload({ synchronous_standby_names: 'ANY 1 (*)' });
    await startAgain(opened);
    await expect.poll(() => sent.outcome).toBe('stored');
    expect(server.lottery.betsInAll).toBe(2);
  });
});

describe('a primary without durable commits', () => {
  test.each([
    [
      'synchronous_standby_names',
      '',
      'ANY 1 (*)',
      /waits for no standby: synchronous_standby_names is empty/,
    ],
    ['fsync', 'off', 'on', /does not keep what it commits: fsync is off/],
    ['full_page_writes', 'off', 'on', /does not keep what it commits: full_page_writes is off/],
  ])('is detected by an idle server (%s = %j)', async (name, wrong, right, why) => {
    const { primary, server } = await open();
    await primary.reload({ [name]: wrong });
    expect(await server.away()).toMatch(why);
    await primary.reload({ [name]: right });
    await server.back();
    await server.store.append(batchNamed(2));
  });

  test('is accepted with STORE_SYNC=single, which emits engine-single', async () => {
    const { primary, options } = await open();
    await primary.reload({ synchronous_standby_names: '' });
    const { store, events } = await openServer({ ...options, sync: 'single' });
    expect(events).toEqual([{ event: 'engine-single' }]);
    await store.append(batchNamed(2));
  });
});
