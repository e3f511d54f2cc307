import { describe, expect, test } from 'vitest';
import { Lottery } from '../../../src/lottery/lottery.ts';
import { openLog } from '../../../src/store/jetstream/open-log.ts';
import { Outbox } from '../../../src/store/jetstream/outbox.ts';
import type { EngineEvent } from '../../../src/store/store.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';

describe('an engine that is not there', () => {
  test('is waited for until the end; that is told, and the outbox is free again', async () => {
    const directory = await temporaryFolder();
    const servers = [`nats://127.0.0.1:${await freePort()}`];
    const stopping = new AbortController();
    const events: EngineEvent[] = [];
    const lottery = new Lottery([1, 2]);
    lottery.watch(() => expect.unreachable());
    const opening = openLog({
      engine: { servers, stream: 'LOTTERY', replicas: 1, agreement: 'a lottery of the agencies 1-2' },
      directory,
      follower: lottery,
      onEvent: event => {
        events.push(event);
        stopping.abort();
      },
      signal: stopping.signal,
    });
    await expect(opening).rejects.toMatchObject({
      name: 'StoreError',
      code: 'unusable',
      message: 'the engine was not there before the end',
    });
    expect(events).toEqual([
      { kind: 'unavailable', error: expect.stringContaining('the engine cannot be reached') as string },
    ]);
    const { outbox } = await Outbox.openOf(directory, 'LOTTERY');
    await outbox.close();
  });
});
