import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LinkEvent, LinkPlan } from '../../src/check/proxy-control.ts';
import { Proxy } from '../../src/check/proxy.ts';

interface Wire {
  readonly proxy: Proxy;
  readonly client: Socket;
  /** Chunks that the server has read. */
  readonly chunks: Buffer[];
  /** The server's socket, once there is one. */
  readonly accepted: Promise<Socket>;
  readonly hasServer: () => boolean;
}

/** A client and a server, connected through the proxy. */
async function openWire(plan: LinkPlan): Promise<Wire> {
  const chunks: Buffer[] = [];
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  let hasServer = false;
  const accepted = once(server, 'connection').then(([socket]) => {
    hasServer = true;
    return (socket as Socket).on('data', chunk => chunks.push(chunk)).on('error', () => {});
  });
  await once(server, 'listening');
  const proxy = new Proxy({ now: () => performance.now(), clientOf: () => 3 });
  proxy.setTarget({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  await proxy.plan(plan);
  const client = connect({
    port: await proxy.listen('127.0.0.1'),
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  client.on('error', () => {});
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
    server.close();
  });
  await once(client, 'connect');
  return { proxy, client, chunks, accepted, hasServer: () => hasServer };
}

/** Whether an error closed it. */
const closeOf = (socket: Socket): Promise<boolean> =>
  new Promise(resolve => socket.once('close', resolve));

const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();

const kindsOf = (events: readonly LinkEvent[]): string[] =>
  events.map(({ kind, direction }) => (direction === undefined ? kind : `${kind} ${direction}`));

describe('Proxy', () => {
  test('passes bytes in both directions and records their sender', async () => {
    const { proxy, client, accepted, chunks } = await openWire({});
    client.end('¿quién ganó?');
    const server = await accepted;
    await once(server, 'end');
    server.end('nadie');
    const [answer] = await once(client, 'data');
    expect(String(answer)).toBe('nadie');
    expect(textOf(chunks)).toBe('¿quién ganó?');
    await expect
      .poll(() => kindsOf(proxy.events))
      .toEqual([
        'open',
        'data up',
        'end up',
        'data down',
        'end down',
        expect.stringMatching(/^close /),
      ]);
    expect(proxy.events.every(event => event.client === 3 && event.connection === 1)).toBe(true);
  });

  const SHAPES = [
    { kind: 'bytes', byteCount: 1_000 },
    { kind: 'random', seed: 7, lengthMax: 5 },
    { kind: 'coalesce', quietMs: 20 },
    { kind: 'delay', delayMs: 30 },
    { kind: 'slow-reader', pauseMs: 20 },
  ] as const;

  test.each(SHAPES)('delivers all bytes unchanged with the shape $kind', async up => {
    const { client, accepted, chunks } = await openWire({ up });
    const said = 'Ñandú '.repeat(40);
    client.write(said.slice(0, 100));
    await pause(5);
    client.end(said.slice(100));
    await once(await accepted, 'end');
    expect(textOf(chunks)).toBe(said);
  });

  test('delivers the bytes one by one', async () => {
    const { client, accepted, chunks } = await openWire({ up: { kind: 'bytes', byteCount: 100 } });
    client.end('x'.repeat(60));
    await once(await accepted, 'end');
    // On a busy machine, a read sometimes returns two.
    expect(chunks.length).toBeGreaterThan(20);
  });

  test('holds the stream after some bytes until it is released', async () => {
    const { proxy, client, accepted, chunks } = await openWire({
      up: { kind: 'pass' },
      stop: { direction: 'up', afterBytes: 4, action: 'hold' },
    });
    client.write('0123456789');
    await accepted;
    await expect.poll(() => textOf(chunks)).toBe('0123');
    await pause(50);
    expect(textOf(chunks)).toBe('0123');
    await proxy.release(3);
    await expect.poll(() => textOf(chunks)).toBe('0123456789');
  });

  test('ends both sides in the middle of a message', async () => {
    const { client, accepted, chunks } = await openWire({
      stop: { direction: 'up', afterBytes: 4, action: 'end' },
    });
    const ended = once(client.resume(), 'end');
    client.write('0123456789');
    await Promise.all([once(await accepted, 'end'), ended]);
    expect(textOf(chunks)).toBe('0123');
  });

  test('resets both sides in the middle of a message', async () => {
    const { proxy, client, accepted, chunks } = await openWire({
      stop: { direction: 'up', afterBytes: 4, action: 'cut' },
    });
    const closed = closeOf(client);
    client.write('0123456789');
    expect(await closeOf(await accepted)).toBe(true);
    await closed;
    expect(textOf(chunks)).toBe('0123');
    await expect.poll(() => kindsOf(proxy.events).at(-1)).toMatch(/^close/);
  });

  test('delays the connection to the server until it is released', async () => {
    const { proxy, client, accepted, chunks, hasServer } = await openWire({ holdConnect: true });
    client.write('hola');
    await pause(50);
    expect(hasServer()).toBe(false);
    await proxy.release(3);
    await accepted;
    await expect.poll(() => textOf(chunks)).toBe('hola');
  });

  test('forwards a reset', async () => {
    const { client, accepted } = await openWire({});
    client.write('hola');
    const server = await accepted;
    await once(server, 'data');
    client.resetAndDestroy();
    expect(await closeOf(server)).toBe(true);
  });
});
