import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AGENCY_PROTOCOLS } from '../../src/wire/dialect-names.ts';
import { pipeFile } from '../agency/pipe-file.ts';
import { fail, FakeCentral, welc } from '../support/fake-central.ts';
import { freePort } from '../support/free-port.ts';
import { Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };

const GOOD = 'Ana,Pérez,11,1990-01-02,7574\n';

type Environment = Record<string, string>;

async function folderWith(content: string | Buffer): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'agency.csv'), content);
  return folder;
}

/** Expects that a client ends without connecting. */
async function refused(content: string | Buffer, env: Environment = {}): Promise<Program> {
  const central = await FakeCentral.listen();
  const client = startClient(await folderWith(content), 1, central.port, env);
  expect(await client.exited).toEqual(FAILED);
  expect(central.conversations).toEqual([]);
  expect(client.stderr).toBe('');
  return client;
}

/** Expects that a client finishes. @returns its stored rows */
async function stored(
  content: string | Buffer,
  env: Environment = {},
  exit: { code: number; signal: null } = DONE,
): Promise<{ client: Program; folder: string; rows: string }> {
  const folder = await folderWith(content);
  const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
  const client = startClient(folder, 1, port, env);
  expect(await client.exited).toEqual(exit);
  return { client, folder, rows: await readFile(join(folder, 'bets.csv'), 'utf8') };
}

function faultsOf(client: Program): string[] {
  return client
    .linesOf('read_bet', 'fail')
    .map(({ details: { line, field, value, reason } }) => `${line} ${field} '${value}' ${reason}`);
}

function hintOf(client: Program): string | undefined {
  return client.linesOf('check_file', 'fail').at(-1)?.details['hint'];
}

async function mended(content: string, command: string): Promise<string> {
  const folder = await folderWith(content);
  execFileSync('sh', ['-c', command], { cwd: folder });
  return readFile(join(folder, 'agency.csv'), 'utf8');
}

const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

describe('an unparsable file', () => {
  test.each([
    ['semicolons', 'A;B;1;1990-01-01;5\n'.repeat(300), "CLI_FILE_DELIMITER=';'"],
    ['tabs', 'A\tB\t1\t1990-01-01\t5\n'.repeat(3), String.raw`CLI_FILE_DELIMITER='\t'`],
    ['Windows-1252', Buffer.from(GOOD, 'latin1'), 'CLI_FILE_ENCODING=windows-1252'],
  ])('is not sent, and the report names the fix (%s)', async (_, content, hint) => {
    const client = await refused(content);
    expect(client.transcript()).toContain(hint);
    expect(client.lines.at(-1)!.details['error']).toContain(
      'nothing was sent and the agency stays open',
    );
  });

  test('has at most 20 faults of a kind listed, the others counted', async () => {
    const client = await refused('A;B;1;1990-01-01;5\n'.repeat(300));
    const lines = client.linesOf('read_bet', 'fail');
    expect(lines).toHaveLength(21);
    expect(lines[20]!.text.slice(20)).toBe(
      'ERROR    action: read_bet | result: fail | file: agency.csv | field: line | reason: too-few-fields | more: 280',
    );
  });

  test.each([
    [
      'windows-1252',
      Buffer.from('Ana,P\xe9rez,11,1990-01-02,7574\nJ\x80,\x9f,12,1990-01-02,1\n', 'latin1'),
    ],
    ['utf-16le', utf16(`${GOOD}J€,Ÿ,12,1990-01-02,1\n`)],
    ['utf-16le', utf16(`${GOOD}J€,Ÿ,12,1990-01-02,1\r\n`).subarray(2)],
  ])('is read with file.encoding %s', async (encoding, content) => {
    const { rows } = await stored(content, { CLI_FILE_ENCODING: encoding });
    expect(rows).toBe('1,Ana,Pérez,11,1990-01-02,7574\r\n1,J€,Ÿ,12,1990-01-02,1\r\n');
  });

  test('leaves its agency open', async () => {
    const folder = await folderWith(GOOD.replaceAll(',', ';'));
    const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
    expect(await startClient(folder, 1, port).exited).toEqual(FAILED);
    expect(await startClient(folder, 1, port, { CLI_FILE_DELIMITER: ';' }).exited).toEqual(DONE);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(
      '1,Ana,Pérez,11,1990-01-02,7574\r\n',
    );
  });

  test.each(AGENCY_PROTOCOLS)('is refused in protocol %s for one invalid bet', async protocol => {
    await refused(`${GOOD}Ana,Paz,x,1990-01-02,1\n`, { CLI_PROTOCOL: protocol });
  });
});

