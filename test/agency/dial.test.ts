import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Addresses } from '../../src/agency/addresses.ts';
import { BackOff } from '../../src/agency/back-off.ts';
import { type Connector, PLAIN } from '../../src/agency/connector.ts';
import { dial, type DialParts } from '../../src/agency/dial.ts';
import { AgencyError, Stopped } from '../../src/agency/errors.ts';
import { FakeCentral } from '../support/fake-central.ts';
import { freePort } from '../support/free-port.ts';
import { Events, failureOf, loopback } from './start-agency.ts';

function parts(
  port: number | readonly number[],
  overrides: Partial<DialParts> = {},
): DialParts & { events: Events } {
  const events = new Events();
  return {
    addresses: loopback(port),
    limits: { connectTimeoutMs: 5_000, handshakeTimeoutMs: 5_000 },
    maxElapsedMs: 0,
    stop: new AbortController().signal,
    emit: events.emit,
    now: () => performance.now(),
    random: () => 0.5,
    events,
    ...overrides,
  };
}

/** The error of a client without a server. */
const unreachable = (port: number | undefined, attempts: number): string =>
  `the central cannot be reached at 127.0.0.1, port ${port}, no server listens there (ECONNREFUSED), ` +
  `after ${attempts} attempts; server.address in config.yaml or CLI_SERVER_ADDRESS names it`;

describe('dial', () => {
  test('retries until the central listens, and reports each attempt', async () => {
    const port = await freePort();
    const { events, ...rest } = parts(port);
    const dialed = dial(rest);
    await events.until('connecting', 2);
    const central = await FakeCentral.listen(port);
    const socket = await dialed;
    onTestFinished(() => void socket.destroy());
    await central.accept();
    expect(events.all.slice(0, 2)).toEqual([
      {
        event: 'connecting',
        attempt: 1,
        waitMs: 100,
        error: 'no server listens there (ECONNREFUSED)',
      },
      {
        event: 'connecting',
        attempt: 2,
        waitMs: 200,
        error: 'no server listens there (ECONNREFUSED)',
      },
    ]);
  });

  test('gives up before a wait that would exceed retry.maxElapsed', async () => {
    const port = await freePort();
    let now = 0;
    const { events, ...rest } = parts(port, {
      maxElapsedMs: 1_000,
      // Each reading of the clock is 150 ms later: at the start, and after each attempt.
      now: () => (now += 150),
    });
    const error = await failureOf(dial(rest));
    expect(error).toBeInstanceOf(AgencyError);
    expect(error.message).toBe(unreachable(port, 4));
    // 150 + 100, 300 + 200, 450 + 400 are within 1,000 ms, 600 + 800 is not.
    expect(events.of('connecting').map(({ waitMs }) => waitMs)).toEqual([100, 200, 400]);
  });

  test('reports an unknown host name', async () => {
    const nowhere = { host: 'no-such-host.invalid', port: 1, text: 'no-such-host.invalid:1' };
    const error = await failureOf(
      dial(parts(1, { addresses: new Addresses([nowhere], 1), maxElapsedMs: 1 })),
    );
    expect(error.message).toMatch(
      /^the central cannot be reached at no-such-host\.invalid, port 1, .* \((ENOTFOUND|EAI_AGAIN)\), after 1 attempts; /,
    );
  });

  test('stops at once while connecting', async () => {
    const central = await FakeCentral.listen();
    const stopping = new AbortController();
    const dialed = failureOf(dial(parts(central.port, { stop: stopping.signal })));
    stopping.abort();
    expect(await dialed).toBeInstanceOf(Stopped);
  });
});

