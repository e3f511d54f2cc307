import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/errors.ts';
import { readServerConfig } from '../../src/config/server-config.ts';
import { STORE_ALLOWED } from '../../src/config/store-choice.ts';

const storeOf = (environment: Record<string, string>) =>
  readServerConfig(undefined, { SERVER_PORT: '1', ...environment }).store;

/** The configuration of a store that must be a database. */
function engineOf(environment: Record<string, string>) {
  const store = storeOf(environment);
  if (store.kind !== 'postgres') throw new Error(`it is ${store.kind}`);
  return store;
}

const addressOf = (text: string) => engineOf({ SERVER_STORE: text }).engine;

describe('a csv or memory store', () => {
  test('is csv by default, or SERVER_STORE in any letter case', () => {
    expect(storeOf({})).toEqual({ kind: 'csv' });
    expect(storeOf({ SERVER_STORE: 'CSV' })).toEqual({ kind: 'csv' });
    expect(storeOf({ SERVER_STORE: 'memory' })).toEqual({ kind: 'memory' });
  });

  test.each(['csv', 'memory'])('refuses a setting of an engine (%s)', store => {
    for (const [key, value] of [
      ['STORE_SYNC', 'quorum'],
      ['STORE_LOTTERY', 'SORTEO-2'],
    ] as const) {
      expect(() => storeOf({ SERVER_STORE: store, [key]: value })).toThrow(
        new ConfigError(
          `${key} is set, and SERVER_STORE is ${store}, which has none: remove ${key}, or set SERVER_STORE to postgres://…`,
        ),
      );
    }
  });
});

describe('a store on a replicated engine', () => {
  test('has the lottery LOTERIA, no password and no TLS by default', () => {
    expect(storeOf({ SERVER_STORE: 'postgres://10.0.0.1/bets' })).toEqual({
      kind: 'postgres',
      engine: {
        hosts: [{ host: '10.0.0.1', port: 5432 }],
        database: 'bets',
        user: undefined,
        password: undefined,
        tls: undefined,
      },
      lottery: 'LOTERIA',
      sync: 'single',
    });
  });

  test.each([
    ['one host', 'a', ['a:5432']],
    ['a port', 'a:1', ['a:1']],
    [
      'several hosts, some with a port',
      'a:1,b,c.example:65535',
      ['a:1', 'b:5432', 'c.example:65535'],
    ],
    ['spaces after commas', 'a, b:2', ['a:5432', 'b:2']],
    ['IPv6', '[::1]:4223,[2001:db8::2]', ['::1:4223', '2001:db8::2:5432']],
  ])('takes its hosts from %s', (_, text, hosts) => {
    const { hosts: found } = addressOf(`postgres://${text}/loteria`);
    expect(found.map(({ host, port }) => `${host}:${port}`)).toEqual(hosts);
    expect(addressOf(`postgresql://u@${text}/loteria`).hosts).toEqual(found);
  });

  test('waits for a quorum with several hosts, unless STORE_SYNC overrides it', () => {
    const syncOf = (hosts: string, more = {}) =>
      engineOf({ SERVER_STORE: `postgres://${hosts}/loteria`, ...more }).sync;
    expect(['a', 'a,b', 'a,b,c'].map(hosts => syncOf(hosts))).toEqual([
      'single',
      'quorum',
      'quorum',
    ]);
    expect(syncOf('a', { STORE_SYNC: 'quorum' })).toBe('quorum');
    expect(syncOf('a,b', { STORE_SYNC: 'single' })).toBe('single');
    expect(() => syncOf('a', { STORE_SYNC: 'both' })).toThrow('allowed: quorum or single');
  });

  test.each([
    ['user:word@', { user: 'user', password: 'word' }],
    ['user@', { user: 'user', password: undefined }],
    ['user:@', { user: 'user', password: '' }],
    ['us%40er:w%3Ao%2Crd%25@', { user: 'us@er', password: 'w:o,rd%' }],
  ])('takes user and password from %s before the first host', (prefix, expected) => {
    expect(addressOf(`postgres://${prefix}a:1,b/lot%C3%A9ria`)).toMatchObject({
      database: 'lotéria',
      ...expected,
    });
  });

  test.each([
    ['sslmode=disable', undefined],
    ['sslmode=require', { verify: false }],
    ['sslmode=verify-full', { verify: true }],
    ['sslrootcert=ca.pem', { verify: true, caFile: 'ca.pem' }],
    [
      'sslmode=verify-full&sslrootcert=/a%20b/ca.pem&sslcert=a.pem&sslkey=a-key.pem',
      { verify: true, caFile: '/a b/ca.pem', certFile: 'a.pem', keyFile: 'a-key.pem' },
    ],
  ])('takes its TLS settings from %s', (parameters, tls) => {
    expect(addressOf(`postgres://a/loteria?${parameters}`).tls).toEqual(tls);
  });

  test.each([
    ['no host', 'postgres:///loteria'],
    ['no database', 'postgres://a'],
    ['an empty database', 'postgres://a/'],
    ['a host without a scheme', 'a:5432/loteria'],
    ['another scheme', 'mysql://a/loteria'],
    ['nothing after a comma', 'postgres://a,/loteria'],
    ['port 0', 'postgres://a:0/loteria'],
    ['a port that is too large', 'postgres://a:65536/loteria'],
    ['a port without digits', 'postgres://a:/loteria'],
    ['an IPv6 address without brackets', 'postgres://::1/loteria'],
    ['a longer path', 'postgres://a/loteria/b'],
    ['a user of the second host', 'postgres://a,user@b/loteria'],
    ['a password without a user', 'postgres://:word@a/loteria'],
    ['an invalid % escape', 'postgres://user:100%@a/loteria'],
    ['an unknown parameter', 'postgres://a/loteria?target_session_attrs=any'],
    ['an unknown sslmode', 'postgres://a/loteria?sslmode=prefer'],
    ['a certificate without its key', 'postgres://a/loteria?sslcert=a.pem'],
    ['certificate files without TLS', 'postgres://a/loteria?sslmode=disable&sslrootcert=ca.pem'],
    [
      'seventeen hosts',
      `postgres://${Array.from({ length: 17 }, (_, index) => `n${index}`).join(',')}/loteria`,
    ],
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
    ['postgres://user:se@kret@a/loteria', 'postgres://user:***@a/loteria'],
    ['postgres://user:se/kret@a/loteria', 'postgres://user:***@a/loteria'],
    ['postgres://user:se?k@re:t#@a/loteria', 'postgres://user:***@a/loteria'],
    ['postgres://user@a/loteria?password=sekret', 'postgres://user@a/loteria?password=***'],
    [
      'postgres://a/loteria?sslmode=no&password=sekret&user=b',
      'postgres://a/loteria?sslmode=no&password=***&user=b',
    ],
  ])('refuses %s without its password', (text, said) => {
    expect(() => storeOf({ SERVER_STORE: text })).toThrow(`SERVER_STORE is '${said}', allowed: `);
  });

  test.each([
    ['LOTERIA-2026_11', true],
    ['a'.repeat(64), true],
    ['a'.repeat(65), false],
    ['a.b', false],
    ['a b', false],
  ])('allows the lottery name %s: %s', (lottery, isAllowed) => {
    const read = () => engineOf({ SERVER_STORE: 'postgres://a/b', STORE_LOTTERY: lottery }).lottery;
    if (isAllowed) expect(read()).toBe(lottery);
    else
      expect(read).toThrow(
        `STORE_LOTTERY is '${lottery}', allowed: letters, digits, - and _, up to 64`,
      );
  });
});
