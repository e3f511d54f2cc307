import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bet, helo, range, row, sbet, welc } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Peer } from '../support/peer.ts';
import { startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

describe('P8 SIGTERM is graceful', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'the server answers accepted batches, logs each close and exits 0 (%s)',
    async signal => {
      const folder = await temporaryFolder();
      const { server, port } = await startServer(folder);
      const [uploading, silent] = [await Peer.connect(port), await Peer.connect(port)];
      uploading.send(helo(1));
      expect(await uploading.frame()).toBe(welc(1));
      uploading.send(Buffer.concat(range(60).map(index => sbet(index + 1, bet(index)))));
      expect(await uploading.frame()).toBe('OK');
      server.kill(signal);
      const answers = await uploading.lastFrames();
      for (const peer of [uploading, silent]) peer.end();
      expect(await server.exited).toEqual({ code: 0, signal: null });
      await expect(Peer.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });

      // Exactly the stored batches were answered.
      const stored = 1 + answers.filter(answer => answer === 'OK').length;
      const rows = range(stored).map(index => row(1, index));
      expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(rows.join(''));
      const closing = server.lines.slice(
        server.lines.findIndex(({ action }) => action === 'shutdown'),
      );
      const told = closing
        .filter(({ action }) => /^(?:shutdown|close_\w+)$/.test(action ?? ''))
        .map(
          ({ action, result, details }) =>
            `${action} ${result} ${details['file'] ?? details['timer'] ?? ''}`,
        );
      expect(told.map(line => line.trim())).toEqual([
        'shutdown in_progress',
        'close_socket success',
        'close_socket success',
        'close_timer success deadlines',
        'close_listener success',
        'close_file success bets.csv',
        'close_file success bets.journal',
        'shutdown success',
      ]);
      expect(server.lines.filter(({ result }) => result === 'fail')).toEqual([]);
      expect(server.stderr).toBe('');
    },
  );

  test('a server restart during an upload causes no failure in the client', async () => {
    const folder = await temporaryFolder();
    const lines = range(20_000).map(index => `Ana,Pérez,${index},1990-01-02,${index % 7000}`);
    await writeFile(join(folder, 'agency.csv'), lines.join('\n').concat('\n'));
    const env = { SERVER_PORT: String(await freePort()), NUMBER_AGENCIES: '1' };
    const { server } = await startServer(folder, env);
    const client = startClient(folder, 1, Number(env.SERVER_PORT), {
      CLI_BATCH_MAXAMOUNT: '10',
      CLI_LOG_PROGRESS: '1ms',
    });
    await client.line(({ details }) => Number(details['bets']) > 100, 'progress');
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    await startServer(folder, env);
    expect(await client.exited).toEqual({ code: 0, signal: null });
    expect(client.lines.filter(({ result }) => result === 'fail')).toEqual([]);
    expect(client.linesOf('reconnect', 'in_progress')).not.toEqual([]);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(
      lines.map(line => `1,${line}\r\n`).join(''),
    );
  });

  test('a client stopped during an upload logs each close and exits 0', async () => {
    const folder = await temporaryFolder();
    const lines = range(20_000).map(index => `Ana,Pérez,${index},1990-01-02,1`);
    await writeFile(join(folder, 'agency.csv'), lines.join('\n').concat('\n'));
    const { port } = await startServer(folder);
    const client = startClient(folder, 1, port, {
      CLI_BATCH_MAXAMOUNT: '10',
      CLI_LOG_PROGRESS: '1ms',
    });
    await client.line(({ details }) => Number(details['bets']) > 100, 'progress');
    client.kill('SIGTERM');
    expect(await client.exited).toEqual({ code: 0, signal: null });
    const closing = client.lines.slice(
      client.lines.findIndex(({ action }) => action === 'shutdown'),
    );
    expect(
      closing
        .filter(({ action }) => action !== 'upload')
        .map(({ action, result }) => `${action} ${result}`),
    ).toEqual([
      'shutdown in_progress',
      'close_file success',
      'close_socket success',
      'shutdown success',
    ]);
  });
});
