import { describe, expect, test } from 'vitest';
import type { CloseReason } from '../../src/observe/events.ts';
import { LORCA } from '../golden/golden.ts';
import { range } from '../support/base-frames.ts';
import type { TestCentral } from '../support/test-central.ts';
import { ManualClock, until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';
import {
  bytesOf,
  connected,
  openFor,
  type Opened,
  outcomeOf,
  type Part,
  partOf,
  rowOf,
  SECOND,
  sendPieces,
  uploadOf,
} from './conversation.ts';
import { describeRefusals } from './dialect-refusals.ts';
import { describeWaits } from './dialect-waits.ts';
import type { SpokenDialect } from './spoken-dialect.ts';

/**
 * The contract of the central in every dialect, over a real socket. The test encodes the peer's
 * bytes independently, and compares the answers byte by byte.
 */
export function describeDialectOfCentral(spoken: SpokenDialect): void {
  describeStreams(spoken);
  describeTruncation(spoken);
  describeRefusals(spoken);
  describeWaits(spoken);
}

function describeStreams(spoken: SpokenDialect): void {
  const parts = uploadOf(spoken);
  const stream = bytesOf(parts);
  const { answers, rows } = outcomeOf(parts, stream.length);
  const winners = Buffer.concat(spoken.winnersFrames(LORCA.document, SECOND.document)).toString(
    'hex',
  );

  /**
   * The winners as agency 1 receives them: by a question, on its own connection where the dialect
   * has one, or unasked.
   */
  async function expectWinners(
    central: TestCentral,
    peer: Peer,
    cut: (bytes: Buffer) => Uint8Array[],
  ) {
    if (spoken.winners === 'asked') {
      const asking = spoken.connectionPerQuestion ? await connected(central) : peer;
      if (asking !== peer) peer.end();
      await sendPieces(central, asking, cut(spoken.question!(1)));
      expect(await asking.receive(winners.length / 2)).toBe(winners);
      if (asking === peer) return;
      expect(await asking.rest()).toBe('');
      asking.end();
    } else {
      expect(await peer.receive(winners.length / 2)).toBe(winners);
    }
  }

  async function expectWhole(cut: (bytes: Buffer) => Uint8Array[]): Promise<void> {
    const { central, store } = await openFor(spoken);
    const peer = await connected(central);
    await sendPieces(central, peer, cut(stream));
    expect(await peer.receive(answers.length)).toBe(answers.toString('hex'));
    await central.seen('agency-finished');
    expect(store.rows).toBe(rows);
    expect(await central.central.finish(2)).toBeUndefined();
    await central.seen('draw-held');
    await expectWinners(central, peer, cut);
    peer.end();
    expect(await peer.rest()).toBe('');
    expect([central.of('message-refused'), central.of('connection-cut')]).toEqual([[], []]);
    await central.stop();
  }

  describe('a conversation', () => {
    test('is answered completely one byte at a time', () =>
      expectWhole(bytes => Array.from(bytes, byte => Uint8Array.of(byte))));

    test('is answered completely after a half-close', async () => {
      const { central } = await openFor(spoken, { agencies: [1] });
      const peer = await connected(central);
      peer.send(stream);
      peer.end();
      const sent = spoken.winners === 'sent' ? winners : '';
      expect(await peer.rest()).toBe(answers.toString('hex') + sent);
      expect(central.of('connection-cut')).toEqual([]);
    });

    if (spoken.question !== undefined) {
      test('may include a query before the draw, without effect', async () => {
        const { central } = await openFor(spoken);
        const peer = await connected(central);
        peer.send(Buffer.concat([spoken.hello(1), spoken.question!(1)]));
        expect(await peer.receive(spoken.notYet.length)).toBe(spoken.notYet.toString('hex'));
        if (spoken.connectionPerQuestion) expect(await peer.rest()).toBe('');
        expect(central.of('message-refused')).toEqual([]);
        expect(central.lottery.hasFinished(1)).toBe(false);
      });
    }

    test('may include empty batches, which are acknowledged', async () => {
      const { central, store } = await openFor(spoken);
      const peer = await connected(central);
      peer.send(
        Buffer.concat([spoken.hello(1), spoken.batch(1), spoken.batch(1, LORCA), spoken.batch(1)]),
      );
      const expected = Buffer.concat([spoken.accepted(0), spoken.accepted(1), spoken.accepted(0)]);
      expect(await peer.receive(expected.length)).toBe(expected.toString('hex'));
      expect(store.rows).toBe(rowOf(LORCA));
      expect(central.of('message-refused')).toEqual([]);
    });
  });
}

function describeTruncation(spoken: SpokenDialect): void {
  const parts = uploadOf(spoken);
  const stream = bytesOf(parts);

  /** Each offset before the end of the last message: the agency does not finish. */
  const places = range(stream.length);

  async function expectTruncated({ central, store }: Opened, upTo: readonly Part[], place: number) {
    const before = { rows: store.rows, events: central.events.length };
    const { answers, rows, isBroken } = outcomeOf(upTo, place);
    const peer = await central.connect();
    if (place > 0) peer.send(bytesOf(upTo).subarray(0, place));
    peer.end();
    expect(await peer.rest()).toBe(answers.toString('hex'));
    const events = (): string[] => central.events.slice(before.events).map(({ event }) => event);
    await until(() => events().includes('connection-closed'), 'the connection being closed');
    expect(store.rows.slice(before.rows.length)).toBe(rows);
    const cuts = central.events
      .slice(before.events)
      .filter(({ event }) => event === 'connection-cut');
    const reason = expect.objectContaining({ reason: 'truncated' });
    expect(cuts, `cut at ${place}`).toEqual(isBroken ? [reason] : []);
    expect(events()).not.toContain('message-refused');
  }

  describe('an interrupted conversation', () => {
    test('that ends at any byte keeps complete messages, and logs a truncated one', async () => {
      const opened = await openFor(spoken);
      for (const place of places) await expectTruncated(opened, parts, place);
    });

    if (spoken.question !== undefined) {
      test('that ends within the query is logged as truncated', async () => {
        const opened = await openFor(spoken);
        const question = [partOf(spoken.hello(1)), partOf(spoken.question!(1))];
        for (const place of range(bytesOf(question).length))
          await expectTruncated(opened, question, place);
      });
    }

    test('that stalls at any byte times out, and keeps complete messages', async () => {
      const clock = new ManualClock();
      const limits = {
        firstMessageTimeoutMs: 200,
        messageTimeoutMs: 200,
        idleTimeoutMs: 60_000,
        agencyConnectionsMax: stream.length,
      };
      const { central, store } = await openFor(spoken, { limits, now: clock.now });
      const outcomes = places.map(place => outcomeOf(parts, place));
      const peers: Peer[] = [];
      for (const place of places) {
        const peer = await central.connect();
        if (place > 0) peer.send(stream.subarray(0, place));
        peers.push(peer);
      }
      for (const [place, { answers }] of outcomes.entries()) {
        expect(await peers[place]!.receive(answers.length)).toBe(answers.toString('hex'));
      }
      const bytesSent = places.reduce((sum, place) => sum + place, 0);
      const bytesRead = (): number =>
        central.sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
      await until(() => bytesRead() === bytesSent, 'all bytes being read');
      expect(central.of('connection-cut')).toEqual([]);
      clock.time += 200;
      const reasons: CloseReason[] = [];
      for (const [place, { messages, isBroken }] of outcomes.entries()) {
        if (!isBroken && messages > 0) continue;
        const reason = messages === 0 ? 'first-message-timeout' : 'message-timeout';
        const last = messages === 0 ? spoken.refusedUnknown(reason) : spoken.refused(reason);
        expect(await peers[place]!.rest(), `cut at ${place}`).toBe(last.toString('hex'));
        reasons.push(reason);
      }
      expect(central.cutReasons.toSorted()).toEqual(reasons.toSorted());
      const stored = outcomes.map(({ rows }) => rows).join('');
      const lines = (rows: string): string[] => rows.split('\r\n').toSorted();
      expect(lines(store.rows)).toEqual(lines(stored));
    });
  });
}
