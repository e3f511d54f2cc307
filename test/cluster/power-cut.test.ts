import { beforeEach, describe, onTestFinished, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needLoopDisks } from '../support/loop-disk.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import type { PostgresCluster } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun, SLOW } from './cluster-run.ts';

/**
 * `CUTS=30 SEED=… node scripts/test.mjs test/cluster/power-cut.test.ts` cuts more often, and
 * repeats.
 */
const { CUTS = 4, SEED = Math.floor(Math.random() * 2 ** 31) } = process.env;

const BETS = 2500 * Number(CUTS);
const DISK_MEGABYTES = 512;

/**
 * With two nodes, each acknowledged commit is on both: each node alone must have it after a power
 * cut.
 */
const KINDS = {
  async 'primary, which starts again'({ primary }: PostgresCluster): Promise<void> {
    await primary.cutPower();
    await primary.start();
  },

  async 'standby, which takes over at once'(postgres: PostgresCluster): Promise<void> {
    const { primary, standbys } = postgres;
    await Promise.all([standbys[0]!.cutPower(), primary.kill()]);
    await standbys[0]!.start();
    await postgres.failOver();
    await primary.rewindTo(postgres.primary);
    await primary.start();
  },

  async 'both, and the primary starts again'({ nodes }: PostgresCluster): Promise<void> {
    await Promise.all(nodes.map(node => node.cutPower()));
    await Promise.all(nodes.map(node => node.start()));
  },

  async 'both, and the standby takes over'(postgres: PostgresCluster): Promise<void> {
    const { nodes, primary, standbys } = postgres;
    await Promise.all(nodes.map(node => node.cutPower()));
    await standbys[0]!.start();
    await postgres.failOver();
    await primary.rewindTo(postgres.primary);
    await primary.start();
  },
};

beforeEach(needPostgres);
beforeEach(needLoopDisks);

describe('a power cut of nodes with separate file systems', () => {
  test(`loses no acknowledged bet (SEED=${SEED})`, {
    timeout: 120_000 + Number(CUTS) * 30_000,
  }, async () => {
    const random = new SeededRandom(Number(SEED));
    const postgres = await startPostgres(2, { diskMegabytes: DISK_MEGABYTES });
    const agencies = await generateAgencies(await temporaryFolder(), BETS);
    const run = await ClusterRun.upload(postgres, 0, { agencies, client: SLOW });
    const said: string[] = [];
    onTestFinished(() => console.log(`SEED=${SEED}\n${said.join('\n')}`));
    const kinds = Object.entries(KINDS);
    const first = random.next();
    for (let cut = 1; cut <= Number(CUTS); cut += 1) {
      await run.untilAcknowledged(
        Math.floor((BETS * 0.9 * (cut - random.between(20, 80) / 100)) / Number(CUTS)),
      );
      const [kind, cutPower] = kinds[(first + cut) % kinds.length]!;
      said.push(`${cut}: at ${run.acknowledged} bets ${kind}`);
      await cutPower(postgres);
      await postgres.replicates(postgres.primary, 1);
      for (const { disk } of postgres.nodes) disk!.sync();
    }
    await run.finishes();
  });
});
