import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Limits } from '../../src/wire/limits.ts';
import { CHECK_WIN } from '../golden/check-win.ts';
import { hexOf, LORCA, NANDU } from '../golden/golden.ts';
import { cutAt, places } from '../lottery/cuts.ts';
import { range } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';
import { SECOND } from './conversation.ts';
import type { RawBet } from './spoken-dialect.ts';
import { SPOKEN, spoken } from './spoken-dialects.ts';

/** Several dialects on one central, and the specifics of some. */

const listenerOf = (name: string): number => SPOKEN.findIndex(dialect => dialect.name === name);

async function openAll(agencies: readonly number[], limits: Partial<Limits> = {}) {
  const store = new GatedStore();
  const dialects = SPOKEN.map(({ dialect }) => dialect);
  const central = await TestCentral.open({ agencies, store, limits, dialects });
  return { central, store };
}

const rowOf = (agency: number, { document, number }: RawBet): string =>
  `${agency},Santiago Lionel,Lorca,${document},1999-03-17,${number}\r\n`;

const hexesOf = (...messages: readonly Buffer[]): string => Buffer.concat(messages).toString('hex');

async function expectHeard(peer: Peer, ...messages: readonly Buffer[]): Promise<void> {
  const expected = hexesOf(...messages);
  expect(await peer.receive(expected.length / 2)).toBe(expected);
}

describe('the listeners of a central', () => {
  test('share one connection limit, and each refuses in its own dialect', async () => {
    const { central } = await openAll([1], { connectionsMax: 3 });
    const served = [await central.connect(0), await central.connect(1), await central.connect(2)];
    await central.seen('connection-accepted', 3);
    const detail = '3 connections are open already';
    for (const [index, dialect] of SPOKEN.entries()) {
      const peer = await central.connect(index);
      expect(await peer.rest()).toBe(hexesOf(dialect.refusedUnknown(detail)));
      peer.end();
      const refused = central.of('connection-refused');
      expect(refused).toHaveLength(index + 1);
      expect(refused.at(-1)).toEqual({
        event: 'connection-refused',
        ip: '127.0.0.1',
        listener: { port: peer.socket.remotePort, dialect: dialect.dialect.name },
        refusal: { code: 'busy', detail },
      });
    }
    await central.seen('connection-closed', SPOKEN.length);
    // A connection slot freed on one listener is free on all.
    served[0]!.end();
    await central.seen('connection-closed', SPOKEN.length + 1);
    const opCodes = spoken('op-codes');
    const peer = await central.connect(listenerOf('op-codes'));
    peer.send(opCodes.batch(1, LORCA));
    await expectHeard(peer, opCodes.accepted(1));
  });

  test('share one connection limit per agency', async () => {
    const { central } = await openAll([1], { agencyConnectionsMax: 2 });
    const detail = 'agency 1 has 2 connections already';
    for (const index of [0, 3]) {
      const peer = await central.connect(index);
      peer.send(SPOKEN[index]!.hello(1));
    }
    await central.seen('agency-identified', 2);
    const opCodes = spoken('op-codes');
    const third = await central.connect(listenerOf('op-codes'));
    third.send(opCodes.batch(1, LORCA));
    expect(await third.rest()).toBe(hexesOf(opCodes.refused(detail)));
    expect(central.of('message-refused').map(({ refusal }) => refusal)).toEqual([
      { code: 'busy', detail },
    ]);
  });

  test('serve one agency in all dialects at once, with one END', async () => {
    const { central, store } = await openAll([1]);
    const peers: Peer[] = [];
    const bets = SPOKEN.map((_, index) => ({ ...LORCA, document: String(100 + index) }));
    for (const [index, dialect] of SPOKEN.entries()) {
      const peer = await central.connect(index);
      peer.send(Buffer.concat([dialect.hello(1), dialect.batch(1, bets[index]!)]));
      await expectHeard(peer, dialect.accepted(1));
      peers.push(peer);
    }
    expect(store.rows).toBe(bets.map(bet => rowOf(1, bet)).join(''));
    const pushCodes = spoken('push-codes');
    const winners = bets.map(({ document }) => document);
    peers[listenerOf('push-codes')]!.send(pushCodes.allSent(1));
    await central.seen('draw-held');
    await expectHeard(peers[listenerOf('push-codes')]!, ...pushCodes.winnersFrames(...winners));
    // An agency that finished in one dialect has finished in all, and may repeat it.
    const csvFrames = spoken('csv-frames');
    const csvPeer = peers[listenerOf('csv-frames')]!;
    csvPeer.send(csvFrames.allSent(1));
    await expectHeard(csvPeer, ...csvFrames.winnersFrames(...winners));
    for (const name of ['tp0', 'op-codes', 'check-win']) {
      const peer = peers[listenerOf(name)]!;
      peer.send(spoken(name).question!(1));
      await expectHeard(peer, ...spoken(name).winnersFrames(...winners));
    }
    const late = peers[listenerOf('op-codes')]!;
    late.send(spoken('op-codes').batch(1, LORCA));
    await central.seen('bets-refused');
    expect(store.rows).toBe(bets.map(bet => rowOf(1, bet)).join(''));
  });

  test('hold one lottery in all dialects, at any cuts', async () => {
    const agencies = SPOKEN.map((_, index) => index + 1);
    const cuts = fc.tuple(...SPOKEN.map(() => places));
    // A failure prints its seed.
    await fc.assert(
      fc.asyncProperty(cuts, async placesOf => {
        const { central } = await openAll(agencies);
        const tell = async (index: number): Promise<void> => {
          const dialect = SPOKEN[index]!;
          const agency = index + 1;
          const bets = [LORCA, NANDU, SECOND].map(bet => ({
            ...bet,
            document: `${agency}${bet.document.slice(1)}`,
          }));
          const peer = await central.connect(index);
          const socket = await newest(central, peer);
          const upload = Buffer.concat([
            dialect.hello(agency),
            dialect.batch(agency, bets[0]!),
            dialect.batch(agency, bets[1]!, bets[2]!),
            dialect.allSent(agency),
          ]);
          for (const piece of cutAt(upload, placesOf[index]!)) {
            const sent = socket.bytesRead + piece.length;
            if (piece.length > 0) peer.send(piece);
            await until(() => socket.bytesRead >= sent, 'the bytes being read');
          }
          await expectHeard(peer, dialect.accepted(1), dialect.accepted(2), dialect.finished);
          await central.seen('draw-held');
          if (dialect.question !== undefined) peer.send(dialect.question(agency));
          const winners = [bets[0]!.document, bets[2]!.document];
          await expectHeard(peer, ...dialect.winnersFrames(...winners));
          peer.end();
          expect(await peer.rest()).toBe('');
        };
        await Promise.all(SPOKEN.map((_, index) => tell(index)));
        expect(central.lottery.betsInAll).toBe(3 * SPOKEN.length);
        expect([central.of('message-refused'), central.of('connection-cut')]).toEqual([[], []]);
        await central.stop();
      }),
      { numRuns: 25 },
    );
  });
});

