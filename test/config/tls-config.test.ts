import { describe, expect, test } from 'vitest';
import { readClientConfig } from '../../src/config/client-config.ts';
import { ConfigError } from '../../src/config/errors.ts';
import { readServerConfig } from '../../src/config/server-config.ts';

const server = (environment: Record<string, string>) =>
  readServerConfig(undefined, { SERVER_PORT: '1', ...environment });
const client = (environment: Record<string, string>) =>
  readClientConfig(undefined, { CLI_ID: '1', CLI_SERVER_ADDRESS: 'server:1', ...environment });

describe('the TLS of a server', () => {
  test('is off by default', () => {
    expect(server({}).tls).toBeUndefined();
  });

  test('is on with a certificate and a key, and mutual with an authority', () => {
    const identity = {
      certificate: { key: 'TLS_CERT', path: 'a.pem' },
      privateKey: { key: 'TLS_KEY', path: 'b.pem' },
    };
    const both = { TLS_CERT: 'a.pem', TLS_KEY: 'b.pem' };
    expect(server(both).tls).toEqual({ identity, clientAuthority: undefined });
    expect(server({ ...both, TLS_CLIENT_CA: 'c.pem' }).tls).toEqual({
      identity,
      clientAuthority: { key: 'TLS_CLIENT_CA', path: 'c.pem' },
    });
  });

  test.each([
    [{ TLS_CERT: 'a.pem' }, 'TLS_KEY is missing: TLS_CERT is set, and TLS needs both or none'],
    [{ TLS_KEY: 'b.pem' }, 'TLS_CERT is missing: TLS_KEY is set, and TLS needs both or none'],
    [
      { TLS_CLIENT_CA: 'c.pem' },
      'TLS_CERT is missing: TLS_CLIENT_CA is set, and TLS needs a certificate of the server',
    ],
  ])('is refused with %j alone', (environment, message) => {
    expect(() => server(environment)).toThrow(new ConfigError(message));
  });
});

describe('the TLS of an agency', () => {
  test('is off by default', async () => {
    expect((await client({})).tls).toBeUndefined();
  });

  test('is on with an authority, and mutual with a certificate and a key', async () => {
    const authority = { key: 'tls.ca', path: 'a.pem' };
    expect((await client({ CLI_TLS_CA: 'a.pem' })).tls).toEqual({ authority, identity: undefined });
    expect(
      (await client({ CLI_TLS_CA: 'a.pem', CLI_TLS_CERT: 'b.pem', CLI_TLS_KEY: 'c.pem' })).tls,
    ).toEqual({
      authority,
      identity: {
        certificate: { key: 'tls.cert', path: 'b.pem' },
        privateKey: { key: 'tls.key', path: 'c.pem' },
      },
    });
  });

  test.each([
    [{ CLI_TLS_CERT: 'b.pem' }, 'tls.key is missing: tls.cert is set, and TLS needs both or none'],
    [{ CLI_TLS_KEY: 'c.pem' }, 'tls.cert is missing: tls.key is set, and TLS needs both or none'],
    [
      { CLI_TLS_CERT: 'b.pem', CLI_TLS_KEY: 'c.pem' },
      'tls.ca is missing: tls.cert is set, and tls.ca switches TLS on',
    ],
  ])('is refused with %j alone', async (environment, message) => {
    await expect(client(environment)).rejects.toEqual(new ConfigError(message));
  });
});
