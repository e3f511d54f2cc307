import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Fact } from '../../../src/lottery/fact.ts';
import { PostgresStore } from '../../../src/store/postgres/postgres-store.ts';
import { batchNamed, describeStore, type Opening } from '../../contract/store-contract.ts';
import { needPostgres, postgresMissing, startPostgres } from '../../support/postgres.ts';
import { PostgresCluster } from '../../support/postgres-cluster.ts';
import { newLottery, openServer } from './lotteries.ts';

describe('PostgresStore', () => {
  let postgres: PostgresCluster;
  beforeEach(needPostgres);
  beforeAll(async () => {
    if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
  });
  afterAll(() => postgres?.end());

  const newPlace = async (): Promise<Opening> => {
    const options = newLottery(postgres);
    // A log begins with its agencies, which no call appends.
    return onFact =>
      PostgresStore.open({ ...options, onFact: fact => fact.kind === 'agencies' || onFact(fact) });
  };
  const openNew: Opening = async onFact => (await newPlace())(onFact);
  describeStore(openNew, newPlace);
});

describe('a fact that cannot be applied', () => {
  beforeEach(needPostgres);
  const mistake = new TypeError('a mistake');
  const onFact = ({ kind }: Fact): void => {
    if (kind === 'agencies') return;
    throw mistake;
  };

  test('fails the server that appended it and rejects all pending batches', async () => {
    const postgres = await startPostgres(1);
    const { store } = await openServer(newLottery(postgres), { onFact });
    const outcomes = await Promise.allSettled([1, 2].map(name => store.append(batchNamed(name))));
    const failure = await store.failure;
    expect(failure).toMatchObject({ code: 'failed', message: 'a mistake', cause: mistake });
    expect(outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason)).toEqual([
      failure,
      failure,
    ]);
    await expect(store.settled()).rejects.toBe(failure);
  });

  test('fails every server that reads it, and later starts', async () => {
    const postgres = await startPostgres(1);
    const options = newLottery(postgres);
    const reader = await openServer(options, { onFact });
    await (await openServer(options)).store.append(batchNamed(1));
    expect(await reader.store.failure).toMatchObject({ code: 'failed', cause: mistake });
    await expect(openServer(options, { onFact })).rejects.toMatchObject({
      code: 'unusable',
      cause: mistake,
    });
  });
});