/** The central's socket. */
async function newest(central: TestCentral, { socket }: Peer) {
  const find = () => central.sockets.find(({ remotePort }) => remotePort === socket.localPort);
  await until(() => find() !== undefined, 'the connection being accepted');
  return find()!;
}

describe('winners that a dialect cannot encode', () => {
  test.each(['4294967296', '007', '9999999999'])(
    'in push-codes (document %s) close the connection with a log line, without effect on others',
    async document => {
      const { central } = await openAll([1, 2]);
      const [tp0, pushCodes, csvFrames] = [
        spoken('tp0'),
        spoken('push-codes'),
        spoken('csv-frames'),
      ];
      const storing = await central.connect(listenerOf('tp0'));
      storing.send(Buffer.concat([tp0.hello(1), tp0.batch(1, { ...LORCA, document })]));
      await expectHeard(storing, tp0.accepted(1));
      const other = await central.connect(listenerOf('push-codes'));
      other.send(
        Buffer.concat([pushCodes.hello(2), pushCodes.batch(2, SECOND), pushCodes.allSent(2)]),
      );
      await expectHeard(other, pushCodes.accepted(1));
      const sameAgency = await central.connect(listenerOf('csv-frames'));
      sameAgency.send(Buffer.concat([csvFrames.hello(1), csvFrames.allSent(1)]));
      const peer = await central.connect(listenerOf('push-codes'));
      peer.send(Buffer.concat([pushCodes.hello(1), pushCodes.allSent(1)]));
      expect(await peer.rest()).toBe('');
      expect(central.of('message-refused')).toEqual([
        {
          event: 'message-refused',
          ip: '127.0.0.1',
          agency: 1,
          refusal: { code: 'malformed', detail: 'a document that is not the text of a u32' },
        },
      ]);
      peer.end();
      await expectHeard(other, ...pushCodes.winnersFrames(SECOND.document));
      await expectHeard(sameAgency, ...csvFrames.winnersFrames(document));
      storing.send(Buffer.concat([tp0.allSent(1), tp0.question!(1)]));
      await expectHeard(storing, tp0.finished, ...tp0.winnersFrames(document));
    },
  );

  test('in push-codes (more than a u16 counts) can be queried in another dialect', async () => {
    const { central } = await openAll([1]);
    const [tp0, pushCodes] = [spoken('tp0'), spoken('push-codes')];
    const documents = range(16_384).map(index => String(index + 1));
    const storing = await central.connect(listenerOf('tp0'));
    storing.send(tp0.hello(1));
    while (documents.length > 0) {
      const batch = documents.splice(0, 128).map(document => ({ ...LORCA, document }));
      storing.send(tp0.batch(1, ...batch));
      await expectHeard(storing, tp0.accepted(batch.length));
    }
    const peer = await central.connect(listenerOf('push-codes'));
    peer.send(Buffer.concat([pushCodes.hello(1), pushCodes.allSent(1)]));
    expect(await peer.rest()).toBe('');
    expect(central.of('message-refused').map(({ refusal }) => refusal)).toEqual([
      { code: 'malformed', detail: '16384 winners, more than one message can tell' },
    ]);
    storing.send(tp0.question!(1));
    await expectHeard(
      storing,
      ...tp0.winnersFrames(...range(16_384).map(index => String(index + 1))),
    );
  });
});

