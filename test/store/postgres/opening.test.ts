import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PostgresStore } from '../../../src/store/postgres/postgres-store.ts';
import { batchNamed } from '../../contract/store-contract.ts';
import { freePort } from '../../support/free-port.ts';
import { needPostgres, postgresMissing } from '../../support/postgres.ts';
import { PostgresCluster, ROLE } from '../../support/postgres-cluster.ts';
import { newLottery, openServer } from './lotteries.ts';

let postgres: PostgresCluster;
let databases = 0;

beforeEach(needPostgres);
beforeAll(async () => {
  if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
});
afterAll(() => postgres?.end());

/** Creates a database. */
async function newDatabase(owner: string = ROLE.user) {
  databases += 1;
  const database = `db${databases}`;
  await postgres.primary.sql(`CREATE DATABASE ${database} OWNER ${owner}`);
  const options = newLottery(postgres);
  return {
    options: { ...options, access: { ...options.access, database } },
    sql: (text: string) => postgres.primary.sql(text, [], database),
  };
}

const opening = (options: Parameters<typeof openServer>[0]) =>
  expect(PostgresStore.open(options)).rejects;

describe('PostgresStore.open', () => {
  test.each([
    [
      'a wrong password',
      { password: 'wrong-Word' },
      'password authentication failed for user "loteria"',
    ],
    [
      'no password',
      { password: undefined },
      'asks for a password: set PGPASSWORD, or add it to .pgpass',
    ],
    ['a missing database', { database: 'nowhere' }, 'database "nowhere" does not exist'],
  ])('fails with %s, and no message contains a password', async (_, wrong, why) => {
    const { access, ...rest } = newLottery(postgres);
    const opened = PostgresStore.open({ ...rest, access: { ...access, ...wrong } });
    const error = await opened.catch((thrown: Error) => thrown);
    const message = `127.0.0.1:${postgres.primary.port}: ${why}`;
    expect(error).toMatchObject({ code: 'unusable', message });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wrong-Word');
  });

  test('fails with a role that may not create the tables', async () => {
    const { options } = await newDatabase('postgres');
    await opening(options).toMatchObject({
      code: 'unusable',
      message:
        'the role may not make the tables of a lottery: `loteria schema` prints what their owner runs',
    });
  });

  test('fails with a role that lacks privileges on the tables', async () => {
    const { options, sql } = await newDatabase();
    await (await openServer(options)).store.close();
    await sql(`ALTER TABLE log OWNER TO postgres`);
    await opening(options).toMatchObject({
      code: 'unusable',
      message:
        'the role lacks privileges on the tables lottery and log: `loteria schema` prints what their owner runs',
    });
    await sql(`GRANT SELECT, INSERT ON log TO loteria`);
    await (await openServer(options)).store.append(batchNamed(1));
  });

  test.each([
    ['lottery', 'not those of a lottery'],
    ['log', 'not those of a lottery'],
  ])('fails on a table %s of another application', async (table, what) => {
    const { options, sql } = await newDatabase();
    await sql(`CREATE TABLE ${table} (id int)`);
    await opening(options).toMatchObject({
      code: 'unusable',
      message: `the tables lottery and log are ${what}; this program needs loteria-nacional, schema 1, or another database`,
    });
  });

  test('fails on tables of another schema version', async () => {
    const { options, sql } = await newDatabase();
    await (await openServer(options)).store.close();
    await sql(`COMMENT ON TABLE lottery IS 'loteria-nacional, schema 2'`);
    await opening(options).toMatchObject({
      code: 'unusable',
      message:
        'the tables lottery and log are of another version, loteria-nacional, schema 2; this program needs loteria-nacional, schema 1, or another database',
    });
  });

  test('waits for the quorum that STORE_SYNC requires, and fails when aborted', async () => {
    const events: unknown[] = [];
    const stopping = new AbortController();
    const options = { ...newLottery(postgres), sync: 'quorum' as const, signal: stopping.signal };
    const opened = PostgresStore.open({ ...options, onEvent: event => events.push(event) });
    await expect.poll(() => events).toHaveLength(1);
    stopping.abort();
    await expect(opened).rejects.toMatchObject({ code: 'unusable' });
    expect(events).toEqual([
      {
        event: 'engine-unavailable',
        isUnsafe: true,
        error: `127.0.0.1:${postgres.primary.port} waits for no standby: synchronous_standby_names is empty, and STORE_SYNC is quorum`,
      },
    ]);
  });
});

describe('PostgresStore', () => {
  test('creates its tables once, even when many servers start at the same time', async () => {
    const { options, sql } = await newDatabase();
    const servers = await Promise.all(Array.from({ length: 8 }, () => openServer(options)));
    await Promise.all(servers.map(({ store }, name) => store.append(batchNamed(name))));
    await Promise.all(servers.map(({ store }) => store.settled()));
    expect(servers.map(({ lottery }) => lottery.betsInAll)).toEqual(
      Array.from({ length: 8 }, () => 8),
    );
    expect(await sql('SELECT count(DISTINCT server)::int AS servers FROM log')).toEqual([
      { servers: 8 },
    ]);
  });

  test('finds the primary among hosts that do not answer', async () => {
    const { access, ...rest } = newLottery(postgres);
    const hosts = [{ host: '127.0.0.1', port: await freePort() }, ...access.hosts];
    const { store } = await openServer({ ...rest, access: { ...access, hosts } });
    await store.append(batchNamed(1));
  });

  test('overrides synchronous_commit=off of its role', async () => {
    const { options, sql } = await newDatabase();
    await sql(`ALTER ROLE loteria SET synchronous_commit = off`);
    try {
      await (await openServer(options)).store.append(batchNamed(1));
    } finally {
      await sql(`ALTER ROLE loteria RESET synchronous_commit`);
    }
  });
});

describe('an open PostgresStore', () => {
  test('waits while a privilege is missing', async () => {
    const { options, sql } = await newDatabase();
    const server = await openServer(options);
    await sql(`ALTER TABLE log OWNER TO postgres`);
    const sent = server.store.append(batchNamed(1));
    expect(await server.away()).toMatch(
      /permission denied for table log|the role lacks privileges/,
    );
    await sql(`GRANT SELECT, INSERT ON log TO loteria`);
    await sent;
    expect(server.lottery.betsInAll).toBe(1);
  });

  test('fails when its lottery is deleted, and does not recreate it', async () => {
    const { options, sql } = await newDatabase();
    const { store } = await openServer(options);
    await store.append(batchNamed(1));
    await sql('ALTER TABLE log DISABLE TRIGGER append_only');
    await sql('DELETE FROM log');
    await sql('DELETE FROM lottery');
    expect(await store.failure).toMatchObject({
      code: 'failed',
      message: expect.stringContaining('is not the one that was read up to record 1'),
    });
    expect(await sql('SELECT id FROM lottery')).toEqual([]);
  });
});
