import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Listener, type ListenerParts } from '../../src/central/listener.ts';
import { OpenConnections } from '../../src/central/open-connections.ts';
import type { CentralEvent } from '../../src/observe/events.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { bet, conn, END, GWIN, nbet, NOK, OK } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';

const BUSY = Buffer.from('busy');

/** A listener whose connections have no session. */
function parts(changes: Partial<ListenerParts> = {}): ListenerParts & { events: CentralEvent[] } {
  const events: CentralEvent[] = [];
  return {
    name: 'silent',
    host: '127.0.0.1',
    port: 0,
    backlog: 5,
    open: new OpenConnections(DEFAULT_LIMITS),
    limits: { ...DEFAULT_LIMITS, lingerTimeoutMs: 50 },
    emit: event => void events.push(event),
    serve: socket => ({
      closed: new Promise(resolve => {
        socket.on('close', () => resolve());
        socket.on('error', () => {});
        socket.resume();
      }),
      bufferedBytes: 0,
      cutForMemory() {},
      checkDeadlines() {},
      stop: () => void socket.end(),
      destroy: () => void socket.destroy(),
    }),
    turnAway: () => [BUSY],
    ...changes,
    events,
  };
}

async function open(changes: Partial<ListenerParts> = {}) {
  const made = parts(changes);
  const listener = await Listener.open(made);
  onTestFinished(() => listener.stop());
  return { listener, events: made.events };
}

/** The error code of connecting, or `connected`. */
function connectingTo(port: number): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    socket.on('connect', () => resolve('connected'));
    socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message));
  });
}

describe('opening a listener', () => {
  test('on port 0 takes a free port and reports it', async () => {
    const { listener, events } = await open();
    expect(listener.port).toBeGreaterThan(0);
    expect(events).toEqual([
      { event: 'listening', dialect: 'silent', address: '127.0.0.1', port: listener.port },
      { event: 'accepting' },
    ]);
    expect(await connectingTo(listener.port)).toBe('connected');
  });

  test('on every interface logs the addresses of IPv4 peers in dotted form', async () => {
    const { listener, events } = await open({ host: undefined });
    expect(events[0]).toMatchObject({ event: 'listening', address: 'every interface' });
    await connectRaw(listener.port);
    await until(() => events.length === 4, 'the connection being accepted');
    expect(events.slice(2)).toEqual([
      { event: 'connection-accepted', ip: '127.0.0.1' },
      { event: 'accepting' },
    ]);
  });

  test('on an address of another machine fails and names it', async () => {
    // 192.0.2.0/24 is for documentation: no machine has it.
    await expect(Listener.open(parts({ host: '192.0.2.1' }))).rejects.toThrow(
      'SERVER_HOST 192.0.2.1 is no address of this machine',
    );
  });
});

describe('connections over the limit', () => {
  test('are refused with the reason, or dropped when too many refusals are pending', async () => {
    const limits = { ...DEFAULT_LIMITS, connectionsMax: 1, lingerTimeoutMs: 60_000 };
    const { listener, events } = await open({ limits });
    await connectRaw(listener.port);
    // One at a time: more than the backlog at once would be delayed by the network.
    const turnedAway: Socket[] = [];
    while (turnedAway.length < 256) turnedAway.push(await connectRaw(listener.port));
    for (const socket of turnedAway) socket.resume();
    await until(() => turnedAway.every(socket => socket.readableEnded), 'the end of all of them');
    expect(turnedAway.map(socket => socket.bytesRead)).toEqual(Array(256).fill(BUSY.length));
    expect(events.filter(({ event }) => event === 'connection-refused')).toHaveLength(256);
    const dropped = await connectRaw(listener.port);
    dropped.resume();
    await until(
      () => dropped.readableEnded || dropped.destroyed,
      'the end of the dropped connection',
    );
    expect(dropped.bytesRead).toBe(0);
    expect(events.filter(({ event }) => event === 'connection-accepted')).toHaveLength(257);
  });
});

