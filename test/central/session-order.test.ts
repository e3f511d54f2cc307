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
  rwin,
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

  test('receives OK for each batch before a bad one, then NOK and a close', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const peer = await central.agency(1);
    const before = range(40);
    peer.send(
      Buffer.concat([
        ...before.map(document => nbet(bet(document))),
        nbet(bet(40), bet('x')),
        ...range(40).map(document => nbet(bet(document + 41))),
        END,
        GWIN,
      ]),
    );
    expect(await peer.rest()).toBe(OK.repeat(40) + NOK);
    expect(store.rows).toBe(before.map(document => row(1, document)).join(''));
    expect(store.appended).toHaveLength(40);
    expect(central.of('agency-finished')).toEqual([]);
    expect(central.of('bets-refused')).toEqual([
      { event: 'bets-refused', agency: 1, single: false, count: 2 },
    ]);
  });

  test('receives the refusal of a bad batch only after the pending replies', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const other = await central.agency(2);
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), nbet(bet(2)), nbet(bet('x')), nbet(bet(3))]));
    await until(() => store.appended.length === 2, 'two batches at the store');
    await takeTurns(other);
    expect(peer.socket.bytesRead).toBe(0);
    expect(peer.ended).toBe(false);
    store.letIn();
    expect(await peer.rest()).toBe(OK + OK + NOK);
    expect(store.rows).toBe(row(1, 1) + row(1, 2));
    expect(store.appended).toHaveLength(2);
  });

  test('receives the refusal of an unknown message only after the pending replies', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store });
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), Buffer.from('XXXX'), nbet(bet(2))]));
    await until(() => store.appended.length === 1, 'a batch at the store');
    store.letIn();
    expect(await peer.rest()).toBe(OK + NOK);
    expect(store.rows).toBe(row(1, 1));
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

  test('receives NEND while other agencies are unfinished, and stays connected', async () => {
    const central = await TestCentral.open();
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), GWIN, nbet(bet(2)), END, GWIN, END, GWIN, GWIN]));
    expect(await peer.receive(32)).toBe(OK + NEND + OK + OK + NEND + OK + NEND + NEND);
    expect(peer.ended).toBe(false);
  });

  test('is refused bets after its own END, and keeps those before it', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), END, nbet(bet(2)), GWIN]));
    expect(await peer.rest()).toBe(OK + OK + NOK);
    expect(store.rows).toBe(row(1, 1));
    expect(central.of('agency-finished')).toHaveLength(1);
  });
});

describe('a whole conversation', () => {
  const conversation = Buffer.concat([
    conn(1),
    nbet(bet(1, 7574), bet(2)),
    frame('BET', bet(3, 7574).join('|')),
    GWIN,
    nbet(bet(4)),
    END,
    END,
  ]);
  const answers = OK + OK + NEND + OK + OK + OK;
  const rows = row(1, 1, 7574) + row(1, 2) + row(1, 3, 7574) + row(1, 4);

  test.each([1, 2, 3, 5, 7, 11, 64, 1000])('may arrive in chunks of %i bytes', async length => {
    const store = new GatedStore();
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.connect();
    await until(() => central.sockets.length === 1, 'the connection being accepted');
    const [socket] = central.sockets;
    for (let at = 0; at < conversation.length; at += length) {
      const piece = conversation.subarray(at, at + length);
      peer.send(piece);
      await until(
        () => socket!.bytesRead === at + piece.length,
        `the bytes up to ${at} being read`,
      );
    }
    expect(await peer.receive(answers.length / 2)).toBe(answers);
    expect(store.rows).toBe(rows);
    await central.seen('draw-held');
    peer.send(GWIN);
    expect(await peer.receive(rwin(1, 3).length / 2)).toBe(rwin(1, 3));
  });

  test('is answered completely after a half-close', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.connect();
    peer.send(conversation);
    peer.end();
    await until(() => store.appended.length === 2, 'the first batches at the store');
    store.held = false;
    store.letIn();
    expect(await peer.rest()).toBe(answers);
    expect(store.rows).toBe(rows);
    await central.seen('connection-closed');
    expect(central.of('connection-cut')).toEqual([]);
    expect(central.of('connection-error')).toEqual([]);
  });

  test('of more requests than the window is answered completely after a half-close', async () => {
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
  test('stays open after NEND and RWIN, until the peer closes it', async () => {
    const central = await TestCentral.open({ agencies: [1] });
    const peer = await central.agency(1);
    await takeTurns(peer);
    peer.send(END);
    expect(await peer.receive(4)).toBe(OK);
    await central.seen('draw-held');
    for (let turn = 0; turn < 10; turn += 1) {
      peer.send(GWIN);
      expect(await peer.receive(10)).toBe(rwin());
    }
    expect(peer.ended).toBe(false);
    expect(central.of('connection-closed')).toEqual([]);
    peer.end();
    expect(await peer.rest()).toBe('');
    expect(await central.seen('connection-closed')).toEqual([
      { event: 'connection-closed', ip: '127.0.0.1', agency: 1 },
    ]);
  });

  test('with only CONN is closed by its peer without a refusal', async () => {
    const central = await TestCentral.open();
    const other = await central.agency(2);
    for (let turn = 0; turn < 40; turn += 1) {
      const peer = await central.connect();
      peer.send(conn(1));
      peer.end();
      expect(await peer.rest()).toBe('');
    }
    await central.seen('connection-closed', 40);
    expect(central.of('agency-identified')).toHaveLength(41);
    expect(central.of('message-refused')).toEqual([]);
    expect(central.of('connection-cut')).toEqual([]);
    expect(central.of('connection-error')).toEqual([]);
    await takeTurns(other);
  });

  test('without any message is closed by its peer without a cut', async () => {
    const central = await TestCentral.open();
    const peer = await central.connect();
    peer.end();
    expect(await peer.rest()).toBe('');
    expect(await central.seen('connection-closed')).toEqual([
      { event: 'connection-closed', ip: '127.0.0.1' },
    ]);
    expect(central.of('connection-cut')).toEqual([]);
  });

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
    // No bet is taken between END and its answer.
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
