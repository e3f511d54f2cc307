import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Limits } from '../../src/wire/limits.ts';
import {
  bet,
  conn,
  END,
  GWIN,
  helo,
  nbet,
  NEND,
  NOK,
  OK,
  sbet,
  WAIT,
  welc,
} from '../support/base-frames.ts';
import { drawnBy, finishedBy, GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral, type TestCentralOptions } from '../support/test-central.ts';
import { ManualClock, until } from '../support/until.ts';
import { EXPIRED, NOT_YET_VALID, pem, type Pem, signed, VALID } from '../support/certificates.ts';
import { Peer } from '../support/peer.ts';

const trusted = await signed();

const MUTUAL = { identity: trusted.server, clientAuthority: trusted.ca };

const open = (options: TestCentralOptions = {}): Promise<TestCentral> =>
  TestCentral.open({ tls: MUTUAL, ...options });

/** A TLS connection, with or without an agency's certificate. */
async function securely(
  { port }: TestCentral,
  identity?: Pem,
  options: ConnectionOptions = {},
): Promise<{ peer: Peer; socket: TLSSocket }> {
  const socket = connect({ port, host: '127.0.0.1', ca: trusted.ca, ...identity, ...options });
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return { peer: new Peer(socket), socket };
}

/** Events of failed handshakes. */
const failures = (central: TestCentral): string[] =>
  central.of('handshake-failed').map(({ error }) => error);

/** Expects that a served agency stores a bet meanwhile. */
async function expectServed(central: TestCentral, document: number): Promise<void> {
  const { peer } = await securely(central, await trusted.agency(1));
  peer.send(Buffer.concat([conn(1), nbet(bet(document))]));
  expect(await peer.receive(4)).toBe(OK);
  peer.end();
  await peer.rest();
}

describe('mutual TLS (TLS_CLIENT_CA)', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'serves the agency of the certificate over %s',
    async version => {
      const central = await open();
      const identity = await trusted.agency(2);
      const { peer } = await securely(central, identity, {
        minVersion: version,
        maxVersion: version,
      });
      peer.send(Buffer.concat([helo(2), sbet(1, bet(10))]));
      expect(await peer.frames(2)).toEqual([welc(1), 'OK']);
      expect(central.of('handshake-done')).toEqual([
        { event: 'handshake-done', ip: '127.0.0.1', protocol: version, agency: 2 },
      ]);
    },
  );

  test.each([
    ['HELO', helo(1), ['FAIL unauthorized|1|the certificate speaks for agency 2']],
    ['CONN', Buffer.concat([conn(1), GWIN]), ['NOK']],
  ])('refuses another agency than that of the certificate in %s', async (_, said, answer) => {
    const central = await open();
    const { peer } = await securely(central, await trusted.agency(2));
    peer.send(said);
    expect(await peer.lastFrames()).toEqual(answer);
    expect(central.of('message-refused').map(({ refusal }) => refusal)).toEqual([
      { code: 'unauthorized', detail: 'the certificate speaks for agency 2' },
    ]);
    expect(central.of('agency-identified')).toEqual([]);
    await expectServed(central, 10);
  });

  test.each([
    ['no certificate', async () => undefined, 'no certificate was shown'],
    ['an expired certificate', () => trusted.agency(1, EXPIRED), 'the certificate has expired'],
    [
      'a certificate that is not valid yet',
      () => trusted.agency(1, NOT_YET_VALID),
      'the certificate is not valid yet',
    ],
    [
      'a certificate of another authority',
      async () => (await signed()).agency(1),
      'the certificate is not signed by the authority of TLS_CLIENT_CA',
    ],
    [
      'a certificate of another authority with the same name',
      async () => (await signed('test')).agency(1),
      'the certificate is not signed by the authority of TLS_CLIENT_CA',
    ],
    [
      'a server certificate',
      async () => pem(await trusted.authority.issueServer(['agency-1'], VALID)),
      'the certificate is not one for clients',
    ],
    [
      'a certificate of agency 0',
      () => trusted.agency(0),
      'the certificate names no agency, CN=agency-N is expected',
    ],
    [
      'a certificate of an agency id out of range',
      () => trusted.agency(65_536),
      'the certificate names no agency, CN=agency-N is expected',
    ],
  ])('refuses a peer with %s, with the reason', async (_, show, why) => {
    const central = await open();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { peer } = await securely(central, await show(), { maxVersion: version });
      peer.send(Buffer.concat([helo(1), sbet(1, bet(10)), END]));
      expect(await peer.lastFrames()).toEqual([`FAIL unauthorized|1|${why}`]);
      peer.end();
    }
    const base = await securely(central, await show());
    base.peer.send(Buffer.concat([conn(1), nbet(bet(10)), END]));
    expect(await base.peer.rest()).toBe(NOK);
    expect(failures(central)).toEqual([why, why, why]);
    expect(central.of('batch-stored')).toEqual([]);
    expect(central.of('agency-identified')).toEqual([]);
    expect(central.of('agency-finished')).toEqual([]);
    await expectServed(central, 11);
  });

  test('cuts a silent peer without a certificate', async () => {
    const central = await open({ limits: { firstMessageTimeoutMs: 1_000 } });
    const { peer } = await securely(central);
    expect(await peer.rest()).toBe(NOK);
    expect(failures(central)).toEqual(['no certificate was shown']);
  });
});

