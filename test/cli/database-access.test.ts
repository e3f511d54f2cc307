import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { environmentOf, newLottery } from '../store/postgres/lotteries.ts';
import { loteria } from '../store/store-folder.ts';
import { EXPIRED, HOSTS, pem, signed, type Signed, writePair } from '../support/certificates.ts';
import { needPostgres, postgresMissing } from '../support/postgres.ts';
import { PostgresCluster, ROLE } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Mutual authentication between a command and a real PostgreSQL server. */

/** Roles of the lottery only with TLS, one of them only with a certificate. */
const HBA = `
host all postgres 127.0.0.0/8 scram-sha-256
hostssl all certified 127.0.0.0/8 scram-sha-256 clientcert=verify-ca
hostssl all ${ROLE.user} 127.0.0.0/8 scram-sha-256
`;

/** A loopback address that the certificate does not contain. */
const UNNAMED = '127.0.0.2';

let postgres: PostgresCluster;
let trusted: Signed;
let env: Record<string, string>;

beforeEach(needPostgres);
beforeAll(async () => {
  if (postgresMissing() !== undefined) return;
  postgres = await PostgresCluster.start(1, {
    settings: { listen_addresses: `127.0.0.1,${UNNAMED}` },
  });
  const lottery = newLottery(postgres);
  await (await PostgresStore.open(lottery)).close();
  env = environmentOf(postgres, lottery);
  trusted = await signed();
  const { primary } = postgres;
  primary.write('server.crt', trusted.server.cert);
  primary.write('server.key', trusted.server.key);
  primary.write('root.crt', trusted.ca);
  primary.write('pg_hba.conf', HBA);
  await primary.sql(`CREATE ROLE certified LOGIN IN ROLE ${ROLE.user} PASSWORD '${ROLE.password}'`);
  await primary.reload({ ssl_ca_file: 'root.crt', ssl: 'on' });
});
afterAll(() => postgres?.end());

interface Attempt {
  readonly host?: string;
  readonly user?: string;
  /** Query of the address. */
  readonly password?: string | undefined;
  readonly query?: string;
  readonly more?: Record<string, string>;
}

/** Exports the lottery, which has no bets. @returns what went wrong */
async function attempt(folder: string, attempted: Attempt): Promise<string> {
  const { host = '127.0.0.1', user = ROLE.user, query = '', more = {} } = attempted;
  const password = 'password' in attempted ? attempted.password : ROLE.password;
  const who = password === undefined ? user : `${user}:${password}`;
  const address = `postgres://${who}@${host}:${postgres.primary.port}/${ROLE.database}${query}`;
  const said = await loteria(folder, ['export', '--force', 'bets.csv'], {
    ...env,
    SERVER_STORE: address,
    ...more,
  });
  const { stderr } = said;
  expect(said.code).toBe(stderr === '' ? 0 : 1);
  expect(stderr).not.toContain(ROLE.password);
  return stderr;
}

/** A folder with the certificates of a command, with the names in `query`. */
async function certificates() {
  const folder = await temporaryFolder();
  const stranger = await signed('stranger');
  await writeFile(join(folder, 'ca.pem'), trusted.ca);
  await writeFile(join(folder, 'stranger-ca.pem'), stranger.ca);
  await writePair(folder, 'client', await trusted.agency(1));
  await writePair(folder, 'stranger', await stranger.agency(1));
  return folder;
}

describe('a command connects to its database over TLS', () => {
  test.each(HOSTS)('when the certificate names %s and the authority is trusted', async host => {
    const folder = await certificates();
    expect(await attempt(folder, { host, query: '?sslmode=verify-full&sslrootcert=ca.pem' })).toBe(
      '',
    );
  });

  test('without certificate verification with sslmode=require', async () => {
    const folder = await certificates();
    expect(await attempt(folder, { host: UNNAMED, query: '?sslmode=require' })).toBe('');
  });

  test('with a client certificate where the server requires one', async () => {
    const folder = await certificates();
    const query = (name: string) =>
      `?sslrootcert=ca.pem&sslcert=${name}.pem&sslkey=${name}-key.pem`;
    expect(await attempt(folder, { user: 'certified', query: query('client') })).toBe('');
    expect(await attempt(folder, { user: 'certified', query: '?sslrootcert=ca.pem' })).toMatch(
      /connection requires a valid client certificate/,
    );
    expect(await attempt(folder, { user: 'certified', query: query('stranger') })).not.toBe('');
  });
});

describe('a command does not connect to a database', () => {
  test.each([
    [
      'without TLS where the server requires it',
      { query: '' },
      /no pg_hba\.conf entry .*no encryption/,
    ],
    [
      'whose certificate is signed by an unknown authority',
      { query: '?sslrootcert=stranger-ca.pem' },
      /certificate/,
    ],
    [
      'whose certificate names another host',
      { host: UNNAMED, query: '?sslrootcert=ca.pem' },
      /IP: 127\.0\.0\.2 is not in the cert's list/,
    ],
  ])('%s', async (_, attempted, why) => {
    expect(await attempt(await certificates(), attempted)).toMatch(why);
  });

  test('whose certificate has expired', async () => {
    const folder = await certificates();
    const { primary } = postgres;
    const expired = pem(await trusted.authority.issueServer(HOSTS, EXPIRED));
    const use = async ({ cert, key }: Signed['server']) => {
      primary.write('server.crt', cert);
      primary.write('server.key', key);
      await primary.sql('SELECT pg_reload_conf()');
    };
    await use(expired);
    try {
      expect(await attempt(folder, { query: '?sslrootcert=ca.pem' })).toMatch(
        /certificate has expired/,
      );
    } finally {
      await use(trusted.server);
    }
  });
});

describe('a command without a password in the address', () => {
  const query = '?sslmode=require';

  test('uses PGPASSWORD', async () => {
    const folder = await temporaryFolder();
    const tryIt = (word: string) =>
      attempt(folder, { query, password: undefined, more: { PGPASSWORD: word } });
    expect(await tryIt(ROLE.password)).toBe('');
    expect(await tryIt('wrong')).toMatch(/password authentication failed for user "loteria"/);
  });

  test('uses .pgpass unless other users can read it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, '.pgpass');
    await writeFile(path, `127.0.0.1:${postgres.primary.port}:*:${ROLE.user}:${ROLE.password}\n`, {
      mode: 0o600,
    });
    const tryIt = () => attempt(folder, { query, password: undefined, more: { HOME: folder } });
    expect(await tryIt()).toBe('');
    await chmod(path, 0o644);
    expect(await tryIt()).not.toBe('');
  });
});