describe('a line with several faults', () => {
  test.each([
    [
      'Ana,Paz,30.904.465,17/03/1999,5 \n',
      [
        "1 document '30.904.465' not-digits",
        "1 birthdate '17/03/1999' not-a-date",
        String.raw`1 number '5\x20' not-digits`,
      ],
    ],
    [
      `${GOOD}Ana\t,\u00a0,1,1999-02-29,10000\n`,
      [
        String.raw`2 first_name 'Ana\x09' control-character`,
        "2 birthdate '1999-02-29' not-a-date",
        "2 number '10000' out-of-range",
      ],
    ],
    [`${GOOD},Paz,1a,1999-02-28,1\n`, ["2 first_name '' empty", "2 document '1a' not-digits"]],
  ])('has each fault reported with its value (%j)', async (content, faults) => {
    expect(faultsOf(await refused(content))).toEqual(faults);
  });

  test.each([
    ['Ana,Paz,30.904.465,1990-01-02,1\n', /^documents have dots; sed .* agency\.csv/],
    ['Ana,Paz,1,17/03/1999,1\n', /^dates seem to be DD\/MM\/YYYY; sed .* agency\.csv/],
    ['Ana,Paz, 1,1999-03-17,1\n', /^values have spaces around them; sed .* agency\.csv/],
  ])('is fixed by the command of the hint (%j)', async (content, hint) => {
    const client = await refused(content);
    expect(hintOf(client)).toMatch(hint);
    const command = /sed .*agency\.csv/.exec(hintOf(client)!)![0];
    const { rows } = await stored(await mended(content, command));
    expect(rows.trimEnd().split(',')).toHaveLength(6);
  });
});

describe('a file without bets', () => {
  test.each([
    ['no bytes', ''],
    ['empty lines', '\n\r\n\n'],
    ['a heading only', 'nombre,apellido,documento,nacimiento,numero\n'],
  ])('is refused, and finishes the agency only with file.allowEmpty (%s)', async (_, content) => {
    const client = await refused(content);
    expect(client.lines.at(-1)!.details['error']).toContain('CLI_FILE_ALLOWEMPTY');
    expect((await stored(content, { CLI_FILE_ALLOWEMPTY: 'true' })).rows).toBe('');
  });

  test('is refused with only invalid lines, even with file.invalid skip', async () => {
    await refused('x\ny\n', { CLI_FILE_INVALID: 'skip' });
  });

  test.each(['base', 'resumable'])(
    'does not finish the agency when it is /dev/null (protocol %s)',
    async protocol => {
      const folder = await folderWith(GOOD);
      const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
      const env = { CLI_FILE_NAME: '/dev/null', CLI_PROTOCOL: protocol };
      expect(await startClient(folder, 1, port, env).exited).toEqual(FAILED);
      expect(server.linesOf('sorteo')).toEqual([]);
      expect(await startClient(folder, 1, port).exited).toEqual(DONE);
    },
  );
});

describe('a heading line', () => {
  test.each([
    'nombre,apellido,documento,nacimiento,numero\n',
    '\ufeffName,Surname,Document,Birthdate,Number\r\n',
    '"Nombre","Apellido","DNI","Fecha de nacimiento","Número"\n',
  ])('is skipped and logged (%j)', async heading => {
    const { client, rows } = await stored(heading + GOOD);
    expect(rows).toBe('1,Ana,Pérez,11,1990-01-02,7574\r\n');
    expect(client.linesOf('skip_heading', 'success')[0]!.details).toEqual({
      file: 'agency.csv',
      line: '1',
    });
  });
});

