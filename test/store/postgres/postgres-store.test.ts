import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { PostgresStore } from '../../../src/store/postgres/postgres-store.ts';
import { describeStore, type Opening } from '../../contract/store-contract.ts';
import { needPostgres, postgresMissing } from '../../support/postgres.ts';
import { PostgresCluster } from '../../support/postgres-cluster.ts';
import { newLottery } from './lotteries.ts';

describe('the store on PostgreSQL', () => {
  let postgres: PostgresCluster;
  beforeEach(needPostgres);
  beforeAll(async () => {
    if (postgresMissing() === undefined) postgres = await PostgresCluster.start(1);
  });
  afterAll(() => postgres?.end());

  const newPlace = async (): Promise<Opening> => {
    const options = newLottery(postgres);
    return onFact => PostgresStore.open({ ...options, onFact });
  };
  const openNew: Opening = async onFact => (await newPlace())(onFact);
  describeStore(openNew, newPlace);
});
