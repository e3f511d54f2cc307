import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** The client in the dialects of other solutions (`CLI_PROTOCOL`), and with one that it cannot speak. */

const OTHERS = ['push-codes', 'check-win', 'csv-frames', 'op-codes'];

/** A central of two agencies, and the first of them, which has said that it sent all its bets. */
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
    'with an id that %s has no byte for says so in one line, exit code 2',
    async protocol => {
      const client = startClient(await temporaryFolder(), 300, 1, { CLI_PROTOCOL: protocol });
      expect(await client.exited).toEqual({ code: 2, signal: null });
      expect(client.stderr).toBe(`loteria: id is 300, protocol ${protocol} allows only 1 to 255\n`);
      expect(client.linesOf('connect')).toEqual([]);
    },
  );

  test('with a protocol that there is not is told which there are, exit code 2', async () => {
    const client = startClient(await temporaryFolder(), 1, 1, { CLI_PROTOCOL: 'tp1' });
    expect(await client.exited).toEqual({ code: 2, signal: null });
    expect(client.stderr).toContain("protocol is 'tp1'");
    expect(client.stderr).toContain(
      'resumable, base, push-codes, check-win, csv-frames, op-codes; tp0 is another name of base',
    );
  });

  test('that would have more than one batch unanswered in csv-frames is refused with the reason', async () => {
    const env = { CLI_PROTOCOL: 'csv-frames', CLI_BATCH_WINDOW: '2' };
    const client = startClient(await temporaryFolder(), 1, 1, env);
    expect(await client.exited).toEqual({ code: 2, signal: null });
    expect(client.stderr).toBe(
      'loteria: batch.window is 2, protocol csv-frames takes 1 only: its servers treat each read as one frame\n',
    );
  });

  test.each(['base', ...OTHERS])(
    'that speaks %s to a port of any other dialect is told what may be wrong',
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

  test.each(['base', ...OTHERS])(
    'that speaks %s says on SIGTERM in the middle of its upload what was acknowledged',
    async protocol => {
      const folder = await temporaryFolder();
      const bet = 'Ana,Paz,11,1990-01-02,7574\n';
      await writeFile(join(folder, 'agency.csv'), bet.repeat(200_000));
      const listener = protocol === 'base' ? 'tp0' : protocol;
      const { server, port } = await startServer(folder, { SERVER_LISTENERS: `${listener}:0` });
      const client = startClient(folder, 1, port, { CLI_PROTOCOL: protocol });
      await server.logged('apuesta_recibida');
      client.kill('SIGTERM');
      expect(await client.exited).toEqual({ code: 0, signal: null });
      const [stopped] = client.linesOf('upload', 'fail').map(({ details }) => details);
      const bets = (await readFile(join(folder, 'bets.csv'), 'utf8')).split('\r\n').length - 1;
      expect(stopped).toMatchObject({ bets: String(bets), in_doubt: '0' });
      const closed = await server.logged('close_socket');
      // Older agencies that speak op-codes open a connection for each batch.
      const level = protocol === 'op-codes' ? 'INFO' : 'WARNING';
      expect([closed.level, closed.details['all_sent']]).toEqual([level, 'no']);
    },
  );

  test.each(OTHERS)(
    'that speaks %s and has missed its winners is told them again when it comes with an empty file',
    async protocol => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,11,1990-01-02,7574\nEva,Gil,12,1990-01-02,7574\n');
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

  test.each(OTHERS)('that speaks %s sends the one bet of exercise 5', async protocol => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder, { SERVER_LISTENERS: `${protocol}:0` });
    const client = startClient(folder, 4, port, {
      CLI_PROTOCOL: protocol,
      NOMBRE: 'José',
      APELLIDO: 'Ñáñez',
      DOCUMENTO: '30904465',
      NACIMIENTO: '1999-03-17',
      NUMERO: '7574',
    });
    expect(await client.exited).toEqual({ code: 0, signal: null });
    expect(client.linesOf('apuesta_enviada', 'success').map(({ details }) => details)).toEqual([
      { dni: '30904465', numero: '7574' },
    ]);
    // None of them has a message for a single bet: it is a batch of one.
    await server.logged('apuesta_recibida');
    expect(server.linesOf('apuesta_recibida').map(({ details }) => details['cantidad'])).toEqual(['1']);
  });

  test.each(OTHERS)(
    'that speaks %s ends with exit code 0 on SIGTERM while it waits for the draw',
    async protocol => {
      const { server, client } = await startWaiting(protocol);
      client.kill('SIGTERM');
      expect(await client.exited).toEqual({ code: 0, signal: null });
      expect(client.lines.filter(({ result }) => result === 'fail')).toEqual([]);
      expect(client.linesOf('shutdown').map(({ result }) => result)).toEqual(['in_progress', 'success']);
      expect(server.lines.filter(({ result }) => result === 'fail')).toEqual([]);
    },
  );

  test.each(['push-codes', 'csv-frames'])(
    'that speaks %s ends with exit code 1 when the central goes before the winners come',
    async protocol => {
      const { server, client } = await startWaiting(protocol);
      server.kill('SIGTERM');
      expect(await server.exited).toEqual({ code: 0, signal: null });
      expect(await client.exited).toEqual({ code: 1, signal: null });
      expect(client.linesOf('exit', 'fail').map(({ details }) => details['error'])).toEqual([
        'the connection was lost before the winners came, the central closed the connection; this dialect cannot ask for them again',
      ]);
    },
  );

  test.each(['check-win', 'op-codes'])(
    'that speaks %s goes on asking the central that is started in the place of the one that was killed',
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
