import { beforeEach, describe, expect, test } from 'vitest';
import type { Line, Program } from '../support/program.ts';
import { docker, exitCode } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

beforeEach(needEngine);

const MEMBERS = ['etcd1', 'etcd2', 'etcd3'];
const NODES = ['postgres1', 'postgres2', 'postgres3'];
const SERVERS = ['server1', 'server2'];

/** Longest time for a recovery or a failover, in milliseconds. */
const RECOVERY_MS_MAX = 90_000;

/**
 * Time limit of a test: starting eleven containers takes half a minute, and the loss of a primary
 * another.
 */
const TEST_MS_MAX = 600_000;

/** A node in Patroni's list. */
interface Member {
  readonly Member: string;
  readonly Role: string;
  readonly State: string;
}

async function patroni(node: string): Promise<Member[]> {
  const list = ['patronictl', '-c', '/etc/patroni/patroni.yml', 'list', '-f', 'json'];
  return JSON.parse(await docker('exec', node, ...list)) as Member[];
}

async function nodesWithRole(role: string): Promise<string[]> {
  const members = await patroni(NODES[0]!).catch(() => patroni(NODES[1]!));
  return members.filter(member => member.Role === role).map(member => member.Member);
}

async function etcdLeader(): Promise<string> {
  const args = [
    'etcdctl',
    '--endpoints',
    MEMBERS.map(name => `${name}:2379`).join(','),
    '-w',
    'json',
  ];
  const statuses = await docker(
    'exec',
    '-e',
    'ETCDCTL_API=3',
    MEMBERS[0]!,
    ...args,
    'endpoint',
    'status',
  );
  type Status = { Endpoint: string; Status: { header: { member_id: number }; leader: number } };
  const leader = (JSON.parse(statuses) as Status[]).find(
    ({ Status: { header, leader: led } }) => header.member_id === led,
  );
  return leader!.Endpoint.split(':')[0]!;
}

/** Waits for a primary with two synchronous standbys, and an etcd leader with two followers. */
async function allWell(): Promise<void> {
  const roles = async (): Promise<string[]> => {
    const members = await patroni(NODES[0]!);
    return members
      .map(({ Role, State }) => `${Role}, ${State.replace('streaming', 'running')}`)
      .toSorted();
  };
  await expect
    .poll(() => roles().catch(String), { timeout: RECOVERY_MS_MAX })
    .toEqual(['Leader, running', 'Sync Standby, running', 'Sync Standby, running']);
  await expect
    .poll(() => etcdLeader().catch(String), { timeout: RECOVERY_MS_MAX })
    .toMatch(/^etcd\d$/);
}

/** The bets of an agency, winners first. */
type Share = readonly [winners: number, losers: number];

/** Agencies with one bet per batch and one batch in flight: an upload takes seconds. */
const SHARES: readonly Share[] = [
  [2, 2000],
  [0, 2000],
  [1, 2000],
  [3, 2000],
  [0, 2000],
];
const BET_BY_BET = [
  'server:\n  address: "server:12345"',
  'log:\n  level: "INFO"',
  'batch:\n  maxAmount: 1\n  window: 1',
];

/** The rows of an agency's file. All documents differ. */
function rowsOf(agency: number): string[] {
  const [winners, losers] = SHARES[agency - 1]!;
  const row = (_: unknown, index: number): string =>
    `Ana,Paz,${agency * 100_000 + index},1990-01-02,${index < winners ? 7574 : 1000 + (index % 6000)}`;
  return Array.from({ length: winners + losers }, row);
}

/** Prepares a cluster without starting it, and the files of its agencies. */
async function createCluster(): Promise<Stack> {
  const stack = await Stack.create({
    exercise: 'ej8',
    clients: SHARES.length,
    cluster: true,
    clientConfig: BET_BY_BET,
  });
  for (const agency of SHARES.keys())
    await stack.give(agency + 1, `${rowsOf(agency + 1).join('\n')}\n`);
  return stack;
}

/** Expects that clients exit with 0 and receive their winners. */
async function expectWinners(stack: Stack, agencies = [...SHARES.keys()]): Promise<void> {
  for (const index of agencies) {
    const client = `client${index + 1}`;
    expect(await exitCode(client)).toBe(0);
    const { details } = await stack.follow(client).logged('consulta_ganadores');
    expect(details['cant_ganadores']).toBe(String(SHARES[index]![0]));
  }
}

/**
 * Expects that a server exports every bet of the files once, each agency's in order, and that this
 * is what was drawn.
 */
async function expectEveryBetOnce(server: string): Promise<void> {
  expect(await docker('exec', server, 'loteria', 'export', '--force', 'data/export.csv')).toMatch(
    /this file is what was drawn\n$/,
  );
  const rows = (await docker('exec', server, 'cat', 'data/export.csv')).split('\r\n');
  expect(rows.pop()).toBe('');
  expect(rows).toHaveLength(SHARES.reduce((sum, [winners, losers]) => sum + winners + losers, 0));
  for (const index of SHARES.keys()) {
    const agency = `${index + 1},`;
    const own = rows.filter(row => row.startsWith(agency)).map(row => row.slice(agency.length));
    expect(own).toEqual(rowsOf(index + 1));
  }
}

