import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listen } from '../support/listen.ts';
import { Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };
const WRONG_USAGE = { code: 2, signal: null };

const MESSAGES = [1, 2, 3].map(number => `[CLIENT 1] Message N°${number}`);

describe('exercise 5: one bet from the environment', () => {
  const VALUES = ['Santiago Lionel', 'Lorca', '30904465', '1999-03-17', '7574'];
  const SPELLINGS = [
    ['Spanish', ['NOMBRE', 'APELLIDO', 'DOCUMENTO', 'NACIMIENTO', 'NUMERO']],
    [
      'English',
      ['CLI_BET_NAME', 'CLI_BET_SURNAME', 'CLI_BET_DNI', 'CLI_BET_BIRTH', 'CLI_BET_NUMBER'],
    ],
  ] as const;

  test.each(SPELLINGS)(
    'is sent and stored in place of a file, with the log lines of the assignment (%s names)',
    async (_, names) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,1,1990-01-02,1\n');
      const { server, port } = await startServer(folder);
      const bet = Object.fromEntries(names.map((name, index) => [name, VALUES[index]!]));
      const client = startClient(folder, 4, port, bet);
      expect(await client.exited).toEqual(DONE);
      expect(client.linesOf('apuesta_enviada').map(line => line.text.slice(20))).toEqual([
        'INFO     action: apuesta_enviada | result: success | dni: 30904465 | numero: 7574',
      ]);
      expect(server.linesOf('apuesta_almacenada').map(line => line.text.slice(20))).toEqual([
        'INFO     action: apuesta_almacenada | result: success | dni: 30904465 | numero: 7574',
      ]);
      expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(
        '4,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n',
      );
      expect(client.transcript()).not.toMatch(/Santiago|Lorca/);
      expect(server.transcript()).not.toMatch(/Santiago|Lorca/);
    },
  );
});

describe('exercises 1 to 4: the echo client', () => {
  test('sends its messages, both sides log them, the loop finishes, nothing is stored', async () => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder, { SERVER_MODE: 'echo' });
    const client = startClient(folder, 1, port, { CLI_MODE: 'echo', CLI_LOOP_AMOUNT: '3' });
    expect(await client.exited).toEqual(DONE);
    expect(client.linesOf('receive_message').map(line => line.text.slice(20))).toEqual(
      MESSAGES.map(
        text => `INFO     action: receive_message | result: success | client_id: 1 | msg: ${text}`,
      ),
    );
    expect(client.lines.at(-1)!.text.slice(20)).toBe(
      'INFO     action: loop_finished | result: success | client_id: 1',
    );
    expect(client.linesOf('close_socket', 'success')).toHaveLength(3);
    expect(server.linesOf('receive_message').map(line => line.text.slice(20))).toEqual(
      MESSAGES.map(
        text => `INFO     action: receive_message | result: success | ip: 127.0.0.1 | msg: ${text}`,
      ),
    );
    server.kill('SIGTERM');
    expect(await server.exited).toEqual(DONE);
    expect(server.linesOf('close_listener', 'success')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  test('reports a wrong echo, exit code 1', async () => {
    const folder = await temporaryFolder();
    const wrong = createServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('something else\n'));
    });
    const client = startClient(folder, 1, await listen(wrong), { CLI_MODE: 'echo' });
    expect(await client.exited).toEqual(FAILED);
    expect(client.lines.at(-1)).toMatchObject({ level: 'ERROR', action: 'exit', result: 'fail' });
    expect(client.lines.at(-1)!.text).toContain(
      "error: the server echoed 'something else' for '[CLIENT 1] Message N°1'",
    );
    expect(client.linesOf('loop_finished')).toEqual([]);
    expect(client.stderr).toBe('');
  });

  test('shuts down on SIGTERM between two messages, exit code 0, no loop_finished', async () => {
    const folder = await temporaryFolder();
    const { port } = await startServer(folder, { SERVER_MODE: 'echo' });
    const client = startClient(folder, 1, port, { CLI_MODE: 'echo', CLI_LOOP_PERIOD: '1h' });
    await client.logged('receive_message');
    client.kill('SIGTERM');
    expect(await client.exited).toEqual(DONE);
    expect(client.lines.map(line => `${line.action} ${line.result}`)).toEqual([
      'config success',
      'close_socket success',
      'receive_message success',
      'shutdown in_progress',
      'close_timer success',
      'shutdown success',
    ]);
  });
});

describe('the client configuration', () => {
  test('is rejected with one line and exit code 2 when it is wrong', async () => {
    const client = startClient(await temporaryFolder(), 1, 1, { CLI_ID: '0' });
    expect(await client.exited).toEqual(WRONG_USAGE);
    expect(client.stderr).toBe(
      "loteria: environment variable CLI_ID: id is '0', allowed: 1 to 65535\n",
    );
    expect(client.lines).toEqual([]);
  });

  test('is rejected with exit code 2 when the file of --config is missing', async () => {
    const folder = await temporaryFolder();
    const client = Program.start(['client', '--config', 'none.yaml'], { cwd: folder });
    expect(await client.exited).toEqual(WRONG_USAGE);
    expect(client.stderr).toBe('loteria: cannot read none.yaml, it does not exist (ENOENT)\n');
  });
});
