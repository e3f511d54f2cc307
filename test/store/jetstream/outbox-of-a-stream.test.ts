import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { batchNamed, betsNamed, storedBets } from '../../contract/store-contract.ts';
import { needNats, natsMissing } from '../../support/nats.ts';
import { NatsCluster } from '../../support/nats-cluster.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';
import { newStream, openServer, operate, read } from './lottery-stream.ts';

describe('the outbox of a stream', () => {
  let nats: NatsCluster;
  beforeEach(needNats);
  beforeAll(async () => {
    if (natsMissing() === undefined) nats = await NatsCluster.start(1);
  });
  afterAll(() => nats?.end());

  test('is not offered to another stream that the same server is given', async () => {
    const directory = await temporaryFolder();
    const engine = newStream(nats);
    const first = await openServer(engine, directory);
    await first.store.append(batchNamed(1, 5));
    await first.store.close();

    const next = newStream(nats);
    const second = await openServer(next, directory);
    expect({ events: second.events, bets: second.lottery.betsInAll }).toEqual({ events: [], bets: 0 });
    await second.store.append(batchNamed(2, 2));
    await second.store.close();
    expect((await read(next)).lottery.betsInAll).toBe(2);

    const again = await openServer(engine, directory);
    expect(again.events).toEqual([]);
    expect(await storedBets(again.store)).toEqual(betsNamed(1, 5));
    await again.store.close();
  });

  test('brings everything back when the stream was deleted', async () => {
    const directory = await temporaryFolder();
    const engine = newStream(nats);
    const first = await openServer(engine, directory);
    await first.store.append(batchNamed(1, 5));
    await first.store.append(batchNamed(2, 2));
    await first.store.close();
    const before = await read(engine);
    await (await operate(engine)).streams.delete(engine.stream);

    const second = await openServer(engine, directory);
    expect(second.events).toEqual([{ kind: 'restored', records: 2, lostBets: 0 }]);
    expect(await storedBets(second.store)).toEqual([...betsNamed(1, 5), ...betsNamed(2, 2)]);
    await second.store.close();
    expect((await read(engine)).rows).toEqual(before.rows);
  });
});