interface Loss {
  readonly what: string;
  /** The container; undefined: the agency's server. */
  readonly find: () => Promise<string | undefined>;
  /** Docker commands. A paused container hangs, with all its connections. */
  readonly lose: 'kill' | 'pause';
  readonly restore: 'start' | 'unpause';
}

const primary = async (): Promise<string | undefined> => (await nodesWithRole('Leader'))[0];
const standby = async (): Promise<string | undefined> => (await nodesWithRole('Sync Standby'))[0];
const KILLED = { lose: 'kill', restore: 'start' } as const;

/** One for each agency. */
const LOSSES: readonly Loss[] = [
  { what: 'the primary', find: primary, ...KILLED },
  { what: 'a standby', find: standby, ...KILLED },
  { what: 'the leader of etcd', find: etcdLeader, ...KILLED },
  { what: 'the server of the agency', find: async () => undefined, ...KILLED },
  { what: 'a hung primary', find: primary, lose: 'pause', restore: 'unpause' },
];

/** Expects a replicated database on volumes, and nodes without root. */
async function expectReplicated(): Promise<void> {
  const query = `SELECT string_agg(sync_state, ' '), current_setting('synchronous_commit') FROM pg_stat_replication`;
  expect(await docker('exec', (await primary())!, 'psql', '-Atc', query)).toBe('sync sync|on\n');
  expect(await docker('exec', 'postgres1', 'sh', '-c', 'id -un; ls /data')).toBe(
    'postgres\npostgresql\n',
  );
  const etcd = await docker('exec', 'etcd1', 'sh', '-c', 'id -un; ls /data; cat /proc/1/comm');
  expect(etcd).toBe('postgres\netcd\netcd\n');
}

describe('a lottery over --cluster', { timeout: TEST_MS_MAX }, () => {
  test('survives the loss of each kind of node and server, and a hung primary', async () => {
    const stack = await createCluster();
    await stack.make('docker-image');
    await stack.up(...MEMBERS, ...NODES);
    // A server that starts before its role exists ends, and so does the reader of its log.
    await allWell();
    await expectReplicated();
    await stack.up(...SERVERS);
    const followed = (): Program[] => SERVERS.map(server => stack.follow(server));
    let servers = followed();
    // Before the clients: if one server listens late, all of them connect to the other.
    for (const server of servers) await logged([server], 'listen');

    for (const [index, { what, find, lose, restore }] of LOSSES.entries()) {
      const found = await find();
      await stack.up(`client${index + 1}`);
      await logged(servers, 'apuesta_recibida', 50);
      const victim = found ?? busiest(servers);
      await docker(lose, victim);
      const lostAt = performance.now();
      await logged(servers, 'apuesta_recibida', 50);
      const ms = performance.now() - lostAt;
      const finished = servers.flatMap(server => server.linesOf('agency_finished')).map(agencyOf);
      expect(finished).not.toContain(index + 1);
      await docker(restore, victim);
      await allWell();
      const backMs = performance.now() - lostAt - ms;
      console.log(
        `without ${what}, ${victim}: ${seconds(ms)} to 50 answers; back after ${seconds(backMs)}`,
      );
      if (what.includes('primary')) expect(await nodesWithRole('Leader')).not.toEqual([victim]);
      if (victim.startsWith('server')) servers = followed();
    }
    await expectWinners(stack);

    for (const server of SERVERS) await expectEveryBetOnce(server);
    await stack.compose('stop', '-t', '15', ...SERVERS);
    expect(await Promise.all(SERVERS.map(exitCode))).toEqual([0, 0]);
    await Promise.all(servers.map(({ exited }) => exited));
    // No server found a log without records that it had read.
    expect(servers.flatMap(server => server.linesOf('run', 'fail'))).toEqual([]);
    // One server held the draw, the other read it from the log.
    expect(drawsOf(servers)).toEqual(['follow_draw', 'sorteo']);
    const startedAt = performance.now();
    await stack.compose('stop', '-t', '60');
    expect(performance.now() - startedAt).toBeLessThan(30_000);

    // The containers are removed; their data is in the volumes.
    await stack.make('docker-compose-down');
    await stack.up('client1');
    await expectWinners(stack, [0]);
  });
});

const agencyOf = ({ details }: Line): number => Number(details['agency']);

/** The name of the server with the latest stored batch. */
function busiest(servers: readonly Program[]): string {
  const stored = servers.map(
    server => server.linesOf('apuesta_recibida', 'success').at(-1)?.text ?? '',
  );
  return SERVERS[stored.indexOf(stored.toSorted().at(-1)!)]!;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Waits until servers have logged an action `times` more. */
async function logged(servers: readonly Program[], action: string, times = 1): Promise<void> {
  const said = (): number => servers.flatMap(server => server.linesOf(action, 'success')).length;
  const before = action === 'listen' ? 0 : said();
  await expect.poll(said, { timeout: RECOVERY_MS_MAX }).toBeGreaterThanOrEqual(before + times);
}

/** The actions of draws in the servers' logs, sorted. */
function drawsOf(servers: readonly Program[]): string[] {
  const draws = ['follow_draw', 'sorteo'] as const;
  return draws.flatMap(action =>
    servers.flatMap(server => server.linesOf(action, 'success').map(() => action)),
  );
}
