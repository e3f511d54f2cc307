import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  EXPIRED,
  HOSTS,
  pem,
  type Signed,
  signed,
  VALID,
  writePair,
} from '../support/certificates.ts';
import { range } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };

const AGENCIES = [1, 2, 3, 4, 5];

const SERVER_TLS = { TLS_CERT: 'server.pem', TLS_KEY: 'server-key.pem', TLS_CLIENT_CA: 'ca.pem' };

/** Settings of a client with the certificate of this name. */
const showing = (name: string): Record<string, string> => ({
  CLI_TLS_CA: 'ca.pem',
  CLI_TLS_CERT: `${name}.pem`,
  CLI_TLS_KEY: `${name}-key.pem`,
});

const fileOf = (agency: number): Record<string, string> => ({
  CLI_FILE_NAME: `agency-${agency}.csv`,
});

/** Lines of an agency's file; the first wins. */
const linesOf = (agency: number, count: number): string[] =>
  range(count).map(
    index =>
      `Ana,Paz,${agency}${String(index).padStart(6, '0')},1990-01-02,${index === 0 ? 7574 : 1}`,
  );

const rowsOf = (agency: number, count: number): string =>
  linesOf(agency, count)
    .map(line => `${agency},${line}\r\n`)
    .join('');

/** A folder with the certificates of `loteria certs`, and the bets of all agencies. */
async function folderForAll(count: number): Promise<string> {
  const folder = await temporaryFolder();
  expect(await Program.start(['certs', '.'], { cwd: folder }).exited).toEqual(DONE);
  for (const agency of AGENCIES)
    await writeFile(
      join(folder, `agency-${agency}.csv`),
      linesOf(agency, count).join('\n').concat('\n'),
    );
  return folder;
}

/** A folder with an authority, a server certificate, and the bets of agency 1. */
async function folderSignedBy(authority: Signed, count: number): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'ca.pem'), authority.ca);
  await writePair(folder, 'server', authority.server);
  await writeFile(join(folder, 'agency-1.csv'), linesOf(1, count).join('\n').concat('\n'));
  return folder;
}

/** The error of a client. */
const reasonOf = (client: Program): string | undefined =>
  client.linesOf('exit', 'fail').at(-1)?.details['error'];

const trusted = await signed();

describe('a lottery over mutual TLS', () => {
  test.each([
    ['resumable', 'tp0'],
    ['base', 'tp0'],
    ['csv-frames', 'csv-frames'],
  ])(
    'stores each bet once and delivers the winners to five agencies (%s)',
    async (protocol, dialect) => {
      const folder = await folderForAll(1_000);
      const { server, port } = await startServer(folder, {
        ...SERVER_TLS,
        SERVER_PORT: '',
        SERVER_LISTENERS: `${dialect}:0`,
      });
      const clients = AGENCIES.map(agency =>
        startClient(folder, agency, port, {
          ...showing(`agency-${agency}`),
          ...fileOf(agency),
          CLI_PROTOCOL: protocol,
          CLI_WINNERS_FILE: `winners-${agency}.txt`,
        }),
      );
      for (const [index, client] of clients.entries()) {
        expect(await client.exited, client.transcript()).toEqual(DONE);
        expect(await readFile(join(folder, `winners-${index + 1}.txt`), 'utf8')).toBe(
          `${index + 1}000000\n`,
        );
      }
      const rows = await readFile(join(folder, 'bets.csv'), 'utf8');
      for (const agency of AGENCIES) {
        const own = rows.split(/(?<=\r\n)/).filter(row => row.startsWith(`${agency},`));
        expect(own.join('')).toBe(rowsOf(agency, 1_000));
      }
      expect(server.linesOf('open_tls')[0]!.details).toMatchObject({
        certificate: 'CN=server',
        client_certificates: 'required',
      });
      server.kill('SIGTERM');
      expect(await server.exited).toEqual(DONE);
      expect(
        [server, ...clients].flatMap(({ lines }) =>
          lines.filter(({ result }) => result === 'fail'),
        ),
      ).toEqual([]);
      expect([server, ...clients].map(({ stderr }) => stderr).join('')).toBe('');
    },
  );

  test('resumes an upload after a server kill, with every bet stored once (P3)', async () => {
    const folder = await folderForAll(20_000);
    const port = await freePort();
    const env = { ...SERVER_TLS, SERVER_PORT: String(port), NUMBER_AGENCIES: '1' };
    const { server } = await startServer(folder, env);
    const client = startClient(folder, 1, port, {
      ...showing('agency-1'),
      ...fileOf(1),
      CLI_BATCH_MAXAMOUNT: '10',
      CLI_LOG_PROGRESS: '1ms',
    });
    await client.line(({ details }) => Number(details['bets']) > 100, 'progress');
    server.kill('SIGKILL');
    await server.exited;
    await startServer(folder, env);
    expect(await client.exited, client.transcript()).toEqual(DONE);
    expect(client.linesOf('resume_upload', 'success')).toHaveLength(1);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(rowsOf(1, 20_000));
  });
});

