import { beforeEach, describe, expect, test } from 'vitest';
import type { Program } from '../support/program.ts';
import { docker, exitCode } from './engine.ts';
import { needEngine, Stack, type StackOptions } from './stack.ts';

beforeEach(needEngine);

const NODES = ['nats1', 'nats2', 'nats3'];
const SERVERS = ['server1', 'server2'];

/** Longest time in which the nodes agree on a leader, and a node that was away has caught up, in milliseconds. */
const AGREE_MS_MAX = 30_000;

/** What the monitoring of a node says, asked from inside, since its port is open to the containers only. */
async function monitored(node: string, path: string): Promise<unknown> {
  const where = ['--network', 'tp0_testing_net', '--entrypoint', 'node', 'client:latest'];
  const code = `fetch('http://${node}:8222${path}').then(async answer => console.log(await answer.text()))`;
  return JSON.parse(await docker('run', '--rm', ...where, '-e', code));
}

/** The bets of an agency, winners first. */
type Share = readonly [winners: number, losers: number];

/** Of agencies 1 to 3: more than one batch, a part of one, and two. */
const FEW: readonly Share[] = [
  [2, 400],
  [0, 3],
  [1, 260],
];

/** The same agencies in batches of a few bets: an upload that takes seconds. */
const MANY: readonly Share[] = [
  [2, 20_000],
  [0, 15_000],
  [1, 18_000],
];
const SMALL_BATCHES = [
  'server:\n  address: "server:12345"',
  'log:\n  level: "INFO"',
  'batch:\n  maxAmount: 4\n  window: 4',
];

/** The rows of an agency's file. Documents differ between all agencies. */
function rowsOf(agency: number, [winners, losers]: Share): string[] {
  const row = (_: unknown, index: number): string =>
    `Ana,Paz,${agency * 100_000 + index},1990-01-02,${index < winners ? 7574 : 1000 + (index % 6000)}`;
  return Array.from({ length: winners + losers }, row);
}

/** A cluster that is not started yet, and the files of its agencies. */
async function createCluster(shares: readonly Share[], options: Partial<StackOptions> = {}): Promise<Stack> {
  const stack = await Stack.create({ exercise: 'ej8', clients: shares.length, cluster: true, ...options });
  for (const [index, share] of shares.entries()) {
    await stack.give(index + 1, `${rowsOf(index + 1, share).join('\n')}\n`);
  }
  return stack;
}

/** Every client ends well and is told its winners. */
async function expectWinners(stack: Stack, shares: readonly Share[]): Promise<void> {
  for (const [index, [winners]] of shares.entries()) {
    const client = `client${index + 1}`;
    expect(await exitCode(client)).toBe(0);
    const { details } = await stack.follow(client).logged('consulta_ganadores');
    expect(details['cant_ganadores']).toBe(String(winners));
  }
}

/** The log that a server reads has every bet of the files once, each agency's in their order, and is what was drawn. */
async function expectEveryBetOnce(server: string, shares: readonly Share[]): Promise<void> {
  expect(await docker('exec', server, 'loteria', 'export', '--force', 'data/export.csv')).toMatch(
    /this file is what was drawn\n$/,
  );
  const rows = (await docker('exec', server, 'cat', 'data/export.csv')).split('\r\n');
  expect(rows.pop()).toBe('');
  expect(rows).toHaveLength(shares.reduce((sum, [winners, losers]) => sum + winners + losers, 0));
  for (const [index, share] of shares.entries()) {
    const agency = `${index + 1},`;
    const own = rows.filter(row => row.startsWith(agency)).map(row => row.slice(agency.length));
    expect(own).toEqual(rowsOf(index + 1, share));
  }
}

