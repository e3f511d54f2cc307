import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasWon } from '../../../src/lottery/catedra.ts';
import { holdDraw } from '../../../src/lottery/draw.ts';
import type { Fact, UploadPlace } from '../../../src/lottery/fact.ts';
import { CsvStore } from '../../../src/store/csv/csv-store.ts';
import type { EngineOptions } from '../../../src/store/jetstream/engine.ts';
import { inspectLog } from '../../../src/store/jetstream/log-inspection.ts';
import { batchNamed } from '../../contract/store-contract.ts';
import { freePort } from '../../support/free-port.ts';
import { needNats, natsMissing, startNats } from '../../support/nats.ts';
import { NatsCluster } from '../../support/nats-cluster.ts';
import {
  AGENCIES,
  newStream,
  openServer,
  type OpenedServer,
  operate,
  read,
  writeMessages,
  writeRecords,
} from './lottery-stream.ts';

/** A batch that is handed to one of two servers. Its number of bets tells it from any other. */
interface Call {
  readonly server: number;
  readonly agency: number;
  readonly place: UploadPlace | undefined;
  /** Whether everything that was handed over before is waited for. */
  readonly waits: boolean;
}

const call: fc.Arbitrary<Call> = fc.record({
  server: fc.integer({ min: 0, max: 1 }),
  agency: fc.constantFrom(...AGENCIES),
  place: fc.option(
    fc.record({ upload: fc.constantFrom('one', 'two'), seq: fc.integer({ min: 1, max: 3 }) }),
    { nil: undefined },
  ),
  waits: fc.boolean(),
});

