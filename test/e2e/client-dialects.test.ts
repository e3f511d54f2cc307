import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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
      expect(client.stderr).toBe(`loteria: id is 300, protocol ${protocol} has bytes for 1 to 255 only\n`);
      expect(client.linesOf('connect')).toEqual([]);
    },
  );

  test('with a protocol that there is not is told which there are, exit code 2', async () => {
    const client = startClient(await temporaryFolder(), 1, 1, { CLI_PROTOCOL: 'tp0' });
    expect(await client.exited).toEqual({ code: 2, signal: null });
    expect(client.stderr).toContain("protocol is 'tp0'");
    expect(client.stderr).toContain('resumable, base, push-codes, check-win, csv-frames, op-codes');
  });

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
      const other = startClient(folder, 2, port, { CLI_PROTOCOL: protocol, CLI_FILE_NAME: '/dev/null' });
      expect(await other.exited).toEqual({ code: 0, signal: null });
      expect(await client.exited).toEqual({ code: 0, signal: null });
      expect(await readFile(join(folder, 'winners.txt'), 'utf8')).toBe('11\n');
      const finished = again.server.linesOf('agency_finished');
      expect(finished.map(({ details }) => details['agency'])).toEqual(['2']);
    },
  );
});