describe('an agency that the server rejects', () => {
  test.each([
    [
      'the certificate of another agency',
      () => trusted.agency(2),
      'unauthorized, the certificate speaks for agency 2',
    ],
    ['no certificate', async () => undefined, 'unauthorized, no certificate was shown'],
  ])(
    'reports the reason and exits, without effect on other agencies: %s',
    async (_, issue, why) => {
      const folder = await folderSignedBy(trusted, 10);
      await writePair(folder, 'good', await trusted.agency(1));
      const shown = await issue();
      if (shown !== undefined) await writePair(folder, 'shown', shown);
      const { server, port } = await startServer(folder, { ...SERVER_TLS, NUMBER_AGENCIES: '1' });
      const tls = shown === undefined ? { CLI_TLS_CA: 'ca.pem' } : showing('shown');
      for (const protocol of ['resumable', 'base']) {
        const client = startClient(folder, 1, port, {
          ...tls,
          ...fileOf(1),
          CLI_PROTOCOL: protocol,
        });
        expect(await client.exited, client.transcript()).toEqual(FAILED);
        if (protocol === 'resumable') expect(reasonOf(client)).toBe(`the central refused, ${why}`);
      }
      const failures = server.lines.filter(({ result }) => result === 'fail');
      const said = failures.map(
        ({ details }) => details['error'] ?? `${details['code']}, ${details['detail']}`,
      );
      expect(said.map(text => text.replace('unauthorized, ', ''))).toEqual(
        Array.from({ length: 2 }, () => why.replace('unauthorized, ', '')),
      );
      const good = startClient(folder, 1, port, { ...showing('good'), ...fileOf(1) });
      expect(await good.exited, good.transcript()).toEqual(DONE);
      expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(rowsOf(1, 10));
      expect(server.stderr).toBe('');
    },
  );
});

describe('a server certificate replaced at run time', () => {
  const ONE_SIDED = { TLS_CERT: 'server.pem', TLS_KEY: 'server-key.pem', NUMBER_AGENCIES: '1' };

  test('is reloaded on SIGHUP when the old one has expired, and agencies continue', async () => {
    const folder = await folderSignedBy(trusted, 10);
    await writePair(folder, 'server', pem(await trusted.authority.issueServer(HOSTS, EXPIRED)));
    const { server, port } = await startServer(folder, ONE_SIDED);
    const { level, details } = await server.logged('check_certificate', 'fail');
    expect({ level, ...details }).toMatchObject({
      level: 'WARNING',
      file: 'TLS_CERT',
      error: 'the certificate has expired',
    });
    const client = startClient(folder, 1, port, { ...fileOf(1), CLI_TLS_CA: 'ca.pem' });
    const waiting = await client.logged('connect', 'in_progress');
    expect(waiting.details['error']).toBe(
      "the server's certificate cannot be trusted, it has expired",
    );
    await writePair(folder, 'server', trusted.server);
    server.kill('SIGHUP');
    expect(await client.exited, client.transcript()).toEqual(DONE);
    expect(server.linesOf('open_tls', 'success')).toHaveLength(2);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(rowsOf(1, 10));
  });

  test('stays in force when the new files are unusable; the reason is logged once', async () => {
    const folder = await folderSignedBy(trusted, 10);
    const { server, port } = await startServer(folder, ONE_SIDED);
    await writeFile(join(folder, 'server-key.pem'), 'half');
    const { level, details } = await server.logged('open_tls', 'fail');
    expect({ level, error: details['error'] }).toEqual({
      level: 'ERROR',
      error: 'TLS_KEY is server-key.pem, which holds no key in PEM',
    });
    const client = startClient(folder, 1, port, { ...fileOf(1), CLI_TLS_CA: 'ca.pem' });
    expect(await client.exited, client.transcript()).toEqual(DONE);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual(DONE);
    expect(server.linesOf('open_tls', 'fail')).toHaveLength(1);
  });

  test('is reloaded without a signal too, and warns when it expires soon', async () => {
    const folder = await folderSignedBy(trusted, 10);
    const { server } = await startServer(folder, { ...ONE_SIDED, HTTP_PORT: '0' });
    const { url } = (await server.logged('listen_http')).details;
    const scraped = async (): Promise<string> => (await fetch(`${url}metrics`)).text();
    const expiry = (text: string): number =>
      Number(/^loteria_tls_certificate_expiry_seconds\{file="TLS_CERT"\} (\S+)$/m.exec(text)![1]);
    expect(server.linesOf('check_certificate', 'in_progress')).toHaveLength(1);
    const before = expiry(await scraped());
    const notAfter = new Date(Date.now() + 2.5 * 24 * 60 * 60 * 1000);
    const renewed = await trusted.authority.issueServer(HOSTS, { ...VALID, notAfter });
    await writePair(folder, 'server', pem(renewed));
    await server.line(() => server.linesOf('open_tls', 'success').length === 2, 'the new files');
    expect(server.linesOf('check_certificate', 'in_progress').at(-1)!.details['error']).toBe(
      'the certificate expires soon',
    );
    const after = expiry(await scraped());
    expect(after).toBe(Math.floor(notAfter.getTime() / 1000));
    expect(after).toBeGreaterThan(before);
  });
});

