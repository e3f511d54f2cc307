import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { holdDraw } from '../../src/lottery/draw.ts';
import {
  AGENCIES,
  environmentOf,
  newLottery,
  type OpenedServer,
  openServer,
} from '../store/postgres/lotteries.ts';
import { BATCHES, fillFolder, loteria, ROWS } from '../store/store-folder.ts';
import { freePort } from '../support/free-port.ts';
import { listen } from '../support/listen.ts';
import { needPostgres, postgresMissing } from '../support/postgres.ts';
import { PostgresCluster, ROLE } from '../support/postgres-cluster.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { sealDraw } from '../support/seal-draw.ts';

const SEAL = createHash('sha256').update(ROWS).digest('hex');
const SUMMARY = `6 bets, ${ROWS.length} bytes, sha256 ${SEAL}`;
const WITH_MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The same calls as `fillFolder` makes. */
async function fill({ store }: OpenedServer): Promise<void> {
  await store.append(BATCHES[0]!, { upload: 'one', seq: 1 });
  await store.append(BATCHES[1]!, { upload: 'two', seq: 1 });
  await store.append(BATCHES[2]!);
}

async function finish({ store }: OpenedServer): Promise<void> {
  await store.note({ kind: 'finished', agency: 1, upload: 'one' });
  await store.note({ kind: 'finished', agency: 2, upload: undefined });
}

