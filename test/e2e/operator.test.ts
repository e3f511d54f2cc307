import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROGRAM } from '../support/built-program.ts';
import { listen } from '../support/listen.ts';
import { bet, conn, END, GWIN, nbet, NOK, OK, range, row, rwin } from '../support/base-frames.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { say } from '../support/peer.ts';
import { Program, startServer } from '../support/program.ts';
import { readiness, snapshotOf } from '../support/readiness.ts';
import { Scrape } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const BASE = { SERVER_PORT: '0', SERVER_HOST: '127.0.0.1', NUMBER_AGENCIES: '2', HTTP_PORT: '0' };

async function startWithPage(folder: string) {
  const { server, port } = await startServer(folder, BASE);
  const { details } = await server.logged('listen_http');
  return { server, port, url: details['url']! };
}

describe('a server with HTTP_PORT', () => {
  test('reports correct metrics and keeps the bet counts after restarts', async () => {
    const folder = await temporaryFolder();
    const first = await startWithPage(folder);
    const batch = nbet(...range(130).map(document => bet(document)));
    const one = await say(first.port, 1, [
      [batch, OK],
      [nbet(bet(500, 7574)), OK],
    ]); // prettier-ignore
    const refused = await say(first.port, 2, [[nbet(bet(700), bet('x')), NOK]]);
    refused.end();
    await first.server.logged('close_socket');
    await say(first.port, 2, [[nbet(bet(700)), OK]]);

    const scrape = await Scrape.from(first.url);
    expect(scrape.values('loteria_bets_stored_total')).toEqual({ 1: 131, 2: 1 });
    expect(scrape.value('loteria_batches_stored_total')).toBe(3);
    expect(scrape.values('loteria_bets_refused_total')).toEqual({ 1: 0, 2: 2 });
    expect(scrape.values('loteria_refusals_total')).toEqual({ 'invalid-bet': 1 });
    expect(scrape.value('loteria_connections_total')).toBe(3);
    expect(scrape.values('loteria_agency_connections_open')).toEqual({ 1: 1, 2: 1 });
    expect(scrape.histogram('loteria_sync_duration_seconds').count).toBe(3);
    const bytes = readFileSync(join(folder, 'bets.csv')).length;
    expect(scrape.value('loteria_synced_bytes_total')).toBe(bytes);
    expect(scrape.value('loteria_unsynced_bytes')).toBe(0);
    expect(scrape.value('loteria_disk_free_bytes')).toBeGreaterThan(0);
    expect(scrape.values('loteria_draw_state')).toMatchObject({ open: 1, drawn: 0 });
    one.send(END);
    expect(await one.receive(4)).toBe(OK);
    expect((await Scrape.from(first.url)).value('loteria_agencies_finished')).toBe(1);
    expect(await snapshotOf(first.url)).toMatchObject({
      state: 'open',
      waitingFor: [2],
      bets: 132,
      refused: 2,
    });
    first.server.kill('SIGKILL');
    await first.server.exited;

    const second = await startWithPage(folder);
    const again = await Scrape.from(second.url);
    expect(again.values('loteria_bets_stored_total')).toEqual({ 1: 131, 2: 1 });
    expect(again.value('loteria_batches_stored_total')).toBe(0);
    await say(second.port, 2, [[END, OK]]);
    await second.server.logged('sorteo');
    await say(second.port, 1, [[GWIN, rwin(500)]]);
    const drawn = await Scrape.from(second.url);
    expect(drawn.values('loteria_draw_state')).toMatchObject({ open: 0, drawn: 1 });
    expect(drawn.values('loteria_winners')).toEqual({ 1: 1, 2: 0 });
    const { drawHeldAt, seal, winners } = await snapshotOf(second.url);
    expect([winners, seal]).toEqual([1, second.server.linesOf('draw')[0]!.details['sha256']]);
    second.server.kill('SIGTERM');
    expect(await second.server.exited).toEqual({ code: 0, signal: null });

    const third = await startWithPage(folder);
    expect(await snapshotOf(third.url)).toMatchObject({
      state: 'drawn',
      drawHeldAt,
      seal,
      winners: 1,
      bets: 132,
    });
  });

  test('is alive but not ready during the recovery of the store', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'bets.csv'), row(1, 30_904_465).repeat(1_000_000));
    const server = Program.start(['server'], { cwd: folder, env: BASE });
    const { details } = await server.logged('listen_http');
    expect(await readiness(details['url']!)).toBe('503 not ready: recovering');
    expect((await fetch(`${details['url']}healthz`)).status).toBe(200);
    expect(server.linesOf('listen')).toEqual([]);
    await server.logged('listen');
    await expect.poll(() => readiness(details['url']!)).toBe('200 ready');
    // Recovered bets are not part of the rate.
    expect(await snapshotOf(details['url']!)).toMatchObject({ bets: 1_000_000, betsPerSecond: 0 });
  });

  test('reports stopping during shutdown and closes the HTTP port last', async () => {
    const { server, port, url } = await startWithPage(await temporaryFolder());
    const lingering = await connectRaw(port);
    lingering.write(conn(1));
    await server.logged('identify');
    server.kill('SIGTERM');
    await server.logged('shutdown', 'in_progress');
    expect(await readiness(url)).toBe('503 not ready: stopping');
    lingering.destroy();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const [last] = server.linesOf('close_listener').toReversed();
    expect(last!.details['port']).toBe(new URL(url).port);
    expect(server.lines.at(-2)).toBe(last);
  });

  test('answers under the names in HTTP_NAMES, and logs a request under another', async () => {
    const env = { ...BASE, HTTP_NAMES: 'central.example' };
    const { server } = await startServer(await temporaryFolder(), env);
    const { port } = new URL((await server.logged('listen_http')).details['url']!);
    const statusUnder = async (host: string): Promise<string> => {
      const socket = await connectRaw(Number(port));
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`);
      return (await socket.setEncoding('utf8').toArray()).join('').split('\r\n')[0]!;
    };
    expect(await statusUnder('central.example')).toBe('HTTP/1.1 200 OK');
    expect(await statusUnder('evil.example')).toBe('HTTP/1.1 421 Misdirected Request');
    const { details } = await server.logged('answer_http', 'fail');
    expect(details).toMatchObject({ ip: '127.0.0.1', host: 'evil.example' });
  });

  test('fails with a line that names the address that it cannot listen on', async () => {
    const port = await listen(createServer());
    for (const [env, error] of [
      [
        { HTTP_PORT: String(port) },
        `HTTP_PORT ${port} is in use by another program, choose another one`,
      ],
      // 192.0.2.0/24 is for documentation: no machine has it.
      [{ HTTP_HOST: '192.0.2.1' }, 'HTTP_HOST 192.0.2.1 is no address of this machine'],
    ] as const) {
      const cwd = await temporaryFolder();
      const server = Program.start(['server'], { cwd, env: { ...BASE, ...env } });
      expect(await server.exited).toEqual({ code: 1, signal: null });
      expect(server.linesOf('start', 'fail')[0]!.details['error']).toBe(error);
    }
  });
});

describe('a server without HTTP_PORT', () => {
  /** The static imports of a built file, transitively. */
  function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
    if (loaded.has(file)) return loaded;
    loaded.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, imported] of text.matchAll(/^(?:import|export)\b[^'"]*["'](\.[^"']+)["']/gm)) {
      loadedBy(join(dirname(file), imported!), loaded);
    }
    return loaded;
  }

  test('loads no module of the HTTP endpoint', () => {
    const folder = dirname(PROGRAM);
    const chunks = readdirSync(folder).filter(name => /^server-[^c].*\.js$/.test(name));
    const marks = /createRoutes|collectDefaultMetrics|OperatorPort/;
    const withMarks = (files: Iterable<string>) =>
      [...files].filter(file => marks.test(readFileSync(file, 'utf8')));
    const operator = readdirSync(folder).filter(name => name.startsWith('operator-'));
    expect(withMarks(operator.map(name => join(folder, name)))).toHaveLength(1);
    const loaded = [PROGRAM, ...chunks.map(name => join(folder, name))].flatMap(file => [
      ...loadedBy(file),
    ]);
    expect(loaded.length).toBeGreaterThan(5);
    expect(withMarks(loaded)).toEqual([]);
  });
});
