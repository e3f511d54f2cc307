import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pipeFile } from '../agency/pipe-file.ts';
import { FakeCentral, welc } from '../support/fake-central.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Shorter than the stop timeouts of server and client. */
const QUICKLY_MS = 4_000;

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };

const BETS = [
  'Ana,Pérez,11,1990-01-02,7574',
  'Juan,Gil,12,1991-01-02,1',
  'Eva,"Paz, de la",13,1992-01-02,7574',
];

const betsFile = (folder: string): Promise<void> =>
  writeFile(join(folder, 'agency.csv'), BETS.join('\n').concat('\n'));

/** Stops a program. @returns its exit, which must be immediate */
async function terminate(program: Program): Promise<unknown> {
  const askedAt = performance.now();
  program.kill('SIGTERM');
  const exit = await program.exited;
  expect(performance.now() - askedAt).toBeLessThan(QUICKLY_MS);
  return exit;
}

async function rowsOf(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'bets.csv'), 'utf8');
  expect(text === '' || text.endsWith('\r\n')).toBe(true);
  return text.split('\r\n').slice(0, -1);
}

/** The last three lines without `close_timer`: whether a timer was running is random. */
function lastLines(program: Program, count: number): string[] {
  return story(program)
    .filter(line => line !== 'close_timer success')
    .slice(-count);
}

/** The log as `action result`. */
function story(program: Program): string[] {
  return program.lines.map(line => `${line.action} ${line.result}`);
}

describe('a client', () => {
  test('uploads, waits, writes its winners and the acta, and logs every close', async () => {
    const folder = await temporaryFolder();
    await betsFile(folder);
    const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const client = startClient(folder, 1, port, { CLI_WINNERS_FILE: 'winners.txt' });
    expect(await client.exited).toEqual(DONE);
    expect(
      client.linesOf('consulta_ganadores', 'success').map(line => line.text.slice(20)),
    ).toEqual(['INFO     action: consulta_ganadores | result: success | cant_ganadores: 2']);
    expect(await readFile(join(folder, 'winners.txt'), 'utf8')).toBe('11\n13\n');
    const acta = await readFile(join(folder, 'acta.txt'), 'utf8');
    expect(await readFile(join(folder, 'winners.txt.acta'), 'utf8')).toBe(acta);
    expect((await stat(join(folder, 'winners.txt'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'bets.csv'))).mode & 0o777).toBe(0o600);
    expect(story(client)).toEqual([
      'config success',
      'connect success',
      'upload success',
      'close_file success',
      'consulta_ganadores in_progress',
      'acta success',
      'consulta_ganadores success',
      'close_socket success',
    ]);
    expect(await rowsOf(folder)).toEqual(BETS.map(line => `1,${line}`));
  });

  test('keeps its file open only during the upload', async context => {
    if (process.platform !== 'linux')
      context.skip('the open files of a process are looked up in /proc');
    const folder = await temporaryFolder();
    await betsFile(folder);
    const { port } = await startServer(folder, { NUMBER_AGENCIES: '2' });
    const client = startClient(folder, 1, port);
    await client.logged('consulta_ganadores', 'in_progress');
    const files = readdirSync(`/proc/${client.pid}/fd`).map(name => {
      try {
        return readlinkSync(`/proc/${client.pid}/fd/${name}`);
      } catch {
        return 'closed meanwhile';
      }
    });
    expect(files.filter(path => path.startsWith(folder))).toEqual([]);
  });
});

describe('invalid lines', () => {
  const LINES = [
    'Ana,Pérez,11,1990-01-02,7574',
    'Rosaura,Quiroga,x1,1990-01-02,1',
    '',
    'Delfina,Quiroga',
    'Eva,Paz,13,1992-02-31,1',
    'Eva,Paz,13,1992-01-02,1',
  ];

  test('are logged and counted; the rest is stored and drawn, exit code 1', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'agency.csv'), LINES.join('\r\n').concat('\n'));
    const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const client = startClient(folder, 1, port, { CLI_FILE_INVALID: 'skip' });
    expect(await client.exited).toEqual(FAILED);
    expect(client.linesOf('read_bet').map(line => line.text.slice(20))).toEqual([
      'ERROR    action: read_bet | result: fail | file: agency.csv | line: 2 | field: document | value: x1 | reason: not-digits',
      'ERROR    action: read_bet | result: fail | file: agency.csv | line: 4 | field: line | value: Delfina,Quiroga | reason: too-few-fields',
      'ERROR    action: read_bet | result: fail | file: agency.csv | line: 5 | field: birthdate | value: 1992-02-31 | reason: not-a-date',
    ]);
    expect(client.lines.at(-1)!.text.slice(20)).toBe(
      'ERROR    action: exit | result: fail | client_id: 1 | refused_lines: 3',
    );
    expect(client.linesOf('consulta_ganadores', 'success')[0]!.details).toEqual({
      cant_ganadores: '1',
    });
    expect(await rowsOf(folder)).toEqual([`1,${LINES[0]}`, `1,${LINES[5]}`]);
    expect(server.linesOf('sorteo', 'success')).toHaveLength(1);
    // Only the invalid value of a line is logged.
    for (const transcript of [client.transcript(), server.transcript()]) {
      expect(transcript).not.toMatch(/Ana|Pérez|Rosaura|Eva|Paz|1990/);
      expect(transcript).not.toMatch(/\bfd\b|\bhandle\b|\[object|undefined|NaN/);
    }
  });
});