describe('commands on a database store', () => {
  let postgres: PostgresCluster;
  beforeEach(needPostgres);
  beforeAll(async () => {
    if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
  });
  afterAll(() => postgres?.end());

  test('export writes the bets of a running server before and after the draw', async () => {
    const engine = newLottery(postgres);
    const env = environmentOf(postgres, engine);
    const folder = await temporaryFolder();
    const server = await openServer(engine);
    await fill(server);
    expect(await loteria(folder, ['export', 'early.csv'], env)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${SUMMARY}\nthe draw has not been held, it waits for 1, 2\n`,
    });
    await finish(server);
    const { time } = await sealDraw(server.store, await holdDraw(server.store.bets(), hasWon));
    expect(await loteria(folder, ['export', 'late.csv'], env)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${SUMMARY}\nthe draw was held ${time}, and this file is what was drawn\n`,
    });
    await server.store.close();
    for (const name of ['early.csv', 'late.csv'])
      expect(readFileSync(join(folder, name))).toEqual(ROWS);
    const common = { bets: 6, bytes: ROWS.length, sha256: SEAL };
    const seals = ['early.csv', 'late.csv'].map(name =>
      readFileSync(join(folder, `${name}.seal`), 'utf8'),
    );
    expect(seals.map(text => JSON.parse(text) as unknown)).toEqual([
      { state: 'open', ...common },
      {
        state: 'drawn',
        ...common,
        draw: { time, bytes: ROWS.length, sha256: SEAL, winners: { 1: 2, 2: 1 } },
      },
    ]);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  test('draw status prints the same as for files', async () => {
    const engine = newLottery(postgres);
    const env = environmentOf(postgres, engine);
    const server = await openServer(engine);
    await fill(server);
    await server.store.note({ kind: 'finished', agency: 1, upload: 'one' });
    const { code, stdout, stderr } = await loteria('/', ['draw', 'status'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[1]!.slice('begun    '.length)).toMatch(WITH_MILLISECONDS);
    expect(lines.toSpliced(1, 1)).toEqual([
      'state    open, waiting for 2',
      'bets     6',
      '',
      'agency      bets  finished  winners',
      '     1         4       yes        –',
      '     2         2        no        –',
      '',
    ]);
    await server.store.note({ kind: 'finished', agency: 2, upload: undefined });
    const { time } = await sealDraw(server.store, await holdDraw(server.store.bets(), hasWon));
    await server.store.close();
    const json = await loteria('/', ['draw', 'status', '--json'], env);
    expect(JSON.parse(json.stdout)).toEqual({
      byHand: [],
      withdrawnActas: [],
      state: 'drawn',
      begun: expect.stringMatching(WITH_MILLISECONDS) as string,
      bets: 6,
      waitingFor: [],
      draw: { time, sha256: SEAL },
      agencies: [
        { agency: 1, expected: true, bets: 4, finished: true, winners: 2 },
        { agency: 2, expected: true, bets: 2, finished: true, winners: 1 },
      ],
    });
  });

  test.each([
    ['export', 'out.csv'],
    ['draw', 'status'],
  ])('%s %s reports a missing lottery and creates none', async (...args) => {
    const engine = newLottery(postgres);
    await (await openServer(newLottery(postgres))).store.close();
    const folder = await temporaryFolder();
    expect(await loteria(folder, args, environmentOf(postgres, engine))).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: the lottery ${engine.lottery} is not in the database; STORE_LOTTERY names it, and the first server makes it\n`,
    });
    const ids = await postgres.primary.sql(
      'SELECT FROM lottery WHERE id = $1',
      [engine.lottery],
      ROLE.database,
    );
    expect(ids).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('export refuses a log with a changed row', async () => {
    const engine = newLottery(postgres);
    const server = await openServer(engine);
    await fill(server);
    await server.store.close();
    await postgres.primary.sql(
      `ALTER TABLE log DISABLE TRIGGER append_only;
       UPDATE log SET rows = overlay(rows PLACING '7' FROM 9) WHERE lottery = '${engine.lottery}' AND position = 2;
       ALTER TABLE log ENABLE TRIGGER append_only`,
      [],
      ROLE.database,
    );
    const folder = await temporaryFolder();
    expect(await loteria(folder, ['export', 'out.csv'], environmentOf(postgres, engine))).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: the lottery ${engine.lottery} is damaged: record 2 is not what its chain says\n`,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('schema prints SQL that lets a role without other rights run a server', async () => {
    const { code, stdout } = await loteria('/', ['schema', '--role', 'teller'], {});
    expect(code).toBe(0);
    await postgres.primary.sql(
      `CREATE ROLE teller LOGIN PASSWORD 'word'; CREATE DATABASE other`.split(';')[0]!,
    );
    await postgres.primary.sql('CREATE DATABASE other');
    await postgres.primary.sql(stdout, [], 'other');
    const teller = { user: 'teller', password: 'word', database: 'other' };
    const engine = { ...newLottery(postgres), access: { ...postgres.access, ...teller } };
    const server = await openServer(engine);
    await fill(server);
    await finish(server);
    await sealDraw(server.store, await holdDraw(server.store.bets(), hasWon));
    const { lottery, agencies } = engine;
    const select = (text: string) => postgres.primary.sql(text, [lottery], 'other');
    expect(
      await select(
        'SELECT agency, bets, finished FROM lottery_agencies WHERE lottery = $1 ORDER BY 1',
      ),
    ).toEqual([
      { agency: 1, bets: '4', finished: true },
      { agency: 2, bets: '2', finished: true },
    ]);
    expect(await select('SELECT * FROM lottery_state WHERE lottery = $1')).toMatchObject([
      { lottery, agencies, bets: '6', finished: String(AGENCIES.length), seal: SEAL },
    ]);
    for (const text of ['UPDATE log SET server = $1', 'DELETE FROM log WHERE lottery = $1']) {
      await expect(select(text)).rejects.toThrow('the log of a lottery is append-only');
    }
  });
});

describe('commands without a reachable database', () => {
  const env = { SERVER_STORE: 'postgres://loteria@127.0.0.1:9/loteria', NUMBER_AGENCIES: '2' };

  test('export reports the connection error, exit code 1', async () => {
    const folder = await temporaryFolder();
    const { code, stdout, stderr } = await loteria(folder, ['export', 'out.csv'], {
      ...env,
      SERVER_STORE: `postgres://loteria@127.0.0.1:${await freePort()}/loteria`,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^loteria: 127.0.0.1:\d+: no server listens there \(ECONNREFUSED\)/),
      '',
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a port of another program is named as such', async () => {
    const other = createServer(socket => void socket.end('220 mail.example.org ESMTP\r\n'));
    const port = await listen(other);
    const { code, stderr } = await loteria(await temporaryFolder(), ['export', 'out.csv'], {
      ...env,
      SERVER_STORE: `postgres://loteria@127.0.0.1:${port}/loteria`,
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `loteria: 127.0.0.1:${port}: does not answer as PostgreSQL; it hangs or was ended, or another program is there (SERVER_STORE)\n`,
    });
  });

  test('a file for TLS that is missing is wrong configuration', async () => {
    const { code, stderr } = await loteria(await temporaryFolder(), ['export', 'out.csv'], {
      ...env,
      SERVER_STORE: 'postgres://loteria@127.0.0.1:1/loteria?sslrootcert=none.pem',
    });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'loteria: sslrootcert of SERVER_STORE is none.pem, which cannot be read, it does not exist (ENOENT)\n',
    });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'export interrupted by %s leaves no file',
    async signal => {
      const folder = await temporaryFolder();
      const port = await listen(createServer());
      const store = `postgres://loteria@127.0.0.1:${port}/loteria`;
      const program = Program.start(['export', 'out.csv'], {
        cwd: folder,
        env: { ...env, SERVER_STORE: store },
      });
      await expect.poll(() => readdirSync(folder)).toEqual(['out.csv.part']);
      program.kill(signal);
      expect(await program.exited).toEqual({ code: signal === 'SIGINT' ? 130 : 143, signal: null });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test.each([
    [['draw', 'new'], 'LOTERIA-2 say'],
    [['journal', 'verify'], 'loteria export FILE'],
    [['journal', 'show'], 'loteria export FILE'],
  ])('%j is refused with exit code 2 and names the alternative', async (args, wayOut) => {
    const { code, stdout, stderr } = await loteria('/', args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(
      'loteria: SERVER_STORE is a database, lottery LOTERIA, which has no files: ',
    );
    expect(stderr).toContain(wayOut);
  });

  test('a folder argument is read despite SERVER_STORE', async () => {
    const folder = await temporaryFolder();
    await fillFolder(folder);
    for (const args of [
      ['draw', 'status'],
      ['journal', 'verify'],
      ['journal', 'show'],
    ]) {
      expect(await loteria('/', [...args, folder], env)).toMatchObject({ code: 0, stderr: '' });
    }
  });
});
