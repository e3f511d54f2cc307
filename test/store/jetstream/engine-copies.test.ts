import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../../src/store/jetstream/engine.ts';
import { markAfter, START } from '../../../src/store/jetstream/log-mark.ts';
import { StreamConsumers } from '../../../src/store/jetstream/stream-consumers.ts';
import { jetstream } from '@nats-io/jetstream';
import { needNats, natsMissing } from '../../support/nats.ts';
import { NatsCluster } from '../../support/nats-cluster.ts';
import { newStream } from './lottery-stream.ts';
import { bodyOf, storedOf } from './records.ts';

const RECORDS = 20;

let nats: NatsCluster;

beforeEach(needNats);
beforeAll(async () => {
  if (natsMissing() === undefined) nats = await NatsCluster.start(3);
});
afterAll(() => nats?.end());

/** A stream on three nodes, with some records. */
async function opened() {
  const options = { ...newStream(nats), replicas: 3 };
  const engine = await Engine.connect(options);
  onTestFinished(() => engine.close());
  await engine.openStream();
  for (let n = 1; n <= RECORDS; n += 1) await engine.publish(`a-${n}`, bodyOf('a', n, [storedOf('x')]));
  return { engine, stream: options.stream, nodes: (await engine.condition()).nodes };
}

test('the copies of all nodes have the mark of what is read, at each position', async () => {
  const { engine, nodes } = await opened();
  expect(nodes).toHaveLength(3);
  let mark = START;
  for await (const { time } of engine.read(1, RECORDS)) mark = markAfter(mark, time);
  expect(mark.position).toBe(RECORDS);
  for (const node of nodes) {
    expect(await engine.markOn(node, RECORDS), node).toEqual(mark);
    expect(await engine.markOn(node, 0), node).toEqual(START);
    const half = await engine.markOn(node, RECORDS / 2);
    expect(half.position).toBe(RECORDS / 2);
    expect(half.digest).not.toBe(mark.digest);
  }
});

test('a copy that does not come as far has the mark of its end', async () => {
  const { engine, nodes } = await opened();
  const end = await engine.markOn(nodes[0]!, RECORDS);
  expect(await engine.markOn(nodes[1]!, RECORDS + 1)).toEqual(end);
});

test('a consumer is on the node where it is wanted, and those on other nodes are removed', async () => {
  const { stream, nodes } = await opened();
  const connection = await connect({ servers: nats.servers });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  const consumers = new StreamConsumers(jetstream(connection), manager, stream);
  for (const node of [...nodes, ...nodes]) {
    const consumer = await consumers.make({ from: 1, node });
    expect((await consumer.info()).cluster?.leader).toBe(node);
    await consumer.delete();
  }
  await expect
    .poll(async () => (await manager.consumers.list(stream).next()).map(({ name }) => name), {
      timeout: 5000,
    })
    .toEqual([]);
});

test('a node that is not there takes no consumers', async () => {
  const { engine } = await opened();
  await expect(engine.markOn('elsewhere', 1)).rejects.toThrow('the node elsewhere does not take consumers');
});