describe('check-win', () => {
  const checkWin = spoken('check-win');
  const index = listenerOf('check-win');

  test('does not store the batch again that an older client appends to its end', async () => {
    const { central, store } = await openAll([1]);
    const peer = await central.connect(index);
    const { fields } = CHECK_WIN.find(({ name }) => name === 'all sent, of an older client')!;
    peer.send(Buffer.concat([checkWin.batch(1, LORCA), Buffer.from(hexOf(fields), 'hex')]));
    await expectHeard(peer, checkWin.accepted(1));
    await central.seen('draw-held');
    expect(store.rows).toBe(rowOf(1, LORCA));
    expect(central.of('message-refused')).toEqual([]);
  });

  test('answers an early query and closes, even if the client does not', async () => {
    const { central } = await openAll([1], { lingerTimeoutMs: 50 });
    const asking = await central.connect(index);
    asking.send(checkWin.question!(1));
    expect(await asking.rest()).toBe(hexesOf(checkWin.notYet));
    // This side never closes, and the central does not wait for it.
    await central.seen('connection-closed');
    const peer = await central.connect(index);
    peer.send(Buffer.concat([checkWin.batch(1, LORCA), checkWin.allSent(1)]));
    await expectHeard(peer, checkWin.accepted(1));
    await central.seen('draw-held');
    const again = await central.connect(index);
    again.send(checkWin.question!(1));
    expect(await again.rest()).toBe(hexesOf(...checkWin.winnersFrames(LORCA.document)));
    expect([central.of('message-refused'), central.of('connection-cut')]).toEqual([[], []]);
  });
});

describe('op-codes', () => {
  const opCodes = spoken('op-codes');
  const index = listenerOf('op-codes');

  test('answers a batch, a query and the end of the bets of one chunk in order', async () => {
    const { central, store } = await openAll([1]);
    const peer = await central.connect(index);
    peer.send(Buffer.concat([opCodes.batch(1, LORCA), opCodes.question!(1), opCodes.allSent(1)]));
    await expectHeard(peer, opCodes.accepted(1), opCodes.notYet);
    await central.seen('draw-held');
    peer.send(opCodes.question!(1));
    await expectHeard(peer, ...opCodes.winnersFrames(LORCA.document));
    expect(peer.ended).toBe(false);
    expect(store.rows).toBe(rowOf(1, LORCA));
  });

  test('serves older clients: a connection per batch, one for END and query', async () => {
    const { central, store } = await openAll([1]);
    // More than an agency's limit of connections.
    const bets = range(20).map(turn => ({
      ...LORCA,
      document: String(100 + turn),
      number: String(turn),
    }));
    for (const [turn, bet] of bets.entries()) {
      const peer = await central.connect(index);
      peer.send(opCodes.batch(1, bet));
      await expectHeard(peer, opCodes.accepted(1));
      peer.end();
      expect(await peer.rest()).toBe('');
      await central.seen('connection-closed', turn + 1);
    }
    expect(store.rows).toBe(bets.map(bet => rowOf(1, bet)).join(''));
    const last = await central.connect(index);
    last.send(Buffer.concat([opCodes.allSent(1), opCodes.question!(1)]));
    const [notYet, none] = [hexesOf(opCodes.notYet), hexesOf(...opCodes.winnersFrames())];
    // The draw may happen between the two.
    const answer = await last.receive(4);
    expect([notYet, none.slice(0, 8)]).toContain(answer);
    await central.seen('draw-held');
    const asking = await central.connect(index);
    asking.send(opCodes.question!(1));
    await expectHeard(asking, ...opCodes.winnersFrames());
    expect(central.of('message-refused')).toEqual([]);
  });
});

describe('csv-frames', () => {
  const csvFrames = spoken('csv-frames');

  test('writes each frame by itself, also frames that are ready at the same time', async () => {
    const { central, store } = await openAll([1]);
    const peer = await central.connect(listenerOf('csv-frames'));
    const socket = await newest(central, peer);
    const writes: string[] = [];
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]): boolean => {
      writes.push(Buffer.from(args[0] as Uint8Array).toString('latin1'));
      return write(...args);
    };
    store.held = true;
    const bets = [LORCA, SECOND, { ...LORCA, document: '3' }];
    const batches = bets.map(bet => csvFrames.batch(1, bet));
    peer.send(Buffer.concat([csvFrames.hello(1), ...batches, csvFrames.allSent(1)]));
    await until(() => store.appended.length === bets.length, 'the batches waiting for the disk');
    store.open();
    const acknowledged = bets.map(() => csvFrames.accepted(1));
    const winners = csvFrames.winnersFrames(...bets.map(({ document }) => document));
    await expectHeard(peer, ...acknowledged, ...winners);
    expect(writes).toEqual([...acknowledged, ...winners].map(String));
  });
});
