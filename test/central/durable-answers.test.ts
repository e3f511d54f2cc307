import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { bet, conn, nbet, OK, row, range } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral, takeTurns } from '../support/test-central.ts';
import { until } from '../support/until.ts';

describe('limits on pending batches', () => {
  test('allow 64 pending batches per connection', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const other = await central.agency(2);
    const peer = await central.agency(1);
    peer.send(Buffer.concat(range(200).map(document => nbet(bet(document)))));
    await until(() => store.appended.length >= 64, '64 batches at the store');
    await takeTurns(other);
    expect(store.appended).toHaveLength(64);
    store.letIn(1);
    expect(await peer.receive(4)).toBe(OK);
    await until(() => store.appended.length === 65, 'the next batch at the store');
    await takeTurns(other);
    expect(store.appended).toHaveLength(65);
    store.held = false;
    store.letIn();
    expect(await peer.receive(4 * 199)).toBe(OK.repeat(199));
    expect(store.rows).toBe(
      range(200)
        .map(document => row(1, document))
        .join(''),
    );
  });

  test('apply back-pressure to the sender', async () => {
    const batch = nbet(...range(170).map(document => bet(document + 100_000)));
    const sent = Math.ceil((16 * 1024 * 1024) / batch.length);
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const other = await central.agency(2);
    const sender = await connectRaw(central.port);
    await until(() => central.sockets.length === 2, 'the connection being accepted');
    const socket = central.sockets[1]!;
    sender.write(conn(1));
    for (let index = 0; index < sent; index += 1) sender.write(batch);
    await until(() => store.appended.length >= 64, '64 batches at the store');
    await takeTurns(other);
    expect(store.appended).toHaveLength(64);
    // One chunk is being decoded, and the socket buffers one more.
    expect(socket.bytesRead).toBeLessThan(64 * batch.length + 256 * 1024);
    expect(sender.writableLength).toBeGreaterThan(0);
    store.held = false;
    store.letIn();
    sender.resume();
    await until(() => sender.bytesRead === sent * 4, 'every answer');
    expect(store.appended).toHaveLength(sent);
  });

  test('bound the unsynced bytes of all connections together', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({
      store,
      limits: { unsyncedBytesMax: 10 * row(1, 1000).length },
    });
    const peers = [await central.agency(1), await central.agency(1)];
    peers[0]!.send(Buffer.concat(range(30).map(index => nbet(bet(1000 + index)))));
    await until(() => store.appended.length >= 10, 'ten batches at the store');
    peers[1]!.send(Buffer.concat(range(30).map(index => nbet(bet(2000 + index)))));
    await until(() => central.sockets[1]!.readableLength > 0, 'what the other connection sent');
    await delay(50);
    expect(store.appended).toHaveLength(10);
    store.held = false;
    store.letIn();
    for (const peer of peers) expect(await peer.receive(120)).toBe(OK.repeat(30));
    expect(store.appended).toHaveLength(60);
  });
});
