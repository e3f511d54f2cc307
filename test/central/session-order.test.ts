import { describe, expect, test } from 'vitest';
import {
  bet,
  conn,
  END,
  frame,
  GWIN,
  nbet,
  NEND,
  NOK,
  OK,
  row,
  range,
} from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral, takeTurns } from '../support/test-central.ts';
import { until } from '../support/until.ts';

describe('a pipelining client', () => {
  test('receives replies in the order of its requests', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const peer = await central.agency(1);
    const kinds = [
      { request: nbet(bet(1), bet(2)), answer: OK },
      { request: frame('BET', bet(3).join('|')), answer: OK },
      { request: GWIN, answer: NEND },
      { request: nbet(bet(4)), answer: OK },
      { request: GWIN, answer: NEND },
      { request: GWIN, answer: NEND },
      { request: frame('NBET', '0|'), answer: OK },
    ];
    const asked = range(350).map(index => kinds[(index * 3) % kinds.length]!);
    peer.send(Buffer.concat(asked.map(({ request }) => request)));
    const answers = asked.map(({ answer }) => answer).join('');
    expect(await peer.receive(answers.length / 2)).toBe(answers);
  });

  test.each([
    ['a bad batch', nbet(bet('x'))],
    ['an unknown message', Buffer.from('XXXX')],
  ])('receives the refusal of %s only after the pending replies', async (_, bad) => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const other = await central.agency(2);
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), nbet(bet(2)), bad, nbet(bet(3))]));
    await until(() => store.appended.length === 2, 'two batches at the store');
    await takeTurns(other);
    expect(peer.socket.bytesRead).toBe(0);
    expect(peer.ended).toBe(false);
    store.letIn();
    expect(await peer.rest()).toBe(OK + OK + NOK);
    expect(store.rows).toBe(row(1, 1) + row(1, 2));
    expect(store.appended).toHaveLength(2);
  });

  test('finishes only when the last batch before END, and then END, is durable', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.agency(1);
    const other = await central.agency(1);
    peer.send(Buffer.concat([...range(50).map(document => nbet(bet(document))), END]));
    await until(() => store.appended.length === 50, 'all batches at the store');
    store.letIn(49);
    expect(await peer.receive(4 * 49)).toBe(OK.repeat(49));
    await takeTurns(other);
    expect(central.of('agency-finished')).toEqual([]);
    expect(store.reads).toBe(0);
    store.letIn();
    await until(() => store.noted.length === 1, 'the end of the bets at the store');
    expect(await peer.receive(4)).toBe(OK);
    await takeTurns(other);
    expect(central.of('agency-finished')).toEqual([]);
    store.letIn();
    expect(await peer.receive(4)).toBe(OK);
    const [drawn] = await central.seen('draw-held');
    expect(drawn).toMatchObject({ bets: 50, winners: 0 });
  });

  test('receives every reply after a half-close, also of more requests than the window', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const peer = await central.connect();
    peer.send(Buffer.concat([conn(1), ...range(300).map(document => nbet(bet(document))), END]));
    peer.end();
    await until(() => store.appended.length === 64, 'the first batches at the store');
    store.held = false;
    store.letIn();
    expect(await peer.rest()).toBe(OK.repeat(301));
    expect(store.appended).toHaveLength(300);
  });
});

describe('a connection', () => {
  test('may be one of several of an agency, whose batches are stored whole', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const [first, second] = [await central.agency(1), await central.agency(1)];
    const batch = (start: number): Buffer => nbet(...range(5).map(index => bet(start + index)));
    for (let index = 0; index < 20; index += 1) {
      first.send(batch(1000 + index * 5));
      second.send(batch(2000 + index * 5));
    }
    expect(await first.receive(80)).toBe(OK.repeat(20));
    expect(await second.receive(80)).toBe(OK.repeat(20));
    const documents = store.rows
      .split('\r\n')
      .slice(0, -1)
      .map(line => Number(line.split(',')[3]));
    expect(documents).toHaveLength(200);
    for (let at = 0; at < 200; at += 5) {
      const start = documents[at]!;
      expect(documents.slice(at, at + 5)).toEqual(range(5).map(index => start + index));
    }
    const ofFirst = documents.filter(document => document < 2000);
    expect(ofFirst).toEqual(range(100).map(index => 1000 + index));
  });

  test('with END waits for the pending batches of the agency on its other connection', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const other = await central.agency(2);
    const [uploading, finishing] = [await central.agency(1), await central.agency(1)];
    uploading.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    finishing.send(END);
    await takeTurns(other);
    expect(finishing.socket.bytesRead).toBe(0);
    expect(central.of('agency-finished')).toEqual([]);
    // No bet is accepted between END and its answer.
    uploading.send(nbet(bet(2)));
    await central.seen('bets-refused');
    store.letIn();
    expect(await finishing.receive(4)).toBe(OK);
    expect(await uploading.rest()).toBe(OK + NOK);
    expect(store.rows).toBe(row(1, 1));
    expect(central.of('agency-finished')).toHaveLength(1);
  });

  test('that is lost with pending batches leaves them stored, others unaffected', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const other = await central.agency(2);
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), nbet(bet(2))]));
    await until(() => store.appended.length === 2, 'two batches at the store');
    peer.socket.resetAndDestroy();
    other.send(nbet(bet(3)));
    await until(() => store.appended.length === 3, 'a third batch at the store');
    store.letIn();
    expect(await other.receive(4)).toBe(OK);
    await central.seen('connection-closed');
    await takeTurns(other);
    expect(store.rows).toBe(row(1, 1) + row(1, 2) + row(2, 3));
  });
});
