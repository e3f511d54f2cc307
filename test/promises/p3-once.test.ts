import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bet, done, END, helo, range, row, sbet, welc } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Peer } from '../support/peer.ts';
import { startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const BATCHES = 20;
const UPLOAD = range(BATCHES).map(index =>
  sbet(index + 1, bet(100 + 2 * index), bet(101 + 2 * index)),
);
const ROWS = range(2 * BATCHES)
  .map(index => row(1, 100 + index))
  .join('');
const OKS = range(BATCHES).map(() => 'OK');

describe('P3 Once', () => {
  test('an upload over two connections, repeated after SIGKILL, is stored once', async () => {
    const folder = await temporaryFolder();
    const first = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const peers = [await Peer.connect(first.port), await Peer.connect(first.port)];
    for (const peer of peers) {
      peer.send(helo(1));
      expect(await peer.frame()).toBe(welc(1));
    }
    for (const peer of peers) peer.send(Buffer.concat(UPLOAD));
    for (const peer of peers) expect(await peer.frames(BATCHES)).toEqual(OKS);
    first.server.kill('SIGKILL');
    await first.server.exited;

    const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const again = await Peer.connect(port);
    again.send(Buffer.concat([helo(1), ...UPLOAD, done(BATCHES, 2 * BATCHES), END]));
    expect(await again.frames(BATCHES + 3)).toEqual([welc(BATCHES + 1), ...OKS, 'OK', 'OK']);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(ROWS);
  });

  test('a killed client and a killed server store the file of the agency once', async () => {
    const folder = await temporaryFolder();
    const lines = range(20_000).map(index => `Ana,Pérez,${index},1990-01-02,${index % 7000}`);
    await writeFile(join(folder, 'agency.csv'), lines.join('\n').concat('\n'));
    const port = await freePort();
    const env = { SERVER_PORT: String(port), NUMBER_AGENCIES: '1' };
    const start = () =>
      startClient(folder, 1, port, { CLI_BATCH_MAXAMOUNT: '10', CLI_LOG_PROGRESS: '1ms' });
    const { server } = await startServer(folder, env);
    const client = start();
    await client.line(({ details }) => Number(details['bets']) > 100, 'progress');
    client.kill('SIGKILL');
    await client.exited;
    const again = start();
    await again.logged('resume_upload');
    server.kill('SIGKILL');
    await server.exited;
    await startServer(folder, env);
    expect(await again.exited).toEqual({ code: 0, signal: null });
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(
      lines.map(line => `1,${line}\r\n`).join(''),
    );
  });
});