describe('a failed handshake', () => {
  test.each([
    ['a message of the protocol', conn(1)],
    ['zero bytes', Buffer.alloc(64)],
  ])(
    '(%s in place of TLS) is logged with the reason, and the connection closed',
    async (_, said) => {
      const central = await open();
      const socket = await connectRaw(central.port);
      socket.end(said);
      await central.seen('connection-closed');
      expect(failures(central)).toEqual(['what the peer says is not TLS']);
      await expectServed(central, 10);
    },
  );

  test('in TLS 1.1 is logged with the reason', async () => {
    const central = await open();
    const options = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    } as const;
    await expect(securely(central, undefined, options)).rejects.toThrow(/protocol version/);
    await central.seen('connection-closed');
    expect(failures(central)).toEqual(['the peer speaks no TLS from 1.2 on']);
  });

  test('after a half-close is logged with the reason', async () => {
    const central = await open();
    const socket = await connectRaw(central.port);
    socket.end('16030100', 'hex');
    await central.seen('connection-closed');
    expect(failures(central)).toEqual(['the peer ended the connection']);
  });

  test('after a connection reset is logged with the reason', async () => {
    const central = await open();
    const socket = await connectRaw(central.port);
    socket.write('16030100', 'hex');
    await delay(20);
    socket.resetAndDestroy();
    await central.seen('connection-closed');
    expect(failures(central)).toEqual(['the peer ended the connection']);
  });

  test('that takes too long is logged with the reason, however its bytes arrive', async () => {
    const clock = new ManualClock();
    const limits: Partial<Limits> = { handshakeTimeoutMs: 10_000, lingerTimeoutMs: 50 };
    const central = await open({ limits, now: clock.now });
    const socket = await connectRaw(central.port);
    await central.seen('connection-accepted');
    for (const byte of [0x16, 0x03, 0x01]) {
      socket.write(Buffer.of(byte));
      await clock.advance(3_000);
    }
    expect(failures(central)).toEqual([]);
    clock.time += 1_000;
    await central.seen('connection-closed');
    expect(failures(central)).toEqual(['not done within 10000 ms']);
  });

  test('is not logged for a silent connection, as of a probe', async () => {
    const central = await open();
    (await connectRaw(central.port)).end();
    await central.seen('connection-closed');
    expect(failures(central)).toEqual([]);
  });
});

