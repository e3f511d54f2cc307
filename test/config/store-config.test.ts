import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/errors.ts';
import { readServerConfig } from '../../src/config/server-config.ts';
import { STORE_ALLOWED } from '../../src/config/store-choice.ts';

const storeOf = (environment: Record<string, string>) =>
  readServerConfig(undefined, { SERVER_PORT: '1', ...environment }).store;

/** Of a store that must be one on an engine. */
function engineOf(environment: Record<string, string>) {
  const store = storeOf(environment);
  if (store.kind !== 'jetstream') throw new Error(`it is ${store.kind}`);
  return store;
}

const serversOf = (text: string): readonly string[] => engineOf({ SERVER_STORE: text }).engine.servers;

describe('a store that is files or nothing', () => {
  test('is csv, or what SERVER_STORE says in any case of letters', () => {
    expect(storeOf({})).toEqual({ kind: 'csv' });
    expect(storeOf({ SERVER_STORE: 'CSV' })).toEqual({ kind: 'csv' });
    expect(storeOf({ SERVER_STORE: 'memory' })).toEqual({ kind: 'memory' });
  });

  test.each(['csv', 'memory'])('of %s refuses what only an engine has', store => {
    for (const key of [
      'STORE_REPLICAS',
      'STORE_CREDENTIALS',
      'STORE_TLS_CA',
      'STORE_TLS_CERT',
      'STORE_TLS_KEY',
    ]) {
      expect(() => storeOf({ SERVER_STORE: store, [key]: '3' })).toThrow(
        new ConfigError(`${key} is set, and SERVER_STORE names no engine (nats:// or tls://)`),
      );
    }
  });
});

