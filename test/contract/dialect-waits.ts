import { describe, expect, test } from 'vitest';
import { LORCA, NANDU } from '../golden/golden.ts';
import { ManualClock, until } from '../support/until.ts';
import { connected, openFor, rowOf } from './conversation.ts';
import type { SpokenDialect } from './spoken-dialect.ts';

/** The contract of a dialect during waits: for the disk, the draw, and the end of the server. */
export function describeWaits(spoken: SpokenDialect): void {
  describe('a pending batch', () => {
    test('is acknowledged only when it is durable', async () => {
      const { central, store } = await openFor(spoken);
      store.held = true;
      const peer = await connected(central);
      peer.send(Buffer.concat([spoken.hello(1), spoken.batch(1, LORCA), spoken.batch(1, NANDU)]));
      await until(() => store.appended.length === 2, 'both batches waiting');
      expect(central.of('batch-stored')).toEqual([]);
      store.letIn(1);
      const answer = spoken.accepted(1).toString('hex');
      expect(await peer.receive(answer.length / 2)).toBe(answer);
      expect(central.of('batch-stored')).toHaveLength(1);
      store.open();
      expect(await peer.receive(answer.length / 2)).toBe(answer);
    });

    test('is refused by a full disk', async () => {
      const { central, store } = await openFor(spoken);
      store.held = true;
      const peer = await connected(central);
      peer.send(Buffer.concat([spoken.hello(1), spoken.batch(1, LORCA)]));
      await until(() => store.appended.length === 1, 'the batch waiting');
      store.refuse();
      const detail = 'cannot write bets.csv, the disk is full (ENOSPC)';
      const refused = spoken.refused(detail).toString('hex');
      expect(await peer.receive(refused.length / 2)).toBe(refused);
      if (spoken.survivesRefusedBatch) peer.end();
      expect(await peer.rest()).toBe('');
      expect(central.of('message-refused').map(({ refusal }) => refusal)).toEqual([
        { code: 'storage', detail },
      ]);
      expect(central.of('bets-refused')).toEqual([
        { event: 'bets-refused', agency: 1, single: false, count: 1 },
      ]);
      expect(store.rows).toBe('');
    });

    test('is acknowledged during a stop, and later ones are discarded', async () => {
      const { central, store } = await openFor(spoken);
      store.held = true;
      const peer = await connected(central);
      peer.send(Buffer.concat([spoken.hello(1), spoken.batch(1, LORCA)]));
      await until(() => store.appended.length === 1, 'the batch waiting');
      const stopped = central.stop();
      peer.send(spoken.batch(1, NANDU));
      store.open();
      expect(await peer.rest()).toBe(spoken.accepted(1).toString('hex'));
      peer.end();
      await stopped;
      expect(store.rows).toBe(rowOf(LORCA));
    });
  });

  if (spoken.winners === 'asked') return;

  describe('an agency that waits for its winners', () => {
    async function waiting() {
      const clock = new ManualClock();
      const limits = { messageTimeoutMs: 100, idleTimeoutMs: 200, firstMessageTimeoutMs: 100 };
      const opened = await openFor(spoken, { limits, now: clock.now });
      const peer = await connected(opened.central);
      peer.send(Buffer.concat([spoken.hello(1), spoken.batch(1, LORCA), spoken.allSent(1)]));
      const answer = spoken.accepted(1).toString('hex');
      expect(await peer.receive(answer.length / 2)).toBe(answer);
      await opened.central.seen('agency-finished');
      return { ...opened, clock, peer };
    }

    test('is not cut as idle, and receives nothing until the draw', async () => {
      const { central, clock, peer } = await waiting();
      await clock.advance(100_000);
      await clock.advance(100_000);
      expect([peer.ended, central.of('connection-cut')]).toEqual([false, []]);
      await central.central.finish(2);
      const winners = Buffer.concat(spoken.winnersFrames(LORCA.document)).toString('hex');
      expect(await peer.receive(winners.length / 2)).toBe(winners);
    });

    test('has the usual idle time after its winners', async () => {
      const { central, clock, peer } = await waiting();
      await central.central.finish(2);
      await central.seen('draw-held');
      const winners = Buffer.concat(spoken.winnersFrames(LORCA.document)).toString('hex');
      expect(await peer.receive(winners.length / 2)).toBe(winners);
      await clock.advance(199);
      expect(peer.ended).toBe(false);
      clock.time += 1;
      expect(await peer.rest()).toBe('');
      expect(central.cutReasons).toEqual(['idle']);
    });

    test('is closed without a reply when the server stops', async () => {
      const { central, peer } = await waiting();
      const stopped = central.stop();
      expect(await peer.rest()).toBe('');
      peer.end();
      await stopped;
    });

    test('may reset its connection and receive the winners over another one', async () => {
      const { central, peer } = await waiting();
      peer.socket.resetAndDestroy();
      await central.seen('connection-closed');
      await central.central.finish(2);
      await central.seen('draw-held');
      const again = await connected(central);
      again.send(Buffer.concat([spoken.hello(1), spoken.allSent(1)]));
      const winners = Buffer.concat(spoken.winnersFrames(LORCA.document)).toString('hex');
      expect(await again.receive(winners.length / 2)).toBe(winners);
    });
  });
}
