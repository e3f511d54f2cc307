import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { holdDraw } from '../../src/lottery/draw.ts';
import {
  environmentOf,
  newStream,
  type OpenedServer,
  openServer,
  operate,
  writeRecords,
} from '../store/jetstream/lottery-stream.ts';
import { BATCHES, fillFolder, loteria, ROWS } from '../store/store-folder.ts';
import { freePort } from '../support/free-port.ts';
import { needNats, natsMissing } from '../support/nats.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const SEAL = createHash('sha256').update(ROWS).digest('hex');
const SUMMARY = `6 bets, ${ROWS.length} bytes, sha256 ${SEAL}`;
const WITH_MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What `fillFolder` hands to a csv store. */
async function fill({ store }: OpenedServer): Promise<void> {
  await store.append(BATCHES[0]!, { upload: 'one', seq: 1 });
  await store.append(BATCHES[1]!, { upload: 'two', seq: 1 });
  await store.append(BATCHES[2]!);
}

async function finish({ store }: OpenedServer): Promise<void> {
  await store.note({ kind: 'finished', agency: 1, upload: 'one' });
  await store.note({ kind: 'finished', agency: 2, upload: undefined });
}

describe('with bets in a stream', () => {
  let nats: NatsCluster;
  beforeEach(needNats);
  beforeAll(async () => {
    if (natsMissing() === undefined) nats = await NatsCluster.start(1);
  });
  afterAll(() => nats?.end());

  test('export writes them while a server runs, before the draw and after it', async () => {
    const engine = newStream(nats);
    const env = environmentOf(engine);
    const folder = await temporaryFolder();
    const server = await openServer(engine);
    await fill(server);
    expect(await loteria(folder, ['export', 'early.csv'], env)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${SUMMARY}\nthe draw has not been held, it waits for 1, 2\n`,
    });
    await finish(server);
    const { time } = await server.store.seal(await holdDraw(server.store.bets(), hasWon));
    expect(await loteria(folder, ['export', 'late.csv'], env)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${SUMMARY}\nthe draw was held ${time}, and this file is what was drawn\n`,
    });
    await server.store.close();
    for (const name of ['early.csv', 'late.csv']) expect(readFileSync(join(folder, name))).toEqual(ROWS);
    const common = { bets: 6, bytes: ROWS.length, sha256: SEAL };
    const seals = ['early.csv', 'late.csv'].map(name => readFileSync(join(folder, `${name}.seal`), 'utf8'));
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

  test('draw status says the same as of files', async () => {
    const engine = newStream(nats);
    const env = environmentOf(engine);
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
    const { time } = await server.store.seal(await holdDraw(server.store.bets(), hasWon));
    await server.store.close();
    const json = await loteria('/', ['draw', 'status', '--json'], env);
    expect(JSON.parse(json.stdout)).toEqual({
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
  ])('%s %s of a stream that is not there says so, and makes none', async (...args) => {
    const engine = newStream(nats);
    const folder = await temporaryFolder();
    expect(await loteria(folder, args, environmentOf(engine))).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: the engine has no stream ${engine.stream}; STORE_STREAM says which one it is, and the first server makes it\n`,
    });
    const { streams } = await operate(engine);
    await expect(streams.info(engine.stream)).rejects.toMatchObject({ code: 10_059 });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('export refuses the stream of another lottery', async () => {
    const engine = newStream(nats);
    await writeRecords(engine, []);
    const folder = await temporaryFolder();
    const env = { ...environmentOf(engine), NUMBER_AGENCIES: '3' };
    expect(await loteria(folder, ['export', 'out.csv'], env)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `loteria: the stream ${engine.stream} is that of a lottery with 'a lottery of the agencies 1-2', ` +
        "this server is configured with 'a lottery of the agencies 1-3'; " +
        'all servers of a lottery have the same agencies, and another lottery has another STORE_STREAM\n',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('export of what was not drawn names both, and leaves the file to be looked at', async () => {
    const engine = newStream(nats);
    const sha256 = 'f'.repeat(64);
    const finished = (agency: number) => ({
      fact: { kind: 'finished', agency, upload: undefined } as const,
      bytes: 0,
    });
    const draw = { bets: 3, winners: new Map<number, readonly string[]>() };
    const seal = { bytes: 7, sha256, time: '2026-11-21T16:00:00.000Z' };
    const { rows, agency, count } = BATCHES[0]!;
    const stored = { fact: { kind: 'stored', agency, count, place: undefined } as const, bytes: rows.length };
    await writeRecords(engine, [
      { n: 1, facts: [stored], rows },
      { n: 2, facts: [finished(1), finished(2), { fact: { kind: 'drawn', draw, seal }, bytes: 0 }] },
    ]);
    const folder = await temporaryFolder();
    const own = createHash('sha256').update(rows).digest('hex');
    expect(await loteria(folder, ['export', 'out.csv'], environmentOf(engine))).toEqual({
      code: 1,
      stdout: `3 bets, ${rows.length} bytes, sha256 ${own}\nthe draw was held ${seal.time}\n`,
      stderr:
        `loteria: out.csv is not what was drawn: it has ${rows.length} bytes with sha256 ${own}, the seal of the draw says ` +
        `7 bytes with sha256 ${sha256}; the file was left there to be looked at\n`,
    });
    expect(readFileSync(join(folder, 'out.csv'))).toEqual(Buffer.from(rows));
  });
});

describe('without the engine', () => {
  const env = { SERVER_STORE: 'nats://127.0.0.1:9', STORE_STREAM: 'LOTERIA', NUMBER_AGENCIES: '2' };

  test('export waits for ten seconds, says so, and ends with 1', async () => {
    const folder = await temporaryFolder();
    const begunAt = performance.now();
    const { code, stdout, stderr } = await loteria(folder, ['export', 'out.csv'], {
      ...env,
      SERVER_STORE: `nats://127.0.0.1:${await freePort()}`,
    });
    expect(performance.now() - begunAt).toBeGreaterThan(9900);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^loteria: the engine cannot be reached, .*; waits up to 10 s$/),
      expect.stringMatching(/^loteria: the engine cannot be reached, /),
      '',
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('export that is ended by %s leaves no file', async signal => {
    const folder = await temporaryFolder();
    const program = Program.start(['export', 'out.csv'], { cwd: folder, env });
    await expect.poll(() => readdirSync(folder)).toEqual(['out.csv.part']);
    program.kill(signal);
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    [['draw', 'new'], 'LOTERIA-2 say'],
    [['journal', 'verify'], 'loteria export FILE'],
    [['journal', 'show'], 'loteria export FILE'],
  ])('%j says that there are no files, and what to do', async (args, wayOut) => {
    const { code, stdout, stderr } = await loteria('/', args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('loteria: SERVER_STORE is a stream, LOTERIA, which has no files: ');
    expect(stderr).toContain(wayOut);
  });

  test('the files of a folder that is named are looked at', async () => {
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
