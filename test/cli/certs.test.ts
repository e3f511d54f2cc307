import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

async function certs(
  cwd: string,
  ...args: string[]
): Promise<{ code: number | null; said: string; stderr: string }> {
  const program = Program.start(['certs', ...args], { cwd });
  const { code } = await program.exited;
  return { code, said: program.lines.map(({ text }) => text).join('\n'), stderr: program.stderr };
}

const read = (folder: string, name: string): X509Certificate =>
  new X509Certificate(readFileSync(join(folder, `${name}.pem`)));

const pairs = (...names: string[]): string[] =>
  names.flatMap(name => [`${name}-key.pem`, `${name}.pem`]).toSorted();

describe('loteria certs', () => {
  test('creates an authority, a server and agencies, and prints the settings', async () => {
    const cwd = await temporaryFolder();
    const { code, said, stderr } = await certs(cwd, 'pki', '--agencies', '2');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const folder = join(cwd, 'pki');
    expect(readdirSync(folder).toSorted()).toEqual(pairs('ca', 'server', 'agency-1', 'agency-2'));
    for (const line of [
      'TLS_CERT=pki/server.pem',
      'TLS_CLIENT_CA=pki/ca.pem',
      'CLI_TLS_KEY=pki/agency-N-key.pem',
    ])
      expect(said).toContain(`  ${line}\n`);
    const ca = read(folder, 'ca');
    expect(ca.ca).toBe(true);
    for (const [name, subject] of [
      ['server', 'CN=server'],
      ['agency-1', 'CN=agency-1'],
      ['agency-2', 'CN=agency-2'],
    ] as const) {
      const certificate = read(folder, name);
      expect(certificate.subject).toBe(subject);
      expect(certificate.ca).toBe(false);
      expect(certificate.verify(ca.publicKey)).toBe(true);
      expect(certificate.checkIssued(ca)).toBe(true);
      expect(Date.parse(certificate.validTo) - Date.now()).toBeGreaterThan(364 * DAY_MS);
      expect(Date.parse(certificate.validTo) - Date.now()).toBeLessThan(366 * DAY_MS);
    }
  });

  test('creates keys that only their owner can read', async () => {
    const folder = await temporaryFolder();
    const { said } = await certs(folder, 'made', '--agencies', '1');
    expect(said).toContain('made: an authority, a server and 1 agency, until ');
    const made = join(folder, 'made');
    expect(statSync(made).mode & 0o777).toBe(0o700);
    const modes = readdirSync(made).map(name => [
      name.includes('key'),
      statSync(join(made, name)).mode & 0o077,
    ]);
    expect(modes.filter(([isKey, others]) => isKey && others !== 0)).toEqual([]);
    expect(modes).toHaveLength(6);
  });

  test('issues the server certificate for its default hosts and those of --host', async () => {
    const folder = await temporaryFolder();
    const hosts = ['--host', 'loteria.example', '--host', '10.0.0.7'];
    await certs(folder, '.', '--agencies', '0', ...hosts, '--days', '2');
    const server = read(folder, 'server');
    for (const host of ['localhost', 'server', 'loteria.example'])
      expect(server.checkHost(host, { subject: 'never' })).toBe(host);
    for (const ip of ['127.0.0.1', '::1', '10.0.0.7']) expect(server.checkIP(ip)).toBe(ip);
    expect(server.checkHost('other.example')).toBeUndefined();
    expect(Date.parse(server.validTo) - Date.now()).toBeLessThan(2 * DAY_MS);
  });

  test('overwrites nothing', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'agency-3-key.pem'), 'mine');
    const { code, stderr } = await certs(folder, '.');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'loteria: agency-3-key.pem exists already; nothing was changed\n',
    });
    expect(readdirSync(folder)).toEqual(['agency-3-key.pem']);
  });

  test.each([
    ['--host', 'not a host'],
    ['--days', '0'],
    ['--days', '3651'],
    ['--agencies', '1001'],
  ])('refuses %s %s with exit code 2', async (option, value) => {
    const folder = await temporaryFolder();
    expect((await certs(folder, '.', option, value)).code).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
  });
});
