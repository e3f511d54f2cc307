import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasWon } from '../../../src/lottery/catedra.ts';
import { holdDraw } from '../../../src/lottery/draw.ts';
import { batchNamed, betsNamed, storedBets } from '../../contract/store-contract.ts';
import { until } from '../../support/until.ts';
import { needPostgres, postgresMissing } from '../../support/postgres.ts';
import { PostgresCluster } from '../../support/postgres-cluster.ts';
import { AGENCIES, newLottery, type OpenedServer, openServer } from './lotteries.ts';
import { sealDraw } from '../../support/seal-draw.ts';

let postgres: PostgresCluster;

beforeEach(needPostgres);
beforeAll(async () => {
  if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
});
afterAll(() => postgres?.end());

async function openTwo(): Promise<[OpenedServer, OpenedServer]> {
  const options = newLottery(postgres);
  return [await openServer(options), await openServer(options)];
}

/** The state of a lottery. */
function lookAt({ lottery }: OpenedServer): unknown {
  const { state, bets, finished, seal, uploads } = lottery;
  const next = AGENCIES.flatMap(agency =>
    ['one', 'two'].map(name => uploads.find(agency, name)?.next),
  );
  return { state, bets: [...bets].toSorted(([a], [b]) => a - b), finished, seal, next };
}

async function expectAlike(a: OpenedServer, b: OpenedServer): Promise<void> {
  await Promise.all([a.store.settled(), b.store.settled()]);
  expect(lookAt(a)).toEqual(lookAt(b));
  expect(a.facts).toEqual(b.facts);
  expect(await storedBets(a.store)).toEqual(await storedBets(b.store));
}

const OVERTAKEN = { status: 'rejected', reason: { name: 'StoreError', code: 'overtaken' } };

describe('two servers on one log', () => {
  test('notify each other of new facts', async () => {
    const [a, b] = await openTwo();
    await a.store.append(batchNamed(1, 2));
    await until(() => b.lottery.betsInAll === 2, 'the bets of the other server');
  });

  test('store a batch of an upload once and refuse the second with overtaken', async () => {
    const [a, b] = await openTwo();
    const place = { upload: 'one', seq: 1 };
    const outcomes = await Promise.allSettled([
      a.store.append(batchNamed(1, 5), place),
      b.store.append(batchNamed(1, 5), place),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject(OVERTAKEN);
    await expectAlike(a, b);
    expect(await storedBets(a.store)).toEqual(betsNamed(1, 5));
  });

  test('take no bet of an agency that finished on the other server', async () => {
    const [a, b] = await openTwo();
    const outcomes = await Promise.allSettled([
      a.store.note({ kind: 'finished', agency: 1, upload: 'one' }),
      b.store.append(batchNamed(1, 2, 2)),
      b.store.append(batchNamed(2)),
      b.store.note({ kind: 'finished', agency: 1, upload: 'two' }),
    ]);
    await expectAlike(a, b);
    expect(a.lottery.finished).toEqual([1]);
    // The first record in the log decides. Bets of another agency are stored in any case.
    const [first, other, bets, second] = outcomes;
    expect(other).toMatchObject({ status: 'fulfilled' });
    const isFirst = first.status === 'fulfilled';
    expect([bets, second]).toMatchObject(
      isFirst ? [OVERTAKEN, OVERTAKEN] : [{ status: 'fulfilled' }, { status: 'fulfilled' }],
    );
    if (!isFirst) expect(first).toMatchObject(OVERTAKEN);
  });

  test('hold one draw, even when both try at the same time', async () => {
    const [a, b] = await openTwo();
    await Promise.all([a.store.append(batchNamed(1, 3)), b.store.append(batchNamed(2, 3, 2))]);
    for (const agency of AGENCIES)
      await b.store.note({ kind: 'finished', agency, upload: undefined });
    await a.store.settled();
    const seals = await Promise.allSettled(
      [a, b].map(async ({ store }) => sealDraw(store, await holdDraw(store.bets(), hasWon))),
    );
    expect(seals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    // Overtaken in the log, or already known here.
    const code = expect.stringMatching(/^(?:overtaken|failed)$/) as string;
    expect(seals.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code } });
    await expectAlike(a, b);
    const held = seals.find(seal => seal.status === 'fulfilled');
    expect(a.lottery.seal).toEqual(held?.value);
  });

  test('each get a turn while the other one is busy', async () => {
    const [a, b] = await openTwo();
    const state = { isStopped: false };
    const busy = [0, 1].map(async () => {
      while (!state.isStopped) await a.store.append(batchNamed(1, 100));
    });
    for (let name = 0; name < 20; name += 1) {
      const before = a.lottery.bets.get(1) ?? 0;
      await b.store.append(batchNamed(name, 1, 2));
      await b.store.settled();
      // A bounded number of records of the busy server between two of this one.
      expect((a.lottery.bets.get(1) ?? 0) - before).toBeLessThan(5000);
    }
    state.isStopped = true;
    await Promise.all(busy);
    await expectAlike(a, b);
  });

  test('agree after any sequence of steps, as does a server opened later', async () => {
    const step = fc.record({
      server: fc.nat(1),
      agency: fc.constantFrom(...AGENCIES),
      what: fc.oneof(
        fc.record({ bets: fc.nat(3) }),
        fc.record({ upload: fc.constantFrom('one', 'two') }),
        fc.constant('finish' as const),
      ),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async steps => {
        const options = newLottery(postgres);
        const servers = [await openServer(options), await openServer(options)];
        const handed: Promise<unknown>[] = [];
        const finishing = new Set<string>();
        let bets = 0;
        for (const [name, { server, agency, what, wait }] of steps.entries()) {
          const { store, lottery } = servers[server]!;
          // Like the central: appends nothing that the state refuses, and nothing of an upload
          // while a call of it is pending.
          if (lottery.hasFinished(agency) || finishing.has(`${server} ${agency}`)) continue;
          let fact: Promise<void>;
          let count = 0;
          if (what === 'finish') {
            finishing.add(`${server} ${agency}`);
            fact = store.note({ kind: 'finished', agency, upload: undefined });
          } else if ('bets' in what) {
            count = what.bets;
            fact = store.append(batchNamed(name, count, agency));
          } else {
            await Promise.allSettled(handed);
            await store.settled();
            count = 1;
            if (lottery.hasFinished(agency)) continue;
            const seq = lottery.uploads.find(agency, what.upload)?.next ?? 1;
            fact = store.append(batchNamed(name, 1, agency), { upload: what.upload, seq });
          }
          const counted = fact.then(
            () => void (bets += count),
            (error: unknown) => expect(error).toMatchObject({ code: 'overtaken' }),
          );
          handed.push(counted);
          if (wait) await counted;
        }
        await Promise.all(handed);
        const later = await openServer(options);
        await expectAlike(servers[0]!, servers[1]!);
        await expectAlike(servers[0]!, later);
        expect(later.lottery.betsInAll).toBe(bets);
        await Promise.all([...servers, later].map(({ store }) => store.close()));
      }),
      { numRuns: 15 },
    );
  });
});
