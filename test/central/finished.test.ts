import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bet, END, frame, GWIN, nbet, NEND, NOK, OK, row, rwin } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import type { Peer } from '../support/peer.ts';

/** Asks the one who is at the other end something that changes nothing: is it still served? */
async function expectServed(peer: Peer): Promise<void> {
  peer.send(GWIN);
  expect(await peer.receive(4)).toBe(NEND);
}

describe('a finished agency', () => {
  test.each([
    ['NBET', nbet(bet(101)), { single: false, count: 1 }],
    ['BET', frame('BET', bet(101).join('|')), { single: true, count: 1 }],
    ['an empty NBET', frame('NBET', '0|'), { single: false, count: 0 }],
  ])('is refused %s, on this and on any other connection', async (_, bytes, bets) => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const bystander = await central.agency(2);
    const peers = [await central.agency(1), await central.agency(1)];
    peers[0]!.send(END);
    expect(await peers[0]!.receive(4)).toBe(OK);
    for (const peer of peers) {
      peer.send(bytes);
      expect(await peer.rest()).toBe(NOK);
    }
    expect(central.of('message-refused').map(({ refusal }) => refusal.code)).toEqual([
      'agency-finished',
      'agency-finished',
    ]);
    expect(central.of('bets-refused')).toEqual([
      { event: 'bets-refused', agency: 1, ...bets },
      { event: 'bets-refused', agency: 1, ...bets },
    ]);
    expect(store.appended).toHaveLength(0);
    bystander.send(nbet(bet(201)));
    expect(await bystander.receive(4)).toBe(OK);
    expect(store.rows).toBe(row(2, 201));
  });

  test('may repeat END, on this and on any other connection', async () => {
    const central = await TestCentral.open();
    const first = await central.agency(1);
    const second = await central.agency(1);
    for (const peer of [first, first, second, first]) {
      peer.send(END);
      expect(await peer.receive(4)).toBe(OK);
    }
    await expectServed(first);
    await expectServed(second);
    expect(central.of('agency-finished')).toEqual([
      { event: 'agency-finished', agency: 1, missing: 1, waitingFor: [2] },
    ]);
    expect(central.of('message-refused')).toEqual([]);
    expect(central.of('draw-held')).toEqual([]);
  });
});

describe('the winners', () => {
  test('are withheld with NEND until every expected agency has finished', async () => {
    const central = await TestCentral.open({ agencies: [1, 2, 3] });
    const peers = [await central.agency(1), await central.agency(2)];
    for (const peer of peers) {
      await expectServed(peer);
      peer.send(nbet(bet(1, 7574)));
      expect(await peer.receive(4)).toBe(OK);
      await expectServed(peer);
      peer.send(END);
      expect(await peer.receive(4)).toBe(OK);
      await expectServed(peer);
    }
    expect(central.of('connection-closed')).toEqual([]);
  });

  test('are sent after the draw, to each agency its own in stored order', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ agencies: [1, 2, 3, 4], store });
    const [first, second, third] = [
      await central.agency(1),
      await central.agency(2),
      await central.agency(3),
    ];
    const silent = await central.agency(4);
    first.send(nbet(bet('030904465', 7574), bet(11, 7573), bet(5, '07574')));
    expect(await first.receive(4)).toBe(OK);
    second.send(nbet(bet(21, 7574)));
    expect(await second.receive(4)).toBe(OK);
    third.send(nbet(bet(31), bet(32, 757)));
    expect(await third.receive(4)).toBe(OK);
    first.send(nbet(bet(4, 7574)));
    expect(await first.receive(4)).toBe(OK);
    for (const peer of [third, second, silent, first]) {
      peer.send(END);
      expect(await peer.receive(4)).toBe(OK);
    }
    await central.seen('draw-held');
    const expected = new Map([
      [first, rwin('030904465', 5, 4)],
      [second, rwin(21)],
      [third, rwin()],
      [silent, rwin()],
    ]);
    for (let round = 0; round < 2; round += 1) {
      for (const [peer, answer] of expected) {
        peer.send(GWIN);
        expect(await peer.receive(answer.length / 2)).toBe(answer);
      }
    }
    expect(central.of('connection-closed')).toEqual([]);
    expect(central.of('draw-held')).toEqual([
      {
        event: 'draw-held',
        bets: 7,
        winners: 4,
        seal: createHash('sha256').update(store.rows).digest('hex'),
        durationMs: expect.any(Number),
      },
    ]);
  });
});
