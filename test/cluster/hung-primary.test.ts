import { beforeEach, expect, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import { ROLE } from '../support/postgres-cluster.ts';
import type { PostgresNode } from '../support/postgres-node.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun, type Member, SLOW } from './cluster-run.ts';

const BETS = 12_000;

beforeEach(needPostgres);

/**
 * Stops the former primary after the isolated server has committed a record there that has reached
 * no standby.
 */
async function forkLog(run: ClusterRun, former: PostgresNode, lonely: Member): Promise<void> {
  for (const { life } of run.servers) life.kill('SIGSTOP');
  const batches = () => lonely.linesOf('apuesta_recibida', 'success').length;
  // By then it does not wait for a server that was stopped with the lock.
  const enough = batches() + 20;
  await run.until('bets of the lonely server', () => batches() >= enough);
  const senders = await former.sql<{ pid: number }>('SELECT pid FROM pg_stat_replication');
  const signalSenders = (signal: NodeJS.Signals): void => {
    for (const { pid } of senders) process.kill(pid, signal);
  };
  // The pending commit may have been sent before its sender was stopped; then the next one counts.
  for (let isSent = true; isSent; ) {
    signalSenders('SIGSTOP');
    await former.until(
      `SELECT count(*) > 0 AS ok FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    const [row] = await former.sql<{ sent: boolean }>(
      'SELECT bool_or(sent_lsn >= pg_current_wal_flush_lsn()) AS sent FROM pg_stat_replication',
    );
    isSent = row!.sent;
    if (isSent) signalSenders('SIGCONT');
  }
  former.signal('SIGSTOP');
  for (const { life } of run.servers) life.kill('SIGCONT');
}

/** The chains of all records visible on a node. */
async function logOf({ lottery }: ClusterRun, node: PostgresNode): Promise<string> {
  const text = `SELECT string_agg(encode(chain, 'hex'), ' ' ORDER BY position) AS log FROM log WHERE lottery = $1`;
  const [row] = await node.sql<{ log: string }>(text, [lottery], ROLE.database);
  return row!.log;
}

/** Cancels every wait for a standby: commits become visible on this node only. */
async function cancelWaits(node: PostgresNode): Promise<void> {
  await node.sql(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
  );
}

test('a primary resumed after a failover acknowledges nothing and is not followed', async () => {
  const postgres = await startPostgres(3);
  const { primary: former } = postgres;
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  const run = await ClusterRun.start(postgres, { agencies, client: SLOW });
  // A network partition: this server reaches only the former primary, and agency 1 only this
  // server.
  const lonely = run.server('lonely', {
    SERVER_STORE: postgres.url(ROLE, [former]),
    STORE_SYNC: 'quorum',
  });
  const { details } = await lonely.start().logged('listen');
  const cutOff = run.client(1, { ...SLOW, CLI_SERVER_ADDRESS: `127.0.0.1:${details['port']}` });
  for (const client of [cutOff, ...run.clients.slice(1)]) client.start();
  await run.until('bets at each server', () =>
    [lonely, ...run.servers].every(
      server => server.linesOf('apuesta_recibida', 'success').length > 20,
    ),
  );

  await forkLog(run, former, lonely);
  await postgres.failOver();
  await run.untilAcknowledged(run.acknowledged + 100);
  const before = lonely.linesOf('apuesta_recibida', 'success').length;
  former.signal('SIGCONT');
  await run.untilReady(lonely, '503 not ready: engine-away');
  // The former primary has a different record at a position of the log.
  await cancelWaits(former);
  await expect
    .poll(async () => (await logOf(run, postgres.primary)).startsWith(await logOf(run, former)))
    .toBe(false);

  // A starting server connects to the former primary first.
  await run.servers[0]!.kill();
  run.servers[0]!.start();
  for (const server of run.servers) await run.untilReady(server, '200 ready');
  await cancelWaits(former);
  expect(lonely.linesOf('apuesta_recibida', 'success')).toHaveLength(before);
  await Promise.all([lonely.kill(), cutOff.kill()]);
  run.clients[0]!.start();
  await run.finishes();

  await former.kill();
  await former.rewindTo(postgres.primary);
  await former.start();
  await postgres.replicates(postgres.primary, 2);
});
