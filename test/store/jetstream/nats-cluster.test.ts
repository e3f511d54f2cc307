import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { needNats, startNats } from '../../support/nats.ts';
import type { NatsCluster } from '../../support/nats-cluster.ts';

async function connected(cluster: NatsCluster): Promise<NatsConnection> {
  const connection = await connect({
    servers: cluster.servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  });
  onTestFinished(() => connection.close());
  return connection;
}

/** Tries until it is answered: while there is no connection, or no leader, what is asked is lost. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await sleep(50);
    }
  }
}

/** A repeat has the same id and is stored once. */
async function publish(connection: NatsConnection, text: string): Promise<void> {
  await answered(() => jetstream(connection).publish('bets', text, { msgID: text, timeout: 1000 }));
}

function texts(connection: NatsConnection): Promise<string[]> {
  return answered(async () => {
    const manager = await jetstreamManager(connection, { timeout: 1000 });
    const { state } = await manager.streams.info('BETS');
    const found: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage('BETS', { seq });
      found.push(message!.string());
    }
    return found;
  });
}

async function makeStream(connection: NatsConnection, replicas: number): Promise<void> {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'BETS', subjects: ['bets'], num_replicas: replicas });
}

describe.each([1, 3] as const)('%i real nodes of NATS', nodeCount => {
  test('keep what they have acknowledged when the leader is killed', async context => {
    needNats(context);
    const cluster = await startNats(nodeCount);
    const connection = await connected(cluster);
    await makeStream(connection, nodeCount);
    await publish(connection, 'before');

    const leader = await cluster.leaderOf('BETS');
    await cluster.kill(leader);
    if (nodeCount === 1) await cluster.startAgain(leader);
    else expect(await cluster.leaderOf('BETS')).not.toBe(leader);
    await publish(connection, 'after');
    expect(await texts(connection)).toEqual(['before', 'after']);

    if (nodeCount === 3) await cluster.startAgain(leader);
    await cluster.healthy();
    expect(await texts(connection)).toEqual(['before', 'after']);
  }, 60_000);

  test('have forgotten, after a power cut, what had not reached their disks', async context => {
    needNats(context);
    const cluster = await startNats(nodeCount);
    const all = cluster.nodes.map(node => node.number);
    const connection = await connected(cluster);
    await makeStream(connection, nodeCount);
    await publish(connection, 'early');
    const copy = await cluster.copyFolders();
    await publish(connection, 'late');

    await cluster.kill(...all);
    await cluster.putBack(copy);
    await cluster.startAgain(...all);
    await cluster.healthy();
    await cluster.leaderOf('BETS');
    expect(await texts(connection)).toEqual(['early']);
  }, 60_000);
});
