import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/**
 * The client in the dialects of other solutions (`CLI_PROTOCOL`), and with a server of another
 * dialect.
 */

const OTHERS = ['push-codes', 'check-win', 'csv-frames', 'op-codes'];

/** A central of two agencies, of which the first has finished. */
async function startWaiting(
  protocol: string,
): Promise<{ folder: string; port: number; server: Program; client: Program }> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,11,1990-01-02,7574\n');
  const port = await freePort();
  const env = { SERVER_LISTENERS: `${protocol}:${port}`, NUMBER_AGENCIES: '2' };
  const { server } = await startServer(folder, env);
  const client = startClient(folder, 1, port, {
    CLI_PROTOCOL: protocol,
    CLI_WINNERS_FILE: 'winners.txt',
  });
  await server.logged('agency_finished');
  await client.logged('consulta_ganadores', 'in_progress');
  return { folder, port, server, client };
}

describe('a client', () => {
  test.each(['push-codes', 'op-codes'])(
    'rejects an id that does not fit into the one byte of %s, exit code 2',
    async protocol => {
      const client = startClient(await temporaryFolder(), 300, 1, { CLI_PROTOCOL: protocol });
      expect(await client.exited).toEqual({ code: 2, signal: null });
      expect(client.stderr).toBe(`loteria: id is 300, protocol ${protocol} allows only 1 to 255\n`);
      expect(client.linesOf('connect')).toEqual([]);
    },
  );

  test('rejects a window of more than one batch in csv-frames, exit code 2', async () => {
    const env = { CLI_PROTOCOL: 'csv-frames', CLI_BATCH_WINDOW: '2' };
    const client = startClient(await temporaryFolder(), 1, 1, env);
    expect(await client.exited).toEqual({ code: 2, signal: null });
    expect(client.stderr).toBe(
      'loteria: batch.window is 2, protocol csv-frames takes 1 only: its servers treat each read as one frame\n',
    );
  });

  test.each(['base', ...OTHERS])(
    'suggests a protocol mismatch when %s meets a port of another dialect',
    async protocol => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,11,1990-01-02,7574\n');
      const own = protocol === 'base' ? 'tp0' : protocol;
      const listeners = ['tp0', ...OTHERS].filter(name => name !== own);
      const { server } = await startServer(folder, {
        SERVER_LISTENERS: listeners.map(name => `${name}:0`).join(','),
        MESSAGE_TIMEOUT: '200ms',
        FIRST_MESSAGE_TIMEOUT: '200ms',
      });
      await until(() => server.linesOf('listen').length === listeners.length, 'every listener');
      for (const { details } of server.linesOf('listen')) {
        const client = startClient(folder, 1, Number(details['port']), { CLI_PROTOCOL: protocol });
        const { code } = await client.exited;
        const error = client.linesOf('exit', 'fail').map(line => line.details['error']);
        expect([details['dialect'], code, error]).toEqual([
          details['dialect'],
          1,
          [
            expect.stringMatching(
              `does the server speak another protocol\\? protocol is ${protocol}, the others`,
            ),
          ],
        ]);
      }
      const refused = [...server.linesOf('refuse'), ...server.linesOf('cut_connection')];
      expect(new Set(refused.map(({ details }) => details['dialect']))).toEqual(new Set(listeners));
    },
  );

  test.each(OTHERS)(
    'gets its winners again in %s when restarted with an empty file',
    async protocol => {
      const folder = await temporaryFolder();
      await writeFile(
        join(folder, 'agency.csv'),
        'Ana,Paz,11,1990-01-02,7574\nEva,Gil,12,1990-01-02,7574\n',
      );
      const env = { SERVER_LISTENERS: `${protocol}:0`, NUMBER_AGENCIES: '1' };
      const { server, port } = await startServer(folder, env);
      for (const file of ['agency.csv', '/dev/null']) {
        const client = startClient(folder, 1, port, {
          CLI_PROTOCOL: protocol,
          CLI_FILE_NAME: file,
          CLI_FILE_ALLOWEMPTY: 'true',
          CLI_WINNERS_FILE: 'winners.txt',
        });
        expect(await client.exited).toEqual({ code: 0, signal: null });
        expect(await readFile(join(folder, 'winners.txt'), 'utf8')).toBe('11\n12\n');
        await rm(join(folder, 'winners.txt'));
      }
      expect(server.linesOf('sorteo')).toHaveLength(1);
    },
  );

  test.each(['check-win', 'op-codes'])(
    'keeps polling in %s after the central was killed and restarted',
    async protocol => {
      const { folder, port, server, client } = await startWaiting(protocol);
      server.kill('SIGKILL');
      await server.exited;
      const env = { SERVER_LISTENERS: `${protocol}:${port}`, NUMBER_AGENCIES: '2' };
      const again = await startServer(folder, env);
      const other = startClient(folder, 2, port, {
        CLI_PROTOCOL: protocol,
        CLI_FILE_NAME: '/dev/null',
        CLI_FILE_ALLOWEMPTY: 'true',
      });
      expect(await other.exited).toEqual({ code: 0, signal: null });
      expect(await client.exited).toEqual({ code: 0, signal: null });
      expect(await readFile(join(folder, 'winners.txt'), 'utf8')).toBe('11\n');
      const finished = again.server.linesOf('agency_finished');
      expect(finished.map(({ details }) => details['agency'])).toEqual(['2']);
    },
  );
});
