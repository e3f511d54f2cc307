import { beforeEach, describe, expect, test } from 'vitest';
import { docker, exitCode } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

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

/** The bets of agencies 1 to 3: more than one batch, a part of one, and two. */
const BETS: readonly (readonly [winners: number, losers: number])[] = [
  [2, 400],
  [0, 3],
  [1, 260],
];

/** An agency's file. Documents differ between all agencies. */
function file(agency: number, winners: number, losers: number): string {
  const row = (_: unknown, index: number): string =>
    `Ana,Paz,${agency * 100_000 + index},1990-01-02,${index < winners ? 7574 : 1000 + index}\n`;
  return Array.from({ length: winners + losers }, row).join('');
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
    const stack = await Stack.create({ exercise: 'ej8', clients: BETS.length, cluster: true });
    for (const [index, [winners, losers]] of BETS.entries()) {
      await stack.give(index + 1, file(index + 1, winners, losers));
    }
    await stack.make('docker-compose-up');
    for (const [index, [winners]] of BETS.entries()) {
      const client = `client${index + 1}`;
      expect(await exitCode(client)).toBe(0);
      const { details } = await stack.follow(client).logged('consulta_ganadores');
      expect(details['cant_ganadores']).toBe(String(winners));
    }
    const servers = SERVERS.map(server => stack.follow(server));
    await stack.make('docker-compose-down');
    await Promise.all(servers.map(({ exited }) => exited));
    // Whichever has held it says so.
    expect(servers.flatMap(server => server.linesOf('sorteo', 'success'))).toHaveLength(1);
    const stored = servers.flatMap(server => server.linesOf('apuesta_recibida', 'success'));
    const bets = BETS.reduce((sum, [winners, losers]) => sum + winners + losers, 0);
    expect(stored.reduce((sum, { details }) => sum + Number(details['cantidad']), 0)).toBe(bets);

    // The containers are gone, and what they knew is in the volumes.
    await stack.up('client1');
    expect(await exitCode('client1')).toBe(0);
    const { details } = await stack.follow('client1').logged('consulta_ganadores');
    expect(details['cant_ganadores']).toBe('2');
  });
});
