import { describe, expect, test } from 'vitest';
import type { Limits } from '../../src/wire/limits.ts';
import { bet, END, nbet, OK, row } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { sendAndBeRead, TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

async function open({
  store = new GatedStore(),
  limits = {},
}: {
  store?: GatedStore;
  limits?: Partial<Limits>;
} = {}) {
  return { store, central: await TestCentral.open({ agencies: [1, 2], store, limits }) };
}

test('a truncated message does not affect the pending batches before it', async () => {
  const { central, store } = await open({ store: new GatedStore({ held: true }) });
  const peer = await central.agency(1);
  peer.send(Buffer.concat([nbet(bet(1)), nbet(bet(2)), nbet(bet(3)).subarray(0, 20)]));
  peer.end();
  await until(() => store.appended.length === 2, 'two batches at the store');
  await until(() => central.sockets[0]!.readableEnded, 'the end of what the peer has to say');
  store.letIn();
  expect(await peer.rest()).toBe(OK + OK);
  await central.seen('connection-closed');
  expect(central.of('connection-cut')).toEqual([
    { event: 'connection-cut', ip: '127.0.0.1', agency: 1, reason: 'truncated' },
  ]);
  expect(store.rows).toBe(row(1, 1) + row(1, 2));
});

describe('a connection reset', () => {
  test('within a message is logged as ECONNRESET, and nothing is stored', async () => {
    const { central, store } = await open();
    const other = await central.agency(2);
    const peer = await central.agency(1);
    await sendAndBeRead(central.sockets[1]!, peer, nbet(bet(1)).subarray(0, 20));
    peer.socket.resetAndDestroy();
    await central.seen('connection-closed');
    expect(central.of('connection-error')).toEqual([
      { event: 'connection-error', ip: '127.0.0.1', error: 'ECONNRESET' },
    ]);
    expect(central.of('connection-closed')).toEqual([
      { event: 'connection-closed', ip: '127.0.0.1', agency: 1 },
    ]);
    expect(store.appended).toEqual([]);
    other.send(nbet(bet(2)));
    expect(await other.receive(4)).toBe(OK);
  });

  test('between two batches is logged, with the upload as unfinished', async () => {
    const { central } = await open();
    const peer = await central.agency(1);
    peer.send(nbet(bet(1)));
    expect(await peer.receive(4)).toBe(OK);
    peer.socket.resetAndDestroy();
    const [closed] = await central.seen('connection-closed');
    expect(closed).toMatchObject({ agency: 1, unfinished: true, resumable: false });
    expect(central.of('connection-error').map(({ error }) => error)).toEqual(['ECONNRESET']);
    expect(central.of('connection-cut')).toEqual([]);
  });

  test('after END is a normal close', async () => {
    const { central } = await open();
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), END]));
    expect(await peer.receive(8)).toBe(OK + OK);
    peer.socket.resetAndDestroy();
    const [closed] = await central.seen('connection-closed');
    expect(closed).toEqual({ event: 'connection-closed', ip: '127.0.0.1', agency: 1 });
    expect(central.of('connection-error')).toEqual([]);
  });

  test('frees its place among the connections of the agency', async () => {
    const { central } = await open({ limits: { agencyConnectionsMax: 1 } });
    for (let turn = 0; turn < 5; turn += 1) {
      const peer = await central.agency(1);
      peer.socket.resetAndDestroy();
      await central.seen('connection-closed', turn + 1);
    }
    expect(central.of('message-refused')).toEqual([]);
  });
});
