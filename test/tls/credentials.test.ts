import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  CredentialsError,
  readAuthority,
  readIdentity,
  readServerCredentials,
} from '../../src/tls/credentials.ts';
import { signed, writePair } from '../support/certificates.ts';
import { startServer, startClient, Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const trusted = await signed();
const agency = await trusted.agency(1);

const named = (folder: string) => ({
  certificate: { key: 'TLS_CERT', path: join(folder, 'own.pem') },
  privateKey: { key: 'TLS_KEY', path: join(folder, 'own-key.pem') },
});

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  }) as string;
}

const DAMAGED = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

/** The error for files with this content; undefined content: a missing file. */
async function failureOf(cert: string | undefined, key: string | undefined): Promise<string> {
  const folder = await temporaryFolder();
  if (cert !== undefined) await writeFile(join(folder, 'own.pem'), cert);
  if (key !== undefined) await writeFile(join(folder, 'own-key.pem'), key);
  try {
    readIdentity(named(folder));
  } catch (error) {
    expect(error).toBeInstanceOf(CredentialsError);
    return (error as Error).message.replaceAll(`${folder}/`, '');
  }
  throw new Error('the files were accepted');
}

describe('a certificate and its key', () => {
  test('are read with subject and expiry, and keep the certificates that follow', async () => {
    const folder = await temporaryFolder();
    await writePair(folder, 'own', { ...agency, cert: agency.cert + trusted.ca });
    const { identity, subject, validities } = readServerCredentials({
      identity: named(folder),
      clientAuthority: undefined,
    });
    expect({ ...identity, subject }).toEqual({
      cert: agency.cert + trusted.ca,
      key: agency.key,
      subject: 'CN=agency-1',
    });
    const [agencyEnds, caEnds] = [agency.cert, trusted.ca].map(
      text => new X509Certificate(text).validTo,
    );
    expect(Date.parse(agencyEnds!)).toBeLessThan(Date.parse(caEnds!));
    expect(validities.map(({ file, validTo }) => [file, validTo])).toEqual([
      ['TLS_CERT', new Date(agencyEnds!)],
    ]);
  });

  test.each([
    [
      'the certificate is missing',
      undefined,
      agency.key,
      'TLS_CERT is own.pem, which cannot be read, it does not exist (ENOENT)',
    ],
    [
      'the key is missing',
      agency.cert,
      undefined,
      'TLS_KEY is own-key.pem, which cannot be read, it does not exist (ENOENT)',
    ],
    [
      'the certificate is empty',
      '',
      agency.key,
      'TLS_CERT is own.pem, which holds no certificate in PEM',
    ],
    [
      'they are swapped',
      agency.key,
      agency.cert,
      'TLS_CERT is own.pem, which holds no certificate in PEM',
    ],
    [
      'the certificate is damaged',
      DAMAGED,
      agency.key,
      'TLS_CERT is own.pem, which holds a damaged certificate',
    ],
    [
      'the key file holds no key',
      agency.cert,
      agency.cert,
      'TLS_KEY is own-key.pem, which holds no key in PEM',
    ],
    [
      'the key is encrypted',
      agency.cert,
      encryptedKey(),
      'TLS_KEY is own-key.pem, which is encrypted; a key without passphrase is needed',
    ],
    [
      'the key belongs to another certificate',
      agency.cert,
      trusted.server.key,
      'TLS_KEY is own-key.pem, which is not the key of the certificate in TLS_CERT, own.pem',
    ],
  ])('are refused when %s', async (_, cert, key, message) => {
    expect(await failureOf(cert, key)).toBe(message);
  });
});

describe('an authority', () => {
  test('may consist of several certificates', async () => {
    const path = join(await temporaryFolder(), 'ca.pem');
    const text = `Both of them\n${trusted.ca}\n${(await signed()).ca}`;
    await writeFile(path, text);
    expect(readAuthority({ key: 'tls.ca', path })).toBe(text);
  });

  test('is refused when its file holds no certificate', async () => {
    const path = join(await temporaryFolder(), 'ca.pem');
    await writeFile(path, agency.key);
    expect(() => readAuthority({ key: 'tls.ca', path })).toThrow(
      `tls.ca is ${path}, which holds no certificate in PEM`,
    );
  });
});

describe('unusable TLS files end the program with exit code 2 and one line:', () => {
  test('of the server', async () => {
    const folder = await temporaryFolder();
    await writePair(folder, 'own', { ...agency, key: trusted.server.key });
    const server = Program.start(['server'], {
      cwd: folder,
      env: { SERVER_PORT: '0', TLS_CERT: 'own.pem', TLS_KEY: 'own-key.pem' },
    });
    expect(await server.exited).toEqual({ code: 2, signal: null });
    expect(
      server.lines.filter(({ result }) => result === 'fail').map(({ text }) => text.slice(20)),
    ).toEqual([
      'ERROR    action: start | result: fail | error: TLS_KEY is own-key.pem, which is not the key of the certificate in TLS_CERT, own.pem',
    ]);
    expect(server.stderr).toBe('');
  });

  test('end an agency with exit code 1 and one log line', async () => {
    const folder = await temporaryFolder();
    const { port } = await startServer(folder);
    const client = startClient(folder, 1, port, { CLI_TLS_CA: 'no-such.pem' });
    expect(await client.exited).toEqual({ code: 2, signal: null });
    expect(client.stderr).toBe(
      'loteria: tls.ca is no-such.pem, which cannot be read, it does not exist (ENOENT)\n',
    );
  });
});
