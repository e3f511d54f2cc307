import { describe, expect, test } from 'vitest';
import { bet, conn, GWIN, nbet, NEND, NOK } from '../support/base-frames.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

describe('connection limits', () => {
  test('close refused connections in bounded time when the peers never close', async () => {
    const central = await TestCentral.open({ limits: { connectionsMax: 1, lingerTimeoutMs: 50 } });
    await central.agency(1);
    const stubborn = await connectRaw(central.port);
    stubborn.resume();
    await until(() => stubborn.readableEnded, 'the end of the turned away connection');
    // Only the central's timer closes this socket; then a write fails.
    const writing = setInterval(() => stubborn.write('x'), 10);
    await until(() => stubborn.destroyed || stubborn.closed, 'the connection being cut');
    clearInterval(writing);
  });

  test('refuse one connection of an agency too many, and accept other agencies', async () => {
    const central = await TestCentral.open({ limits: { agencyConnectionsMax: 2 } });
    const [first, second] = [await central.agency(1), await central.agency(1)];
    for (let turn = 0; turn < 3; turn += 1) {
      const third = await central.connect();
      third.send(Buffer.concat([conn(1), nbet(bet(1))]));
      expect(await third.rest()).toBe(NOK);
      third.end();
      await central.seen('connection-closed', turn + 1);
    }
    const refusal = { code: 'busy', detail: 'agency 1 has 2 connections already' };
    expect(central.of('message-refused')).toEqual(
      [1, 2, 3].map(() => ({ event: 'message-refused', ip: '127.0.0.1', refusal })),
    );
    const other = await central.agency(2);
    for (const peer of [first, second, other]) {
      peer.send(GWIN);
      expect(await peer.receive(4)).toBe(NEND);
    }
    first.end();
    await central.seen('connection-closed', 4);
    const next = await central.agency(1);
    next.send(GWIN);
    expect(await next.receive(4)).toBe(NEND);
    const tooMany = await central.connect();
    tooMany.send(conn(1));
    expect(await tooMany.rest()).toBe(NOK);
  });
});
