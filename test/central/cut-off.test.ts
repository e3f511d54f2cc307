import { describe, expect, test } from 'vitest';
import type { Limits } from '../../src/wire/limits.ts';
import { bet, END, nbet, OK } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { sendAndBeRead, TestCentral } from '../support/test-central.ts';

async function open({
  store = new GatedStore(),
  limits = {},
}: {
  store?: GatedStore;
  limits?: Partial<Limits>;
} = {}) {
  return { store, central: await TestCentral.open({ agencies: [1, 2], store, limits }) };
}

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
});