describe('the nodes of --cluster', () => {
  test('form one cluster that keeps streams, each on its volume, and end when they are told to', async () => {
    const stack = await Stack.create({ exercise: 'ej8', clients: 0, cluster: true });
    await stack.make('docker-image');
    await stack.up(...NODES);
    for (const node of NODES) {
      await expect
        .poll(() => monitored(node, '/healthz').catch(String), { timeout: AGREE_MS_MAX })
        .toEqual({ status: 'ok' });
    }
    const agreed = async (): Promise<unknown[]> => {
      const told = await Promise.all(NODES.map(node => monitored(node, '/jsz')));
      return told.map(jsz => (jsz as { meta_cluster?: unknown }).meta_cluster);
    };
    await expect
      .poll(agreed, { timeout: AGREE_MS_MAX })
      .toEqual(
        NODES.map(() =>
          expect.objectContaining({ name: 'loteria', cluster_size: 3, leader: expect.anything() }),
        ),
      );
    expect(await docker('exec', 'nats1', 'sh', '-c', 'id -un; ls /data; cat /proc/1/comm')).toBe(
      'nats\njetstream\nnats-server\n',
    );
    const startedAt = performance.now();
    await stack.compose('stop', '-t', '60');
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });
});

describe('a lottery over --cluster', () => {
  test('with two servers has one draw, and tells each agency its winners', async () => {
    const stack = await createCluster(FEW);
    await stack.make('docker-compose-up');
    await expectWinners(stack, FEW);
    for (const server of SERVERS) await expectEveryBetOnce(server, FEW);
    const servers = SERVERS.map(server => stack.follow(server));
    await stack.compose('stop', '-t', '15', ...SERVERS);
    expect(await Promise.all(SERVERS.map(exitCode))).toEqual([0, 0]);
    await stack.make('docker-compose-down');
    await Promise.all(servers.map(({ exited }) => exited));
    // Whichever has held it says so, and the other one that it has read of it.
    expect(drawsOf(servers)).toEqual(['follow_draw', 'sorteo']);
    const stored = servers.flatMap(server => server.linesOf('apuesta_recibida', 'success'));
    const bets = FEW.reduce((sum, [winners, losers]) => sum + winners + losers, 0);
    expect(stored.reduce((sum, { details }) => sum + Number(details['cantidad']), 0)).toBe(bets);

    // The containers are gone, and what they knew is in the volumes.
    await stack.up('client1');
    expect(await exitCode('client1')).toBe(0);
    const { details } = await stack.follow('client1').logged('consulta_ganadores');
    expect(details['cant_ganadores']).toBe('2');
  });

  test('goes on when a server and a node are killed during the upload', async () => {
    const stack = await createCluster(MANY, { clientConfig: SMALL_BATCHES });
    await stack.up(...SERVERS);
    const [server1, server2] = SERVERS.map(server => stack.follow(server)) as [Program, Program];
    // Before the clients: where one listens later than the other, all of them turn to the other.
    await Promise.all([server1, server2].map(server => logged(server, 'listen')));
    await stack.up();
    await logged(server1, 'apuesta_recibida', 50);
    await docker('kill', 'server1');
    await logged(server2, 'apuesta_recibida', 50);
    await docker('kill', 'nats2');
    await logged(server2, 'apuesta_recibida', 50);
    expect(drawsOf([server1, server2])).toEqual([]);
    await server1.exited;
    await docker('start', 'server1', 'nats2');
    await expectWinners(stack, MANY);

    // A server that starts after the draw reads of it, and says nothing.
    const server1Again = stack.follow('server1');
    await expect.poll(() => drawsOf([server1Again, server2]), { timeout: AGREE_MS_MAX }).toContain('sorteo');
    for (const server of SERVERS) await expectEveryBetOnce(server, MANY);
    await stack.compose('stop', '-t', '15', ...SERVERS);
    expect(await Promise.all(SERVERS.map(exitCode))).toEqual([0, 0]);
    await Promise.all([server1Again.exited, server2.exited]);
    expect(drawsOf([server1Again, server2]).filter(action => action === 'sorteo')).toHaveLength(1);
  });
});

/** Waits until a server has said something once more, or so many times more. */
async function logged(server: Program, action: string, times = 1): Promise<void> {
  const said = (): number => server.linesOf(action, 'success').length;
  const before = said();
  await expect.poll(said, { timeout: AGREE_MS_MAX }).toBeGreaterThanOrEqual(before + times);
}

/** What servers have said of draws, in alphabetical order. */
function drawsOf(servers: readonly Program[]): string[] {
  const draws = ['follow_draw', 'sorteo'] as const;
  return draws.flatMap(action =>
    servers.flatMap(server => server.linesOf(action, 'success').map(() => action)),
  );
}
