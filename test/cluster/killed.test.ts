import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { prepareAgencies } from '../crash/expected-bets.ts';
import { needPostgres, postgresMissing } from '../support/postgres.ts';
import { PostgresCluster } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun, SLOW } from './cluster-run.ts';

/**
 * Any number of runs: `RUNS=5 ROUNDS=20 node scripts/test.mjs test/cluster/killed.test.ts`.
 * `SEED=…` repeats the run of that seed, and continues with the seeds after it.
 */
const { RUNS = 2, ROUNDS = 8, SEED = Math.floor(Math.random() * 2 ** 31) } = process.env;
const SEEDS = Array.from({ length: Number(RUNS) }, (_, run) => Number(SEED) + run);
const TIMEOUT_MS = 120_000 + Number(ROUNDS) * 30_000;

/** Share of acknowledged bets at the last kill. */
const LAST_SHARE = 0.9;

let postgres: PostgresCluster;

beforeEach(needPostgres);
beforeAll(async () => {
  if (postgresMissing() === undefined) postgres = await PostgresCluster.start(3);
});
afterAll(() => postgres?.end());

describe('three nodes, two servers and five clients, killed in turn', () => {
  test.each(SEEDS)(
    'store every bet once and hold one draw (SEED=%i)',
    { timeout: TIMEOUT_MS },
    async seed => {
      const random = new SeededRandom(seed);
      const agencies = await prepareAgencies(await temporaryFolder());
      const run = await ClusterRun.upload(postgres, 0, {
        agencies,
        lottery: `SEED-${seed}`,
        client: SLOW,
      });
      const said: string[] = [];
      onTestFinished(() => console.log(`SEED=${seed}: ${run.bets} bets\n${said.join('\n')}`));
      let beforeDraw = 0;
      for (let round = 1; round <= Number(ROUNDS); round += 1) {
        const share = (LAST_SHARE * (round - random.between(20, 80) / 100)) / Number(ROUNDS);
        await run.untilAcknowledged(Math.floor(run.bets * share));
        if ((await run.draws()) === 0) beforeDraw += 1;
        await strike(run, random, what =>
          said.push(`${round}: at ${run.acknowledged} bets ${what}`),
        );
      }
      await run.finishes();
      said.push(
        `${beforeDraw} of ${ROUNDS} rounds before the draw; every bet once, the right winners`,
      );
      expect(beforeDraw).toBeGreaterThan(Number(ROUNDS) / 2);
    },
  );
});

/** Kills a process, and restarts it at once or later. */
async function strike(
  run: ClusterRun,
  random: SeededRandom,
  say: (what: string) => void,
): Promise<void> {
  const victim = random.pick(['primary', 'standby', 'server', 'client'] as const);
  const member = random.pick(victim === 'server' ? run.servers : run.clients);
  const node = victim === 'primary' ? postgres.primary : random.pick(postgres.standbys);
  const comeBack = random.pick(['restart', 'rewind', 'copy'] as const);
  const more = random.pick([0, 1, 200, 1000]);
  const { acknowledged } = run;
  const wait = () => run.untilAcknowledged(Math.min(acknowledged + more, run.bets * LAST_SHARE));
  const isNode = victim === 'primary' || victim === 'standby';
  say(isNode ? `${victim} ${node.name}, ${comeBack}` : member.name);
  if (!isNode) {
    await member.kill();
    if (victim === 'server') await wait();
    member.start();
    return;
  }
  await node.kill();
  if (victim === 'primary' && comeBack !== 'restart') await postgres.failOver();
  if (node !== postgres.primary) await wait();
  // One client is not killed late, so that its upload outlasts the rounds.
  const held = run.clients.filter(client => client !== member).map(client => client.life);
  for (const client of held) client.kill('SIGSTOP');
  if (comeBack === 'rewind' && victim === 'primary') await node.rewindTo(postgres.primary);
  if (comeBack === 'copy') await node.copyOf(postgres.primary);
  await node.start();
  // An acknowledged record is on the primary and one standby. Before the next loss, all nodes must
  // have it.
  await postgres.replicates(postgres.primary, 2);
  for (const client of held) client.kill('SIGCONT');
}