/** Makes the calls. @returns how many bets the batch of each had whose promise was fulfilled */
async function make(calls: readonly Call[], servers: readonly OpenedServer[]): Promise<number[]> {
  const stored: number[] = [];
  let underWay: Promise<unknown>[] = [];
  for (const [index, { server, agency, place, waits }] of calls.entries()) {
    const count = index + 1;
    const done = servers[server]!.store.append(batchNamed(count, count, agency), place).then(
      () => stored.push(count),
      () => {},
    );
    underWay.push(done);
    if (!waits) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
  return stored;
}

/** What the csv store has after the same facts. */
async function csvOf(facts: readonly Fact[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'loteria-test-'));
  try {
    const { store } = await CsvStore.open(folder);
    for (const fact of facts) {
      if (fact.kind === 'stored') {
        await store.append(batchNamed(fact.count, fact.count, fact.agency), fact.place);
      }
      if (fact.kind === 'finished') await store.note(fact);
      if (fact.kind === 'drawn')
        expect(await store.seal(fact.draw)).toMatchObject({ sha256: fact.seal.sha256 });
    }
    await store.close();
    return await readFile(join(folder, 'bets.csv'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function finishBoth({ store }: OpenedServer): Promise<void> {
  for (const agency of AGENCIES) await store.note({ kind: 'finished', agency, upload: undefined });
}

/** Each server reads the log for itself. */
function until(isSo: () => boolean): Promise<void> {
  return expect.poll(isSo, { interval: 1, timeout: 10_000 }).toBe(true);
}

const betsOf = (rows: Buffer): number => rows.toString().split('\n').length - 1;

/** A record that says of an agency that it has finished: the `n`th one of its server. */
const finish = (n: number) => ({
  n,
  facts: [{ fact: { kind: 'finished', agency: n, upload: undefined } as const, bytes: 0 }],
});

describe('a log that is read', () => {
  let nats: NatsCluster;
  beforeEach(needNats);
  beforeAll(async () => {
    if (natsMissing() === undefined) nats = await NatsCluster.start(1);
  });
  afterAll(() => nats?.end());

  test('has the rows that the csv store has, whatever two servers wrote at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 24 }), async calls => {
        const engine = newStream(nats);
        const servers = [await openServer(engine), await openServer(engine)] as const;
        try {
          const stored = await make(calls, servers);
          const { facts } = servers[0];
          const before = await read(engine);
          await until(() => servers.every(({ lottery }) => lottery.betsInAll === before.lottery.betsInAll));
          expect(before.rows).toEqual(await csvOf(facts.slice()));
          // What was acknowledged, and nothing else.
          const counted = facts.map(fact => (fact.kind === 'stored' ? fact.count : 0));
          expect(new Set(counted)).toEqual(new Set(stored));
          expect(counted).toHaveLength(stored.length);
          expect(before.lottery).toMatchObject({ state: 'open', seal: undefined });

          await finishBoth(servers[0]);
          await until(() => servers[1].lottery.state === 'complete');
          const seal = await servers[1].store.seal(await holdDraw(servers[1].store.bets(), hasWon));
          const after = await read(engine);
          expect(after.rows).toEqual(before.rows);
          expect(after.lottery.seal).toEqual(seal);
          expect(after.lottery.betsInAll).toBe(betsOf(after.rows));
          expect(after.rows).toEqual(await csvOf(servers[1].facts));
        } finally {
          await Promise.all(servers.map(({ store }) => store.close()));
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  test('has what was acknowledged when the reading began, and what came whole, while a server writes', async () => {
    const engine = newStream(nats);
    const { store } = await openServer(engine);
    const so = { acknowledged: 0 };
    const write = async (): Promise<void> => {
      for (let name = 1; name <= 400; name += 1) {
        const done = store.append(batchNamed(name, 10)).then(() => (so.acknowledged += 10));
        if (name % 20 === 0) await done;
      }
      await store.settled();
    };
    const writing = write();
    const readings: Buffer[] = [];
    while (so.acknowledged < 4000) {
      const least = so.acknowledged;
      const { rows, lottery } = await read(engine);
      expect(betsOf(rows)).toBeGreaterThanOrEqual(least);
      expect(betsOf(rows)).toBe(lottery.betsInAll);
      readings.push(rows);
    }
    await writing;
    const { rows } = await read(engine);
    expect(betsOf(rows)).toBe(4000);
    for (const early of readings) expect(rows.subarray(0, early.length)).toEqual(early);
    await store.close();
  });

  test('leaves nothing in the engine, and says when the stream was begun', async () => {
    const engine = newStream(nats);
    const manager = await operate(engine);
    const earliest = Date.now();
    await writeRecords(engine, [finish(1), finish(2)]);
    const before = await manager.streams.info(engine.stream);
    const { begun } = await read(engine);
    expect(Date.parse(begun)).toBeGreaterThanOrEqual(earliest - 1);
    expect(Date.parse(begun)).toBeLessThanOrEqual(Date.now());
    const { state, config } = await manager.streams.info(engine.stream);
    expect({ state, config }).toEqual({ state: before.state, config: before.config });
  });

  test('that is not there is not made', async () => {
    const engine = newStream(nats);
    await expect(read(engine)).rejects.toMatchObject({
      code: 'unusable',
      message: `the engine has no stream ${engine.stream}; STORE_STREAM says which one it is, and the first server makes it`,
    });
    const names: string[] = [];
    for await (const { config } of (await operate(engine)).streams.list()) names.push(config.name);
    expect(names).not.toContain(engine.stream);
  });

  test("that is another lottery's is not read", async () => {
    const engine = newStream(nats);
    await writeRecords(engine, []);
    await expect(read({ ...engine, agreement: 'a lottery of the agencies 1-3' })).rejects.toMatchObject({
      code: 'unusable',
      message: expect.stringContaining("'a lottery of the agencies 1-2'") as string,
    });
  });
});

describe('a log that is not whole', () => {
  let nats: NatsCluster;
  beforeEach(needNats);
  beforeAll(async () => {
    if (natsMissing() === undefined) nats = await NatsCluster.start(1);
  });
  afterAll(() => nats?.end());

  async function complaintOf(engine: EngineOptions): Promise<unknown> {
    return read(engine).then(
      () => 'none',
      (error: unknown) => ({ code: (error as { code: string }).code, message: (error as Error).message }),
    );
  }

  test('lacks a message', async () => {
    const engine = newStream(nats);
    const manager = await operate(engine);
    // As no server makes it: they do not let anything be deleted.
    await manager.streams.add({
      name: engine.stream,
      subjects: [`${engine.stream}.log`],
      description: engine.agreement,
    });
    await writeRecords(engine, [finish(1), finish(2), finish(3)]);
    await manager.streams.deleteMessage(engine.stream, 2);
    expect(await complaintOf(engine)).toEqual({
      code: 'unusable',
      message: `cannot read the stream ${engine.stream}, message 2 of the stream is expected and 3 comes`,
    });
  });

  test('has lost a record of a server is read, and that is said', async () => {
    const engine = newStream(nats);
    await writeRecords(engine, [finish(1), finish(4)]);
    const notices: string[] = [];
    const { lottery } = await inspectLog({
      engine,
      expected: AGENCIES,
      onNotice: notice => notices.push(notice),
    });
    expect(lottery.finished).toEqual([1]);
    expect(notices).toEqual([
      expect.stringContaining('does not have the records 2 to 3 of server somebody; a server that has them'),
    ]);
  });

  test('that was put together again is whole, and has every row once', async () => {
    const engine = newStream(nats);
    const stored = (n: number) => {
      const { agency, count, rows } = batchNamed(n, n);
      return {
        n,
        facts: [{ fact: { kind: 'stored', agency, count, place: undefined } as const, bytes: rows.length }],
        rows,
      };
    };
    const order = [1, 3, 1, 2, 2, 4, 3, 4, 1];
    for (const n of order) await writeRecords(engine, [stored(n)]);
    const { rows, lottery } = await read(engine);
    expect(rows).toEqual(Buffer.concat([1, 2, 3, 4].map(n => stored(n).rows)));
    expect(lottery.betsInAll).toBe(10);
  });

  test('holds something else', async () => {
    const engine = newStream(nats);
    await writeMessages(engine, [Buffer.from('hello')]);
    expect(await complaintOf(engine)).toEqual({
      code: 'unusable',
      message: `cannot read the stream ${engine.stream}, message 1 is no record of a lottery`,
    });
  });
});

describe('an engine that is away', () => {
  test('is waited for as long as was said, and no longer', async () => {
    const servers = [`127.0.0.1:${await freePort()}`];
    const engine = { servers, stream: 'LOTERIA', replicas: 1, agreement: '' };
    const waits: string[] = [];
    const begunAt = performance.now();
    await expect(
      inspectLog({ engine, expected: AGENCIES, onNotice: why => waits.push(why), patienceMs: 1200 }),
    ).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the engine cannot be reached') as string,
    });
    expect(performance.now() - begunAt).toBeGreaterThan(1190);
    expect(waits).toEqual([expect.stringMatching(/^the engine cannot be reached, .*; waits up to 1\.2 s$/)]);
  });

  test('and comes back in time is read', async context => {
    needNats(context);
    const nats = await startNats(1);
    const engine = newStream(nats);
    const { store } = await openServer(engine);
    await store.append(batchNamed(1, 3));
    await store.close();
    await nats.stop(0);
    const waits: string[] = [];
    const reading = inspectLog({
      engine,
      expected: AGENCIES,
      onNotice(why) {
        waits.push(why);
        void nats.startAgain(0);
      },
    });
    expect((await reading).lottery.betsInAll).toBe(3);
    expect(waits).toHaveLength(1);
  });
});