describe('a store on a replicated engine', () => {
  test('has the stream LOTERIA, nobody to log in as, and no TLS', () => {
    expect(storeOf({ SERVER_STORE: 'nats://10.0.0.1' })).toEqual({
      kind: 'jetstream',
      engine: { servers: ['nats://10.0.0.1:4222'], user: undefined, password: undefined, isSecure: false },
      stream: 'LOTERIA',
      replicas: 1,
      replicasAsked: false,
      credentials: undefined,
      authority: undefined,
      certificate: undefined,
      privateKey: undefined,
    });
  });

  test.each([
    ['one host', 'nats://nats1', ['nats1:4222']],
    ['a port', 'nats://nats1:1', ['nats1:1']],
    ['several hosts, some with a port', 'nats://a:1,b,c.example:65535', ['a:1', 'b:4222', 'c.example:65535']],
    ['spaces after commas', 'nats://a, b:2', ['a:4222', 'b:2']],
    ['the scheme again before each host', 'nats://a:1,nats://b:2', ['a:1', 'b:2']],
    ['IPv6', 'nats://[::1]:4223,[2001:db8::2]', ['[::1]:4223', '[2001:db8::2]:4222']],
  ])('is reached at %s', (_, text, hosts) => {
    expect(serversOf(text)).toEqual(hosts.map(host => `nats://${host}`));
  });

  test('has three replicas where three nodes or more are named, and one where fewer are', () => {
    const replicasOf = (hosts: string, more = {}) =>
      engineOf({ SERVER_STORE: `nats://${hosts}`, ...more }).replicas;
    expect(['a', 'a,b', 'a,b,c', 'a,b,c,d,e'].map(hosts => replicasOf(hosts))).toEqual([1, 1, 3, 3]);
    expect(replicasOf('a', { STORE_REPLICAS: '5' })).toBe(5);
    expect(replicasOf('a,b,c', { STORE_REPLICAS: '1' })).toBe(1);
  });

  test.each([
    ['user:word@', { user: 'user', password: 'word' }],
    ['user@', { user: 'user', password: undefined }],
    ['user:@', { user: 'user', password: '' }],
    ['us%40er:w%3Ao%2Crd%25@', { user: 'us@er', password: 'w:o,rd%' }],
  ])('is logged in to with %s before the first host', (prefix, expected) => {
    const { engine } = engineOf({ SERVER_STORE: `nats://${prefix}a:1,b:2` });
    expect(engine).toEqual({ servers: ['nats://a:1', 'nats://b:2'], isSecure: false, ...expected });
  });

  test('is logged in to with a file of credentials', () => {
    const { credentials } = engineOf({ SERVER_STORE: 'nats://a', STORE_CREDENTIALS: 'a.creds' });
    expect(credentials).toEqual({ key: 'STORE_CREDENTIALS', path: 'a.creds' });
  });

  test('is reached over TLS with tls://, and with files where the machine trusts nobody who signed', () => {
    expect(engineOf({ SERVER_STORE: 'tls://a,tls://b' })).toMatchObject({
      engine: { servers: ['nats://a:4222', 'nats://b:4222'], isSecure: true },
      authority: undefined,
      certificate: undefined,
    });
    const files = { STORE_TLS_CA: 'ca.pem', STORE_TLS_CERT: 'a.pem', STORE_TLS_KEY: 'a-key.pem' };
    expect(engineOf({ SERVER_STORE: 'tls://a', ...files })).toMatchObject({
      authority: { key: 'STORE_TLS_CA', path: 'ca.pem' },
      certificate: { key: 'STORE_TLS_CERT', path: 'a.pem' },
      privateKey: { key: 'STORE_TLS_KEY', path: 'a-key.pem' },
    });
  });

  test.each([
    [
      { STORE_TLS_CERT: 'a.pem' },
      'STORE_TLS_KEY is missing: STORE_TLS_CERT is set, and TLS needs both or none',
    ],
    [
      { STORE_TLS_KEY: 'a.pem' },
      'STORE_TLS_CERT is missing: STORE_TLS_KEY is set, and TLS needs both or none',
    ],
  ])('over TLS is refused with %j alone', (environment, message) => {
    expect(() => storeOf({ SERVER_STORE: 'tls://a', ...environment })).toThrow(new ConfigError(message));
  });

  test.each(['STORE_TLS_CA', 'STORE_TLS_CERT', 'STORE_TLS_KEY'])('without TLS is refused with %s', key => {
    expect(() => storeOf({ SERVER_STORE: 'nats://a', [key]: 'a.pem' })).toThrow(
      new ConfigError(`${key} is set, and SERVER_STORE names no engine that is reached over TLS (tls://)`),
    );
  });

  test.each([
    ['no host', 'nats://'],
    ['nothing but a scheme', 'nats:'],
    ['a host without a scheme', 'a:4222'],
    ['another scheme', 'http://a'],
    ['nothing behind a comma', 'nats://a,'],
    ['a port that is none', 'nats://a:0'],
    ['a port that is too large', 'nats://a:65536'],
    ['a port without digits', 'nats://a:'],
    ['an IPv6 address without brackets', 'nats://::1'],
    ['a path', 'nats://a/b'],
    ['TLS for some of them', 'nats://a,tls://b'],
    ['no TLS for some of them', 'tls://a,nats://b'],
    ['a user of the second host', 'nats://a,user@b'],
    ['a password of nobody', 'nats://:word@a'],
    ['a % that begins no character', 'nats://user:100%@a'],
    ['seventeen hosts', `nats://${Array.from({ length: 17 }, (_, index) => `n${index}`).join(',')}`],
  ])('is refused with %s', (_, text) => {
    // Without the password.
    const said = text.replace(/(:\/\/[^:@]*:)[^@]*@/, '$1***@');
    expect(() => storeOf({ SERVER_STORE: text })).toThrow(
      new ConfigError(
        `environment variable SERVER_STORE: SERVER_STORE is '${said}', allowed: ${STORE_ALLOWED}`,
      ),
    );
  });

  test.each([
    ['LOTERIA-2026_11', true],
    ['a'.repeat(64), true],
    ['a'.repeat(65), false],
    ['a.b', false],
    ['a b', false],
    ['>', false],
  ])('has a stream called %s: %s', (stream, isAllowed) => {
    const read = () => engineOf({ SERVER_STORE: 'nats://a', STORE_STREAM: stream }).stream;
    if (isAllowed) expect(read()).toBe(stream);
    else expect(read).toThrow(`STORE_STREAM is '${stream}', allowed: letters, digits, - and _, up to 64`);
  });

  test.each(['0', '2', '4', '6', 'three'])('is refused with %s replicas', text => {
    expect(() => storeOf({ SERVER_STORE: 'nats://a', STORE_REPLICAS: text })).toThrow('allowed: 1, 3 or 5');
  });
});