describe('skipped lines', () => {
  const SKIP = { CLI_FILE_INVALID: 'skip' };

  test.each(['base', 'resumable'])(
    'cause exit code 1 after SIGTERM (protocol %s)',
    async CLI_PROTOCOL => {
      const folder = await folderWith(`${GOOD}${'x\n'.repeat(5)}`);
      const { port } = await startServer(folder, { NUMBER_AGENCIES: '2' });
      const client = startClient(folder, 1, port, { ...SKIP, CLI_PROTOCOL });
      await client.logged('consulta_ganadores', 'in_progress');
      client.kill('SIGTERM');
      expect(await client.exited).toEqual(FAILED);
      expect(client.lines.at(-1)!.text).toContain('refused_lines: 5');
    },
  );

  test('cause exit code 1 after SIGTERM when the central refused their batch', async () => {
    const central = await FakeCentral.listen();
    const client = startClient(await folderWith(GOOD), 1, central.port);
    const conversation = await central.accept();
    await conversation.message();
    conversation.say(welc(1));
    await conversation.message();
    conversation.say(fail('invalid-bet', 0, 1, 0, 'document', 'not-digits'));
    expect(await conversation.message()).toBe('DONE 0|0');
    client.kill('SIGTERM');
    expect(await client.exited).toEqual(FAILED);
  });

  test.each([
    ['utf-8', Buffer.from(`x\r\n${GOOD}y,\xe9\nlast`), `x\r\ny,\xe9\nlast\n`, 'utf8'],
    ['utf-8', Buffer.from(`x\xe9\n${GOOD.replace('é', 'e')}`, 'latin1'), 'x\xe9\n', 'latin1'],
    ['windows-1252', Buffer.from(`x\x80\xe9\n${GOOD}`, 'latin1'), 'x\x80\xe9\n', 'latin1'],
    ['utf-16le', utf16(`${GOOD}x€\n`), 'x€\n', 'utf16le'],
  ] as const)(
    'are written unchanged to the REJECTED file (%s, %j)',
    async (encoding, content, left, decoding) => {
      const { folder, rows } = await stored(
        content,
        { ...SKIP, CLI_FILE_ENCODING: encoding },
        FAILED,
      );
      expect(rows.split('\r\n')).toHaveLength(2);
      const path = join(folder, 'REJECTED-agency.csv');
      expect((await readFile(path)).toString(decoding)).toBe(left);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    },
  );

  test.each([
    ['refuse', 0],
    ['skip', 1],
  ])(
    'of a pipe are reported, and drawn without only if skipped: file.invalid %s',
    async (CLI_FILE_INVALID, draws) => {
      const folder = await temporaryFolder();
      const { writer } = await pipeFile(folder);
      const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
      const client = startClient(folder, 1, port, { CLI_FILE_INVALID });
      // The client has opened the pipe by then.
      await client.logged('connect');
      await writer.write(`${GOOD}x\n${GOOD}`);
      await writer.close();
      expect(await client.exited).toEqual(FAILED);
      expect(faultsOf(client)).toEqual(["2 line 'x' too-few-fields"]);
      expect(server.linesOf('sorteo', 'success')).toHaveLength(draws);
    },
  );
});

describe('a stray quotation mark', () => {
  const VALID = 'Eva,Paz,12,1990-01-02,1\n';
  test.each([
    [`"${GOOD}${VALID}"${GOOD}`, 3],
    [`${GOOD}"${GOOD}${VALID}`, 1],
    [`${GOOD}Ana,"Paz,1,1990-01-02,1\n${VALID}${VALID}",Gil,1,1990-01-02,1\n`, 4],
  ])('has every line that it breaks counted and reported (%j)', async (content, lines) => {
    const { client, folder } = await stored(
      `${GOOD}${content}`,
      { CLI_FILE_INVALID: 'skip' },
      FAILED,
    );
    expect(client.lines.at(-1)!.details['refused_lines']).toBe(String(lines));
    const left = await readFile(join(folder, 'REJECTED-agency.csv'), 'utf8');
    expect(left.trimEnd().split('\n')).toHaveLength(lines);
    expect(hintOf(client)).toMatch(/^a field begins with a quotation mark/);
  });
});

describe('a last line without a line end', () => {
  test.each([`${GOOD}Ana,Paz,1,1990-01-02,75`, `${GOOD}${GOOD}Ana,Paz,1,1990-01-02,7`])(
    'is refused when its number may be truncated (%j)',
    async content => {
      const client = await refused(content);
      expect(faultsOf(client)[0]).toMatch(/ number '75?' no-line-end$/);
      expect(hintOf(client)).toContain('echo >> agency.csv');
    },
  );

  test.each([
    [`${GOOD}Ana,Paz,1,1990-01-02,7574`],
    [`${GOOD}Ana,Paz,1,1990-01-02,"75"`],
    [`${GOOD}Ana,Paz,1,1990-01-02,75\r`],
    ['Ana,Paz,1,1990-01-02,75'],
  ])('is a bet when its number is complete or it is the only line (%j)', async content => {
    const { rows } = await stored(content);
    expect(rows).toContain('1,Ana,Paz,1,1990-01-02,75');
  });
});

describe('loteria client --check', () => {
  async function check(content: string): Promise<Program> {
    const program = Program.start(['client', '--check'], {
      cwd: await folderWith(content),
      env: { CLI_ID: '1', CLI_SERVER_ADDRESS: `127.0.0.1:${await freePort()}` },
    });
    await program.exited;
    return program;
  }

  test('reports the number of bets in a file, exit code 0', async () => {
    const program = await check(GOOD.repeat(3));
    expect(await program.exited).toEqual(DONE);
    expect(program.lines.at(-1)!.text.slice(20)).toBe(
      'INFO     action: check_file | result: success | client_id: 1 | file: agency.csv | bets: 3',
    );
  });

  test.each(['', 'x\n', `${GOOD}x\n`])(
    'reports a file that would be refused (%j), exit code 1',
    async content => {
      expect(await (await check(content)).exited).toEqual(FAILED);
    },
  );
});
