import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CONNECTIONS_MAX, LIVE_READERS_MAX } from '../../src/http/limits.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { until } from '../support/until.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { agencyWith, Page, statusWith, TestOperator } from './operator.ts';

const betsOf = (count: number) =>
  statusWith({ bets: count, agencies: [agencyWith({ bets: count })] });

/** Makes a snapshot larger than any system's buffers. */
const HUGE = statusWith({
  agencies: Array.from({ length: 200_000 }, (_, agency) => agencyWith({ agency })),
});

describe('the live stream', () => {
  test('begins with a snapshot, and sends one a second while something changes', async () => {
    const operator = await TestOperator.open();
    operator.serve();
    const { response, snapshots } = await Page.open(operator.url);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await until(() => snapshots.length === 1, 'the first snapshot');
    for (const bets of [130, 260, 390]) {
      operator.status = betsOf(bets);
      await until(() => snapshots.at(-1)!.bets === bets, `${bets} bets on the page`);
    }
    const last = snapshots.at(-1)!;
    expect(last.betsPerSecond).toBeGreaterThan(0);
    expect(last.agencies[0]).toMatchObject({ id: 1, bets: 390, betsPerSecond: last.betsPerSecond });
    expect(last.history.reduce((sum, { bets }) => sum + bets, 0)).toBe(390);
    const seconds = last.history.map(({ second }) => second);
    expect(seconds).toEqual(seconds.map((_, index) => seconds[0]! + index));
  });

  test('sends only a heartbeat while nothing changes', async () => {
    const operator = await TestOperator.open();
    operator.serve();
    const { snapshots } = await Page.open(operator.url);
    await until(() => snapshots.length === 1, 'the first snapshot');
    await pause(2500);
    expect(snapshots).toHaveLength(1);
    operator.aheadMs = 15_000;
    await until(() => snapshots.length === 2, 'a heartbeat');
  });

  test('sends one a second while it counts down to a draw', async () => {
    const operator = await TestOperator.open();
    const time = '2026-11-21T12:00:00.000Z';
    const acta = { number: 1, time, text: 'acta', sha256: 'ab', waitsFor: { until: time } };
    operator.status = statusWith({ state: 'closed', acta });
    operator.serve();
    const { snapshots } = await Page.open(operator.url);
    await until(() => snapshots.length === 3, 'two snapshots after the first');
  });

  test('ends with the state of a stopping server', async () => {
    const operator = await TestOperator.open();
    operator.serve();
    const { snapshots, ended } = await Page.open(operator.url);
    await until(() => snapshots.length === 1, 'the first snapshot');
    operator.monitor.onEvent({ event: 'stopping', signal: 'SIGTERM' });
    await operator.stop();
    await ended;
    expect(snapshots.at(-1)).toMatchObject({
      state: 'stopping',
      ready: { ok: false, reason: 'stopping' },
    });
  });

  test('has a history without gaps while the clock is set back', async () => {
    const operator = await TestOperator.open();
    operator.serve();
    const { snapshots } = await Page.open(operator.url);
    for (const bets of [100, 200, 300]) {
      operator.status = betsOf(bets);
      await until(() => snapshots.at(-1)?.bets === bets, `${bets} bets on the page`);
      operator.setMs -= 40_500;
    }
    operator.status = betsOf(301);
    await until(() => snapshots.at(-1)!.bets === 301, 'a bet after the last jump');
    const { history, time } = snapshots.at(-1)!;
    expect(history.map(({ bets }) => bets)).toEqual([100, 100, 100, 1]);
    expect(Math.abs(history.at(-1)!.second * 1000 - Date.parse(time))).toBeLessThan(2500);
  });

  test('has a limited number of readers; a disconnect frees a place', async () => {
    const operator = await TestOperator.open();
    const readers = await Promise.all(
      Array.from({ length: LIVE_READERS_MAX }, async () => {
        const socket = await connectRaw(operator.port);
        socket.write('GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n');
        await new Promise(resolve => socket.once('data', resolve));
        return socket;
      }),
    );
    const refused = await operator.get('live');
    expect([refused.status, await refused.text()]).toEqual([503, 'too many pages are open\n']);
    expect((await operator.get('healthz')).status).toBe(200);
    readers[0]!.destroy();
    const retry = async (): Promise<number> => {
      const { status, body } = await operator.get('live');
      await body?.cancel();
      return status;
    };
    await expect.poll(retry).toBe(200);
  });

  test('and slow peers do not keep out probes and scrapers', async () => {
    const operator = await TestOperator.open();
    operator.serve();
    const open = async (count: number, says: string) => {
      const sockets = await Promise.all(
        Array.from({ length: count }, () => connectRaw(operator.port)),
      );
      for (const socket of sockets) socket.write(says);
      return sockets;
    };
    const request = (path: string): string => `GET /${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const streams = await open(LIVE_READERS_MAX, request('live'));
    for (const stream of streams) await once(stream, 'data');
    // No request, an incomplete request, and an unread answer.
    await open(CONNECTIONS_MAX, '');
    await open(CONNECTIONS_MAX, 'GET /healthz HTTP/1.1\r\nHo');
    operator.status = statusWith({
      agencies: Array.from({ length: 20_000 }, (_, agency) => agencyWith({ agency })),
    });
    await open(CONNECTIONS_MAX / 4, request('snapshot.json'));
    for (const path of ['healthz', 'readyz', 'metrics'])
      expect((await operator.get(path)).status).toBe(200);
    expect((await operator.get('live')).status).toBe(503);
    expect(streams.filter(stream => stream.readableEnded)).toEqual([]);
  });

  test('disconnects a reader that does not read, and serves the others', async () => {
    const operator = await TestOperator.open();
    operator.status = HUGE;
    operator.serve();
    const slow = await connectRaw(operator.port);
    let closed = false;
    for (const event of ['end', 'close']) slow.on(event, () => (closed = true));
    slow.pause();
    slow.write('GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await pause(1500);
    operator.status = statusWith();
    const page = await Page.open(operator.url);
    await until(() => page.snapshots.length === 1, 'the first snapshot of another page');
    operator.aheadMs = 10_000;
    await pause(1500);
    // A paused socket does not report its end.
    slow.resume();
    await until(() => closed, 'the slow reader being dropped');
    operator.status = betsOf(1);
    await until(() => page.snapshots.at(-1)!.bets === 1, 'a bet on the other page');
  });

  test('a stopping server leaves nothing open', async () => {
    const script = join(import.meta.dirname, 'open-and-stop.ts');
    const program = Program.startScript(script, [], { cwd: await temporaryFolder() });
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(program.lines.map(({ text }) => text)).toEqual(['stopped']);
  });

  test('a reader that does not read does not delay the stop of the server', async () => {
    const operator = await TestOperator.open();
    operator.status = HUGE;
    operator.serve();
    const slow = await connectRaw(operator.port);
    slow.pause();
    slow.write('GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await pause(500);
    const startedAt = performance.now();
    await operator.stop();
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});
