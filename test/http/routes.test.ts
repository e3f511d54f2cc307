import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/http/snapshot.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { Scrape } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { agencyWith, statusWith, TestOperator } from './operator.ts';

async function answer(operator: TestOperator, path: string, init?: RequestInit) {
  const response = await operator.get(path, init);
  return { status: response.status, body: await response.text(), headers: response.headers };
}

/** A folder like that of the built page. */
async function pageFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Lotería</title>');
  await writeFile(join(folder, 'assets/index-1a2b3c4d.js'), 'export {};');
  await writeFile(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  return folder;
}

/** The raw response to a request. */
async function exchange(operator: TestOperator, request: string): Promise<string> {
  const socket = await connectRaw(operator.port);
  socket.write(request);
  return (await socket.setEncoding('utf8').toArray()).join('');
}

const raw = async (operator: TestOperator, request: string): Promise<string> =>
  (await exchange(operator, request)).split('\r\n')[0]!;

describe('the probes', () => {
  test('distinguish a live server from a ready one, with the reason', async () => {
    const operator = await TestOperator.open();
    const probe = async () => {
      const [health, ready] = [await answer(operator, 'healthz'), await answer(operator, 'readyz')];
      expect([health.status, health.body]).toEqual([200, 'alive\n']);
      return [ready.status, ready.body];
    };
    expect(await probe()).toEqual([503, 'not ready: recovering\n']);
    operator.serve();
    expect(await probe()).toEqual([200, 'ready\n']);
    operator.monitor.onFull();
    expect(await probe()).toEqual([503, 'not ready: disk-full\n']);
    operator.monitor.onDurable();
    expect(await probe()).toEqual([200, 'ready\n']);
    operator.monitor.onEvent({ event: 'engine-unavailable', error: 'TIMEOUT', isUnsafe: false });
    expect(await probe()).toEqual([503, 'not ready: engine-away\n']);
    operator.monitor.onEvent({ event: 'engine-available', awayMs: 3 });
    expect(await probe()).toEqual([200, 'ready\n']);
    operator.monitor.onEvent({ event: 'stopping', signal: 'SIGTERM' });
    expect(await probe()).toEqual([503, 'not ready: stopping\n']);
  });
});

describe('the snapshot', () => {
  test('has the state recovering before the store is open', async () => {
    const operator = await TestOperator.open();
    const snapshot = (await (await operator.get('snapshot.json')).json()) as Snapshot;
    expect(snapshot).toMatchObject({
      version: 1,
      state: 'recovering',
      ready: { ok: false, reason: 'recovering' },
      waitingFor: [],
      bets: 0,
      agencies: [],
      history: [],
    });
  });

  test('has the draw after it was held, without documents', async () => {
    const operator = await TestOperator.open();
    const seal = 'ab'.repeat(32);
    operator.status = statusWith({
      state: 'drawn',
      bets: 12,
      missing: [],
      winners: 3,
      agencies: [
        agencyWith({ agency: 1, bets: 7, finished: true, winners: 2 }),
        agencyWith({ agency: 2, bets: 5, finished: true, winners: 1 }),
      ],
      draw: { time: '2026-11-21T12:00:00.000Z', seal },
    });
    operator.serve();
    operator.monitor.onEvent({ event: 'bet-stored', document: '30904465', number: 7574 });
    operator.monitor.onEvent({ event: 'bets-refused', agency: 2, single: false, count: 3 });
    const { body } = await answer(operator, 'snapshot.json');
    expect(body).not.toContain('30904465');
    expect(JSON.parse(body)).toMatchObject({
      state: 'drawn',
      drawHeldAt: '2026-11-21T12:00:00.000Z',
      seal,
      winners: 3,
      bets: 12,
      refused: 3,
      agencies: [
        { id: 1, bets: 7, finished: true, refused: 0, winners: 2 },
        { id: 2, bets: 5, finished: true, refused: 3, winners: 1 },
      ],
    });
  });
});