describe('a client', () => {
  test('that speaks plain TCP to a TLS port gets a hint and retries', async () => {
    const folder = await folderSignedBy(trusted, 10);
    const { server, port } = await startServer(folder, SERVER_TLS);
    const client = startClient(folder, 1, port, fileOf(1));
    const { details } = await client.logged('reconnect', 'in_progress');
    expect(details['error']).toContain('or TLS, for which tls.ca must be set?');
    client.kill('SIGTERM');
    expect(await client.exited).toEqual(DONE);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual(DONE);
    const failures = server.lines.filter(({ result }) => result === 'fail');
    expect(new Set(failures.map(({ text }) => text.slice(20)))).toEqual(
      new Set([
        'WARNING  action: tls_handshake | result: fail | ip: 127.0.0.1 | error: what the peer says is not TLS',
      ]),
    );
    expect(server.stderr).toBe('');
  });

  test('that speaks TLS to a plain port is refused, gets a hint and retries', async () => {
    const folder = await folderSignedBy(trusted, 10);
    const { server, port } = await startServer(folder);
    const client = startClient(folder, 1, port, { ...fileOf(1), CLI_TLS_CA: 'ca.pem' });
    const { details } = await client.logged('connect', 'in_progress');
    expect(details['error']).toMatch(
      /before the TLS handshake was done; does the server speak TLS on this port\?$/,
    );
    expect((await server.logged('refuse', 'fail')).details['code']).toBe('unknown-message');
    client.kill('SIGTERM');
    expect(await client.exited).toEqual(DONE);
  });
});

describe('the echo over TLS', () => {
  const MESSAGES = { CLI_MODE: 'echo', CLI_LOOP_AMOUNT: '3', CLI_LOOP_PERIOD: '1ms' };

  test('reaches an agency with a certificate', async () => {
    const folder = await folderSignedBy(trusted, 0);
    await writePair(folder, 'agency-1', await trusted.agency(1));
    const { server, port } = await startServer(folder, { ...SERVER_TLS, SERVER_MODE: 'echo' });
    const client = startClient(folder, 1, port, { ...MESSAGES, ...showing('agency-1') });
    expect(await client.exited, client.transcript()).toEqual(DONE);
    expect(
      client.linesOf('receive_message', 'success').map(({ details }) => details['msg']),
    ).toEqual([1, 2, 3].map(number => `[CLIENT 1] Message N°${number}`));
    server.kill('SIGTERM');
    expect(await server.exited).toEqual(DONE);
    expect(server.lines.filter(({ result }) => result === 'fail')).toEqual([]);
  });
});