describe('a connection over TLS', () => {
  test('has its first-message limit from the end of the handshake', async () => {
    const clock = new ManualClock();
    const central = await open({
      limits: { firstMessageTimeoutMs: 10_000, lingerTimeoutMs: 50 },
      now: clock.now,
    });
    const raw = await connectRaw(central.port);
    await central.seen('connection-accepted');
    await clock.advance(6_000);
    const { peer } = await securely(central, await trusted.agency(1), { socket: raw });
    await central.seen('handshake-done');
    await clock.advance(9_999);
    expect(central.of('connection-cut')).toEqual([]);
    clock.time += 1;
    expect(await peer.rest()).toBe(NOK);
    expect(central.cutReasons).toEqual(['first-message-timeout']);
  });

  test('counts towards the connection limit from its accept', async () => {
    const central = await open({ limits: { connectionsMax: 1 } });
    const silent = await connectRaw(central.port);
    await central.seen('connection-accepted');
    await expect(securely(central, await trusted.agency(1))).rejects.toThrow(
      /before secure TLS connection/,
    );
    expect(central.of('connection-refused').map(({ refusal }) => refusal.code)).toEqual(['busy']);
    silent.destroy();
    await until(() => central.of('connection-closed').length === 2, 'both being closed');
    await expectServed(central, 10);
  });

  test('is answered completely after a half-close', async () => {
    const store = new GatedStore({ held: true });
    const central = await open({ store });
    const { peer, socket } = await securely(central, await trusted.agency(1), {
      allowHalfOpen: true,
    } as object);
    for (let seq = 1; seq <= 3; seq += 1)
      peer.send(seq === 1 ? Buffer.concat([helo(1), sbet(1, bet(1))]) : sbet(seq, bet(seq)));
    socket.end();
    await until(() => store.appended.length === 3, 'three batches');
    store.open();
    expect(await peer.lastFrames()).toEqual([welc(1), 'OK', 'OK', 'OK']);
    await central.seen('connection-closed');
    expect(central.of('connection-error')).toEqual([]);
  });

  test('that ends within a message is cut as truncated', async () => {
    const central = await open();
    const { peer } = await securely(central, await trusted.agency(1));
    peer.send(Buffer.concat([conn(1), nbet(bet(1)).subarray(0, 20)]));
    peer.end();
    await central.seen('connection-closed');
    expect(central.cutReasons).toEqual(['truncated']);
  });

  test.each([
    ['is cut when the peer does not read its replies', { unreadTimeoutMs: 200 }, 'unread-answers'],
    ['is cut when it exceeds the buffer limit', { bufferedBytesMax: 100_000 }, 'too-much-held'],
  ])('%s', async (_, limits, reason) => {
    const store = new GatedStore();
    const central = await open({ limits, store });
    const winners = Array<string>(100_000).fill('1234567');
    for (const fact of [finishedBy(1), finishedBy(2), drawnBy('theirs', winners)])
      store.tellOfAnother(fact);
    const { socket } = await securely(central, await trusted.agency(1));
    socket.pause();
    // Answers that exceed the buffers of both sides.
    socket.write(Buffer.concat([conn(1), ...Array<Buffer>(50).fill(GWIN)]));
    await central.seen('connection-closed');
    expect(central.cutReasons).toEqual([reason]);
    const other = await securely(central, await trusted.agency(2));
    other.peer.send(Buffer.concat([conn(2), GWIN]));
    expect(await other.peer.frame()).toBe('RWIN 0|');
  });

  test('carries messages longer than a TLS record', async () => {
    const central = await open({ limits: { payloadBytesMax: 1_048_576 } });
    const { peer } = await securely(central, await trusted.agency(1));
    const bets = Array.from({ length: 10_000 }, (_, index) => bet(index));
    peer.send(conn(1));
    for (let sent = 0; sent < 4; sent += 1) peer.send(nbet(...bets));
    expect(await peer.receive(16)).toBe(OK.repeat(4));
    peer.send(GWIN);
    expect(await peer.receive(4)).toBe(NEND);
  });
});

describe('a stopping TLS server (P8)', () => {
  test('answers what it has accepted, and closes cleanly', async () => {
    const store = new GatedStore({ held: true });
    const central = await open({ store });
    const { peer } = await securely(central, await trusted.agency(1));
    peer.send(Buffer.concat([helo(1), sbet(1, bet(1)), sbet(2, bet(2))]));
    await until(() => store.appended.length === 2, 'two batches');
    const stopped = central.stop();
    store.open();
    expect(await peer.lastFrames()).toEqual([welc(1), 'OK', 'OK']);
    peer.end();
    await stopped;
    expect(central.of('connection-error')).toEqual([]);
    expect(central.of('listener-closed')).toHaveLength(1);
  });

  test('notifies agencies that wait for the draw, and waits for no handshake', async () => {
    const central = await open();
    const { peer } = await securely(central, await trusted.agency(1));
    peer.send(Buffer.concat([helo(1), END, WAIT]));
    expect(await peer.frames(2)).toEqual([welc(1), 'OK']);
    const silent = await connectRaw(central.port);
    await central.seen('connection-accepted', 2);
    const stopped = central.stop();
    expect(await peer.lastFrames()).toEqual(['FAIL closing|1|the server stops']);
    peer.end();
    await stopped;
    expect(failures(central)).toEqual([]);
    silent.destroy();
  });
});
