import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Bet } from '../../src/lottery/bet.ts';

import { bet, conn, END, GWIN, nbet, NEND, NOK, OK, rwin } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral, takeTurns } from '../support/test-central.ts';
import { until } from '../support/until.ts';

describe('the draw', () => {
  test('is held once, after the last expected END, despite repeats', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ agencies: [3, 9, 65_535], store });
    const peers = [await central.agency(3), await central.agency(9), await central.agency(65_535)];
    for (const [index, peer] of peers.entries()) {
      expect(central.of('draw-held')).toEqual([]);
      expect(store.reads).toBe(0);
      peer.send(Buffer.concat([nbet(bet(index, 7574)), END]));
      expect(await peer.receive(8)).toBe(OK + OK);
      if (index < 2) peer.send(Buffer.concat([END, GWIN]));
      if (index < 2) expect(await peer.receive(8)).toBe(OK + NEND);
    }
    await central.seen('draw-held');
    for (const [index, peer] of peers.entries()) {
      peer.send(Buffer.concat([END, GWIN, END]));
      expect(await peer.receive(8 + rwin(index).length / 2)).toBe(OK + rwin(index) + OK);
    }
    expect(store.reads).toBe(1);
    const seal = createHash('sha256').update(store.rows).digest('hex');
    expect(central.of('draw-held')).toEqual([
      { event: 'draw-held', bets: 3, winners: 3, seal, durationMs: expect.any(Number) },
    ]);
    expect(
      central
        .of('agency-finished')
        .map(({ agency, missing, waitingFor }) => ({ agency, missing, waitingFor })),
    ).toEqual([
      { agency: 3, missing: 2, waitingFor: [9, 65_535] },
      { agency: 9, missing: 1, waitingFor: [65_535] },
      { agency: 65_535, missing: 0, waitingFor: [] },
    ]);
  });

  test('is held once for concurrent ENDs on several connections', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ agencies: [1, 2, 3], store });
    const other = await central.agency(1);
    other.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    const peers = await Promise.all(
      [1, 2, 3, 1, 2, 3].map(async id => [id, await central.connect()] as const),
    );
    for (const [id, peer] of peers) peer.send(Buffer.concat([conn(id), END]));
    await central.seen('agency-identified', 7);
    expect(central.of('agency-finished')).toEqual([]);
    store.letIn();
    for (const [, peer] of peers) expect(await peer.receive(4)).toBe(OK);
    await central.seen('draw-held');
    expect(central.of('agency-finished')).toHaveLength(3);
    expect(store.reads).toBe(1);
    expect(central.of('draw-held')).toHaveLength(1);
  });

  test('in progress answers NEND, refuses bets and delays the close of the central', async () => {
    class SlowStore extends GatedStore {
      readonly drawGate = Promise.withResolvers<void>();
      override async *bets(): AsyncGenerator<Iterable<Bet>> {
        for await (const slice of super.bets()) {
          await this.drawGate.promise;
          yield slice;
        }
      }
    }
    const store = new SlowStore();
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.agency(1);
    const late = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1, 7574)), nbet(bet(2, 7574)), END]));
    expect(await peer.receive(12)).toBe(OK + OK + OK);
    await until(() => store.reads === 1, 'the draw being started');
    await takeTurns(peer);
    late.send(nbet(bet(3, 7574)));
    expect(await late.rest()).toBe(NOK);
    let closed = false;
    const closing = central.central.close().then(() => (closed = true));
    await takeTurns(peer);
    expect(closed).toBe(false);
    store.drawGate.resolve();
    await closing;
    expect(central.of('draw-held')).toHaveLength(1);
    peer.send(GWIN);
    expect(await peer.receive(rwin(1, 2).length / 2)).toBe(rwin(1, 2));
  });
});