describe('a failing client', () => {
  test('without its file names the file and its setting, exit code 2', async () => {
    const folder = await temporaryFolder();
    const client = startClient(folder, 1, await freePort());
    expect(await client.exited).toEqual({ code: 2, signal: null });
    expect(client.lines.map(line => line.text.slice(20)).at(-1)).toBe(
      'ERROR    action: exit | result: fail | client_id: 1 | error: cannot read agency.csv, it does not exist (ENOENT); file.name in config.yaml or CLI_FILE_NAME names it',
    );
    expect(client.stderr).toBe('');
  });

  test.each([
    [
      'base',
      'with bets',
      BETS.join('\n'),
      'the central refused the batch of 3 bets that begins with line 1; its log says why',
    ],
    ['base', 'without bets', '', 'the central refused the end of the bets'],
    [
      'resumable',
      'with bets',
      BETS.join('\n'),
      'the central refused, unauthorized, agency 2 is not one of the expected agencies',
    ],
  ])(
    'with an id that the central does not expect is refused (protocol %s, %s)',
    async (protocol, _, bets, error) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'agency.csv'), bets);
      const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
      const client = startClient(folder, 2, port, {
        CLI_PROTOCOL: protocol,
        CLI_FILE_ALLOWEMPTY: 'true',
      });
      expect(await client.exited).toEqual(FAILED);
      expect(client.lines.at(-1)).toMatchObject({
        action: 'exit',
        result: 'fail',
        details: { client_id: '2', error },
      });
      expect((await server.logged('refuse', 'fail')).details).toMatchObject({
        code: 'unauthorized',
      });
      expect(await rowsOf(folder)).toEqual([]);
    },
  );
});

describe('SIGTERM', () => {
  test.each([
    ['a file', betsFile, 'in_progress'],
    ['a pipe', pipeFile, 'fail'],
  ])('before a server is up ends the client of %s at once', async (_, makeFile, upload) => {
    const folder = await temporaryFolder();
    await makeFile(folder);
    const client = startClient(folder, 1, await freePort());
    await client.logged('connect', 'in_progress');
    expect(await terminate(client)).toEqual(DONE);
    expect(client.stderr).toBe('');
    expect(lastLines(client, 4)).toEqual([
      'shutdown in_progress',
      `upload ${upload}`,
      'close_file success',
      'shutdown success',
    ]);
  });

  test('before the central has welcomed the client ends it at once', async () => {
    const folder = await temporaryFolder();
    await betsFile(folder);
    const central = await FakeCentral.listen();
    const client = startClient(folder, 1, central.port);
    await (await central.accept()).message();
    expect(await terminate(client)).toEqual(DONE);
    expect(lastLines(client, 1)).toEqual(['shutdown success']);
  });

  test.each(['base', 'resumable'])(
    'while its file is a silent pipe ends the client at once (protocol %s)',
    async protocol => {
      const folder = await temporaryFolder();
      const { writer } = await pipeFile(folder);
      const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
      const client = startClient(folder, 1, port, {
        CLI_PROTOCOL: protocol,
        CLI_BATCH_MAXAMOUNT: '1',
      });
      await writer.write(`${BETS[0]}\n${BETS[1]}\n`);
      await server.logged('apuesta_recibida', 'success');
      expect(await terminate(client)).toEqual(DONE);
      expect(lastLines(client, 1)).toEqual(['shutdown success']);
    },
  );

  test('twice ends a client that waits for the reader of its winners', async () => {
    const folder = await temporaryFolder();
    await betsFile(folder);
    execFileSync('mkfifo', [join(folder, 'winners')]);
    const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    const client = startClient(folder, 1, port, { CLI_WINNERS_FILE: 'winners' });
    await client.logged('consulta_ganadores', 'success');
    client.kill('SIGTERM');
    await client.logged('shutdown', 'in_progress');
    expect(await terminate(client)).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test.each([
    ['base', '20ms'],
    ['base', '1h'],
    ['resumable', '1h'],
  ])(
    'during the wait for the draw ends the client at once (protocol %s, period %s)',
    async (protocol, period) => {
      const folder = await temporaryFolder();
      await betsFile(folder);
      const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '2' });
      const client = startClient(folder, 1, port, {
        CLI_PROTOCOL: protocol,
        CLI_LOOP_PERIOD: period,
      });
      await client.logged('consulta_ganadores', 'in_progress');
      expect(await terminate(client)).toEqual(DONE);
      // A base agency has closed its connection, except during a question.
      const expected = ['shutdown in_progress', 'close_socket success', 'shutdown success'];
      if (protocol === 'resumable') expect(lastLines(client, 3)).toEqual(expected);
      else expect(lastLines(client, 1)).toEqual(['shutdown success']);
      expect(client.linesOf('close_socket')).toHaveLength(
        client.linesOf('connect', 'success').length,
      );
      expect(client.lines.filter(line => line.result === 'fail')).toEqual([]);
      // A half-closed peer still receives the answer to its WAIT. The next PING detects a closed
      // one.
      if (protocol === 'base') await server.logged('close_socket');
    },
  );

  test('equals SIGINT, and a second signal ends a client that waits for answers', async () => {
    const folder = await temporaryFolder();
    await betsFile(folder);
    const central = await FakeCentral.listen();
    const client = startClient(folder, 1, central.port);
    const conversation = await central.accept();
    await conversation.message();
    conversation.say(welc(1));
    await conversation.message();
    client.kill('SIGINT');
    expect((await client.logged('shutdown', 'in_progress')).details['signal']).toBe('SIGINT');
    client.kill('SIGINT');
    expect(await client.exited).toEqual({ code: null, signal: 'SIGINT' });
  });
});
