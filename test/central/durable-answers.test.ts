import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { bet, conn, END, nbet, NOK, OK, row, range } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral, takeTurns } from '../support/test-central.ts';
import { until } from '../support/until.ts';

describe('a reply of a full store', () => {
  test('is NOK with a close, and later batches are stored', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const bystander = await central.agency(2);
    const peer = await central.agency(1);
    peer.send(nbet(bet(1), bet(2)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.refuse();
    expect(await peer.rest()).toBe(NOK);
    expect(central.of('message-refused')).toEqual([
      {
        event: 'message-refused',
        ip: '127.0.0.1',
        agency: 1,
        refusal: { code: 'storage', detail: 'cannot write bets.csv, the disk is full (ENOSPC)' },
      },
    ]);
    expect(central.of('bets-refused')).toEqual([
      { event: 'bets-refused', agency: 1, single: false, count: 2 },
    ]);
    store.open();
    bystander.send(nbet(bet(3)));
    expect(await bystander.receive(4)).toBe(OK);
    const again = await central.agency(1);
    again.send(Buffer.concat([nbet(bet(1), bet(2)), END]));
    expect(await again.receive(8)).toBe(OK + OK);
    expect(store.rows).toBe(row(2, 3) + row(1, 1) + row(1, 2));
  });

  test('to END is NOK, and the agency may send bets and END again', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.agency(1);
    peer.send(END);
    await until(() => store.noted.length === 1, 'the end of the bets at the store');
    store.refuse();
    expect(await peer.rest()).toBe(NOK);
    expect(central.of('message-refused').map(({ refusal }) => refusal.code)).toEqual(['storage']);
    expect(central.of('agency-finished')).toEqual([]);
    expect(store.reads).toBe(0);
    store.open();
    const again = await central.agency(1);
    again.send(Buffer.concat([nbet(bet(1, 7574)), END]));
    expect(await again.receive(8)).toBe(OK + OK);
    const [drawn] = await central.seen('draw-held');
    expect(drawn).toMatchObject({ bets: 1, winners: 1 });
  });
});

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
    const sent = Math.ceil((32 * 1024 * 1024) / batch.length);
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
    // One chunk is being looked at, and the socket keeps one more before it stops.
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
