import { describe, expect, test } from 'vitest';
import { bet, conn, END, frame, GWIN, nbet, NEND, NOK, OK, row } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';

/** A question without effects, which shows that the peer is still served. */
async function expectServed(peer: Peer): Promise<void> {
  peer.send(GWIN);
  expect(await peer.receive(4)).toBe(NEND);
}

interface Case {
  readonly what: string;
  /** Bytes of the refused peer, in one write. */
  readonly says: readonly Uint8Array[];
  readonly code: string;
  /** Part of the detail in the log. */
  readonly detail?: string;
  /** Number of refused bets in the log; undefined for other messages. */
  readonly bets?: { readonly single: boolean; readonly count: number };
}

/**
 * While agency 2 has sent half a batch, a peer sends bytes that are refused, and then a valid
 * batch.
 */
async function refuseAmongOthers({ says, code, detail, bets }: Case): Promise<void> {
  const store = new GatedStore();
  const central = await TestCentral.open({ agencies: [1, 2], store });
  const bystander = await central.agency(2);
  bystander.send(nbet(bet(201)));
  expect(await bystander.receive(4)).toBe(OK);
  const second = nbet(bet(202), bet(203));
  bystander.send(second.subarray(0, 30));

  const peer = await central.connect();
  peer.send(Buffer.concat([...says, nbet(bet(101))]));
  expect(await peer.rest()).toBe(NOK);

  const refusal = expect.objectContaining({ code, detail: expect.stringContaining(detail ?? '') });
  expect(central.of('message-refused')).toEqual([expect.objectContaining({ refusal })]);
  expect(central.of('bets-refused')).toEqual(
    bets === undefined ? [] : [{ event: 'bets-refused', agency: 1, ...bets }],
  );
  peer.end();
  expect(await central.seen('connection-closed')).toHaveLength(1);

  bystander.send(second.subarray(30));
  expect(await bystander.receive(4)).toBe(OK);
  await expectServed(bystander);
  expect(store.rows).toBe(row(2, 201) + row(2, 202) + row(2, 203));
  expect(store.appended).toHaveLength(2);
}

function describeCases(subject: string, cases: readonly Case[]): void {
  describe(subject, () => {
    test.each(cases)(
      '($what) is refused with NOK, without effect on other connections',
      refuseAmongOthers,
    );
  });
}

describeCases('a message before CONN', [
  { what: 'BET', says: [frame('BET', bet(1).join('|'))], code: 'not-identified' },
  { what: 'NBET', says: [nbet(bet(1))], code: 'not-identified' },
  { what: 'END', says: [END], code: 'not-identified' },
  { what: 'GWIN', says: [GWIN], code: 'not-identified' },
  { what: 'END before CONN', says: [END, conn(1)], code: 'not-identified' },
]);

describeCases('an unknown message type', [
  {
    what: 'as the first message',
    says: [Buffer.from('XXXX')],
    code: 'unknown-message',
    detail: '58585858',
  },
  { what: 'after CONN', says: [conn(1), Buffer.from('XXXX')], code: 'unknown-message' },
]);

describeCases('bets that are invalid', [
  {
    what: 'a field of a BET',
    says: [conn(1), frame('BET', bet('x').join('|'))],
    code: 'invalid-bet',
    detail: 'bet 0, document, not-digits',
    bets: { single: true, count: 1 },
  },
  {
    what: 'an NBET with the largest count',
    says: [conn(1), frame('NBET', ['999999', ...bet(1)].join('|'))],
    code: 'invalid-bet',
    detail: 'bet 1, batch, too-few-fields',
    bets: { single: false, count: 999_999 },
  },
  {
    what: 'an NBET without a count',
    says: [conn(1), frame('NBET', '')],
    code: 'invalid-bet',
    detail: 'count-not-a-number',
    bets: { single: false, count: 0 },
  },
]);

test.each([
  ['BET', frame('BET', bet(101).join('|')), { single: true, count: 1 }],
  ['an empty NBET', frame('NBET', '0|'), { single: false, count: 0 }],
])('a finished agency is refused %s', async (_, bytes, bets) => {
  const store = new GatedStore();
  const central = await TestCentral.open({ store });
  const peer = await central.agency(1);
  peer.send(Buffer.concat([END, bytes]));
  expect(await peer.rest()).toBe(OK + NOK);
  expect(central.refusalCodes).toEqual(['agency-finished']);
  expect(central.of('bets-refused')).toEqual([{ event: 'bets-refused', agency: 1, ...bets }]);
  expect(store.appended).toHaveLength(0);
});

test('a refused peer that keeps sending is read without effect until it closes', async () => {
  const store = new GatedStore();
  const central = await TestCentral.open({ store });
  const peer = await central.agency(1);
  peer.send(Buffer.from('XXXX'));
  expect(await peer.rest()).toBe(NOK);
  peer.send(Buffer.concat([nbet(bet(1)), END, GWIN]));
  const [socket] = central.sockets;
  await until(() => socket!.bytesRead > 60, 'the rest being read');
  peer.end();
  await central.seen('connection-closed');
  expect(await peer.rest()).toBe(NOK);
  expect(store.appended).toHaveLength(0);
  expect(central.of('agency-finished')).toEqual([]);
  expect(central.of('message-refused')).toHaveLength(1);
});