describe('stopping', () => {
  test('refuses new connections, closes the open ones and logs the listener last', async () => {
    const central = await TestCentral.open();
    const peers = [await central.agency(1), await central.agency(2), await central.connect()];
    await central.seen('connection-accepted', 3);
    const { port } = central;
    const stopped = central.stop();
    expect(await connectingTo(port)).toBe('ECONNREFUSED');
    for (const peer of peers) {
      expect(await peer.rest()).toBe('');
      peer.end();
    }
    await stopped;
    const ends = central.events.filter(({ event }) => /closed|cut|error/.test(event));
    expect(ends.map(({ event }) => event)).toEqual([
      'connection-closed',
      'connection-closed',
      'connection-closed',
      'timer-closed',
      'listener-closed',
    ]);
    expect(ends.at(-1)).toEqual({ event: 'listener-closed', port });
  });

  test('does not process a message that waits for pending replies', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ agencies: [1], store });
    const peer = await central.agency(1);
    peer.send(Buffer.concat([nbet(bet(1)), END, GWIN]));
    await until(() => store.appended.length === 1, 'a batch at the store');
    const stopped = central.stop();
    store.letIn();
    expect(await peer.rest()).toBe(OK);
    peer.end();
    await stopped;
    expect(central.of('agency-finished')).toEqual([]);
    expect(central.of('draw-held')).toEqual([]);
  });

  test('discards a partial message without waiting for the rest', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const peer = await central.agency(1);
    const batch = nbet(bet(1));
    const before = central.sockets[0]!.bytesRead;
    peer.send(batch.subarray(0, 30));
    await until(
      () => central.sockets[0]!.bytesRead === before + 30,
      'a part of a batch being read',
    );
    const stopped = central.stop();
    expect(await peer.rest()).toBe('');
    peer.send(batch.subarray(30));
    peer.end();
    await stopped;
    expect(store.appended).toEqual([]);
    expect(central.of('connection-cut')).toEqual([]);
    expect(central.of('connection-error')).toEqual([]);
  });

  test('takes bounded time with peers that never close', async () => {
    const central = await TestCentral.open({ limits: { lingerTimeoutMs: 50 } });
    const silent = [await central.agency(1), await central.connect(), await central.agency(2)];
    silent[2]!.send(nbet(bet(1)).subarray(0, 20));
    const startedAt = performance.now();
    await central.stop();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(central.of('connection-closed')).toHaveLength(3);
    for (const peer of silent) expect(await peer.rest()).toBe('');
  });

  test('takes bounded time with a store that never answers', async () => {
    const store = new GatedStore({ held: true });
    const central = await TestCentral.open({ store, limits: { stopTimeoutMs: 50 } });
    const peer = await central.agency(1);
    peer.send(nbet(bet(1)));
    await until(() => store.appended.length === 1, 'a batch at the store');
    const startedAt = performance.now();
    await central.stop();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(central.of('connection-closed')).toHaveLength(1);
    expect(await peer.rest()).toBe('');
    // Later results of the store have no effect.
    store.letIn();
    await until(() => central.of('batch-stored').length === 1, 'the batch being durable');
  });

  test('takes bounded time with a peer that sends endlessly and reads nothing', async () => {
    const central = await TestCentral.open({ limits: { lingerTimeoutMs: 50, stopTimeoutMs: 500 } });
    const peer = await connectRaw(central.port);
    const block = Buffer.concat(Array.from({ length: 1000 }, (_, index) => nbet(bet(index))));
    peer.write(conn(1));
    const send = (): void => {
      while (!peer.destroyed && peer.write(block));
    };
    peer.on('drain', send);
    send();
    await central.seen('batch-stored', 2000);
    await central.stop();
    expect(central.of('connection-closed')).toHaveLength(1);
  });

  test('takes bounded time with refused connections that never close', async () => {
    const central = await TestCentral.open({ limits: { connectionsMax: 1, lingerTimeoutMs: 50 } });
    await central.agency(1);
    const turnedAway = await central.connect();
    expect(await turnedAway.rest()).toBe(NOK);
    const startedAt = performance.now();
    await central.stop();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(central.of('listener-closed')).toHaveLength(1);
  });

  test('leaks no connection that is accepted at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const central = await TestCentral.open({ limits: { lingerTimeoutMs: 20 } });
      const connecting = Promise.allSettled(Array.from({ length: 5 }, () => central.connect()));
      await central.stop();
      await connecting;
      expect(central.of('connection-closed')).toHaveLength(
        central.of('connection-accepted').length,
      );
      expect(central.sockets.every(socket => socket.destroyed)).toBe(true);
    }
  });
});