describe('the metrics', () => {
  test('are read from the central on request', async () => {
    const operator = await TestOperator.open();
    operator.serve();
    expect((await Scrape.from(operator.url)).values('loteria_bets_stored_total')).toEqual({
      1: 0,
      2: 0,
    });
    operator.status = statusWith({
      agencies: [agencyWith({ agency: 7, bets: 130, connections: 2 })],
    });
    const scrape = await Scrape.from(operator.url);
    expect(scrape.values('loteria_bets_stored_total')).toEqual({ 7: 130 });
    expect(scrape.values('loteria_agency_connections_open')).toEqual({ 7: 2 });
    expect(scrape.values('loteria_agency_finished')).toEqual({ 7: 0 });
  });

  test('are in the format of Prometheus', async () => {
    const operator = await TestOperator.open();
    const { headers } = await answer(operator, 'metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});

describe('the page', () => {
  test('is served with its types; only files with a digest in their name are cached for ever', async () => {
    const operator = await TestOperator.open(await pageFolder());
    const page = await answer(operator, '');
    expect([page.status, page.body]).toEqual([200, '<!doctype html><title>Lotería</title>']);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const script = await answer(operator, 'assets/index-1a2b3c4d.js');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await answer(operator, 'icon.svg')).headers.get('content-type')).toBe('image/svg+xml');
    const again = await answer(operator, '', {
      headers: { 'If-None-Match': page.headers.get('etag')! },
    });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test('is 404 in a build without the page', async () => {
    const operator = await TestOperator.open();
    expect((await answer(operator, '')).status).toBe(404);
  });

  test.each([
    '../package.json',
    '..%2fpackage.json',
    'assets/..%2f..%2fpackage.json',
    'assets',
    'nothing',
  ])('is 404 for a path outside of the page: %s', async path => {
    const operator = await TestOperator.open(await pageFolder());
    const request = `GET /${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect(await raw(operator, request)).toBe('HTTP/1.1 404 Not Found');
  });
});

describe('every answer', () => {
  test.each(['', 'healthz', 'readyz', 'metrics', 'snapshot.json', 'live', 'nothing'])(
    'of /%s forbids content of other origins and frames',
    async path => {
      const operator = await TestOperator.open(await pageFolder());
      const { headers, body } = await operator.get(path);
      await body?.cancel();
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; /,
      );
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  test.each(['', 'healthz', 'metrics', 'snapshot.json', 'live'])(
    'to HEAD /%s has no body, and ends',
    async path => {
      const operator = await TestOperator.open(await pageFolder());
      const { status, body } = await answer(operator, path, { method: 'HEAD' });
      expect([status, body]).toEqual([200, '']);
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('to %s is 405', async method => {
    const operator = await TestOperator.open();
    const { status, headers } = await answer(operator, 'snapshot.json', { method });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('a request', () => {
  const underName = (operator: TestOperator, path: string, host: string) =>
    raw(operator, `GET /${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

  test.each([
    'localhost',
    'localhost:8080',
    '127.0.0.1',
    '10.1.2.3:80',
    '[::1]:8080',
    'central.example',
    'CENTRAL.example.:8080',
  ])('under the name %s is answered', async host => {
    const operator = await TestOperator.open();
    expect(await underName(operator, 'snapshot.json', host)).toBe('HTTP/1.1 200 OK');
  });

  test.each(['healthz', 'metrics'])('of HTTP/1.0 without a name (%s) is answered', async path => {
    const operator = await TestOperator.open();
    expect(await raw(operator, `GET /${path} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (200|503) /);
  });

  test.each(['evil.example', 'evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil', 'x'])(
    'under the name %s is refused and logged; probes are answered',
    async host => {
      const operator = await TestOperator.open(await pageFolder());
      const paths = ['', 'index.html', 'live', 'snapshot.json', 'metrics', 'acta', 'nothing'];
      for (const path of paths)
        expect(await underName(operator, path, host)).toBe('HTTP/1.1 421 Misdirected Request');
      const name = host.replace(':8080', '');
      const refused = { event: 'http-refused', ip: '127.0.0.1', host: name };
      expect(operator.logged).toEqual(paths.map(() => refused));
      for (const probe of ['healthz', 'readyz'])
        expect(await underName(operator, probe, host)).not.toContain('421');
    },
  );

  test('under another name is refused with the way out', async () => {
    const operator = await TestOperator.open();
    const request = 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n';
    const answered = await exchange(operator, request);
    expect(answered.split('\r\n\r\n')[1]).toBe(
      'evil.example is not a name of this server: add it to HTTP_NAMES\n',
    );
  });

  test('with a body is refused, with a length or chunked', async () => {
    const operator = await TestOperator.open();
    const refused = 'HTTP/1.1 413 Payload Too Large';
    const head = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n';
    expect(await raw(operator, `${head}Content-Length: 4\r\n\r\n`)).toBe(refused);
    expect(await raw(operator, `${head}Transfer-Encoding: chunked\r\n\r\n`)).toBe(refused);
  });

  test('with long headers is refused', async () => {
    const operator = await TestOperator.open();
    const long = `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9000)}\r\n\r\n`;
    expect(await raw(operator, long)).toBe('HTTP/1.1 431 Request Header Fields Too Large');
  });

  test('that is incomplete is refused', async () => {
    const operator = await TestOperator.open();
    expect(await raw(operator, 'GET / HTTP/1.1\r\nHo')).toBe('HTTP/1.1 408 Request Timeout');
  }, 15_000);
});
