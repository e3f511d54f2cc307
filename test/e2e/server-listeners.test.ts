import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Peer } from '../support/peer.ts';
import { Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Several ports with a dialect each (`SERVER_LISTENERS`), and clients with a protocol that they cannot speak. */

const OTHERS = ['push-codes', 'check-win', 'csv-frames', 'op-codes'];

async function usedPort(): Promise<number> {
  const other = createServer();
  onTestFinished(() => void other.close());
  await new Promise<void>(resolve => other.listen({ port: 0, host: '127.0.0.1' }, resolve));
  return (other.address() as { port: number }).port;
}

function startWith(folder: string, listeners: string): Program {
  const env = { SERVER_LISTENERS: listeners, SERVER_HOST: '127.0.0.1', DATA_DIR: 'data' };
  return Program.start(['server'], { cwd: folder, env });
}

describe('a server with several listeners', () => {
  test('of which one finds its port in use: says which one, closes the others, and ends with exit code 1', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data'));
    const port = await usedPort();
    const server = startWith(folder, `tp0:0,check-win:0,push-codes:${port},op-codes:0`);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stderr).toBe('');
    const failures = server.lines.filter(({ result }) => result === 'fail');
    expect(failures.map(({ action, details }) => [action, details['error']])).toEqual([
      [
        'start',
        `port ${port} is in use by another program, end it or choose another one for push-codes (SERVER_PORT, SERVER_LISTENERS)`,
      ],
    ]);
    const opened = server.linesOf('listen', 'success');
    expect(opened.map(({ details }) => details['dialect'])).toEqual(['tp0', 'check-win']);
    const ports = (lines: typeof opened): string[] => lines.map(({ details }) => details['port']!).toSorted();
    expect(ports(server.linesOf('close_listener', 'success'))).toEqual(ports(opened));
    // The folder is free as well.
    const again = startWith(folder, `tp0:${opened[0]!.details['port']},push-codes:0`);
    await again.line(() => again.linesOf('listen', 'success').length === 2, 'two listeners');
  });

  test.each([
    ['a dialect that there is not', 'tp0:0,quiniela:0'],
    ['a port twice', 'tp0:12345,op-codes:12345'],
  ])('with %s is told in one line what is allowed, exit code 2', async (_, listeners) => {
    const server = startWith(await temporaryFolder(), listeners);
    expect(await server.exited).toEqual({ code: 2, signal: null });
    expect(server.lines).toEqual([]);
    expect(server.stderr).toBe(
      `loteria: environment variable SERVER_LISTENERS: SERVER_LISTENERS is '${listeners}', allowed: ` +
        'dialect:port,dialect:port,… with tp0, push-codes, check-win, csv-frames, op-codes\n',
    );
  });

  test('closes them all on SIGTERM, exit code 0', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data'));
    const server = startWith(folder, 'tp0:0,push-codes:0,check-win:0,csv-frames:0,op-codes:0');
    const listening = () => server.linesOf('listen', 'success');
    await server.line(() => listening().length === 5, 'five listeners');
    const peers = await Promise.all(listening().map(({ details }) => Peer.connect(Number(details['port']))));
    await server.line(() => server.linesOf('accept_connections', 'success').length === 5, 'five connections');
    server.kill('SIGTERM');
    for (const peer of peers) expect(await peer.rest()).toBe('');
    for (const peer of peers) peer.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.linesOf('close_listener', 'success')).toHaveLength(5);
    expect(server.linesOf('close_socket', 'success')).toHaveLength(5);
    expect(server.lines.filter(({ result }) => result === 'fail')).toEqual([]);
  });
});

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
});