describe('dial with several servers', () => {
  test('tries each server at once, waits after a round and keeps the reachable one', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const { events, ...rest } = parts([first, second]);
    const dialed = dial(rest);
    await events.until('connecting', 4);
    const central = await FakeCentral.listen(second);
    const socket = await dialed;
    onTestFinished(() => void socket.destroy());
    await central.accept();
    expect(rest.addresses.current.port).toBe(second);
    const told = events
      .of('connecting')
      .map(({ attempt, waitMs, address }) => [attempt, waitMs, address]);
    expect(told.slice(0, 4)).toEqual([
      [1, 0, `127.0.0.1:${first}`],
      [2, 100, `127.0.0.1:${second}`],
      [3, 0, `127.0.0.1:${first}`],
      [4, 200, `127.0.0.1:${second}`],
    ]);
  });

  test('starts each round at the current server', async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    const { events, ...rest } = parts(ports, { addresses: loopback(ports, 3), random: () => 1e6 });
    const stopping = new AbortController();
    const dialed = failureOf(dial({ ...rest, stop: stopping.signal }));
    await events.until('connecting', 3);
    stopping.abort();
    expect(await dialed).toBeInstanceOf(Stopped);
    expect(events.of('connecting').map(({ address }) => address)).toEqual(
      [ports[2], ports[0], ports[1]].map(port => `127.0.0.1:${port}`),
    );
    expect(events.of('connecting').map(({ waitMs }) => waitMs > 0)).toEqual([false, false, true]);
  });

  test('shares one time limit among all servers', async () => {
    const ports = [await freePort(), await freePort()];
    let now = 0;
    const { events, ...rest } = parts(ports, { maxElapsedMs: 1_000, now: () => (now += 150) });
    const error = await failureOf(dial(rest));
    expect(error.message).toBe(unreachable(ports[1], 6));
    expect(events.of('connecting').map(({ waitMs }) => waitMs)).toEqual([0, 100, 0, 200, 0]);
  });

  test('stops at once between two servers', async () => {
    const central = await FakeCentral.listen();
    const stopping = new AbortController();
    const { events, ...rest } = parts([await freePort(), central.port]);
    const dialed = failureOf(
      dial({
        ...rest,
        stop: stopping.signal,
        emit: event => {
          events.emit(event);
          stopping.abort();
        },
      }),
    );
    expect(await dialed).toBeInstanceOf(Stopped);
    expect(events.of('connecting')).toHaveLength(1);
    expect(central.conversations).toEqual([]);
  });
});

describe('BackOff', () => {
  test('keeps a first wait above the ceiling', () => {
    const backOff = new BackOff({ firstMs: 30_000, ceilingMs: 10_000, random: () => 0.5 });
    expect([backOff.next(), backOff.next()]).toEqual([30_000, 30_000]);
  });
});

describe('dial to a host with two addresses', () => {
  /** A host name that resolves to `hosts`, in this order. */
  function resolvingTo(...hosts: readonly string[]): Connector {
    const found = hosts.map(address => ({ address, family: 4 }));
    return {
      ...PLAIN,
      open: to =>
        connect({
          ...to,
          host: 'central.test',
          lookup: (_name, _options, tell) => tell(null, found),
        }),
    };
  }

  /**
   * A listener that accepts no connection until it is resumed: its process is stopped, and its
   * backlog is full. The system retransmits the first packet of a connection after a second.
   */
  async function busyListener(): Promise<{ port: number; resume: () => void }> {
    const script =
      "const s = require('net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(String(line));
    child.kill('SIGSTOP');
    for (let turn = 0; turn < 2; turn += 1) {
      const filler = connect(port, '127.0.0.1').on('error', () => {});
      onTestFinished(() => void filler.destroy());
      await once(filler, 'connect');
    }
    return { port, resume: () => child.kill('SIGCONT') };
  }

  test('waits for a slow first address longer than Node does by default', async context => {
    if (process.platform !== 'linux') context.skip('a full queue of connections is that of Linux');
    const { port, resume } = await busyListener();
    const { events, ...rest } = parts(port, { connector: resolvingTo('127.0.0.1', '127.0.0.2') });
    const dialed = dial(rest);
    setTimeout(resume, 400);
    const socket = await dialed;
    onTestFinished(() => void socket.destroy());
    expect(socket.remoteAddress).toBe('127.0.0.1');
    expect(events.all).toEqual([]);
  });

  test('tries the second address after the timeout of the first', async context => {
    if (process.platform !== 'linux') context.skip('a full queue of connections is that of Linux');
    const { port } = await busyListener();
    const other = createServer().listen(port, '127.0.0.2');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const connector = resolvingTo('127.0.0.1', '127.0.0.2');
    const { events, ...rest } = parts(port, {
      connector,
      limits: { connectTimeoutMs: 300, handshakeTimeoutMs: 300 },
    });
    const socket = await dial(rest);
    onTestFinished(() => void socket.destroy());
    expect(socket.remoteAddress).toBe('127.0.0.2');
    expect(events.all).toEqual([]);
  });

  test('tries the second address at once when the first refuses', async () => {
    const central = await FakeCentral.listen();
    const connector = resolvingTo('127.0.0.2', '127.0.0.1');
    const { events, ...rest } = parts(central.port, { connector });
    const socket = await dial(rest);
    onTestFinished(() => void socket.destroy());
    expect(socket.remoteAddress).toBe('127.0.0.1');
    expect(events.all).toEqual([]);
  });
});
