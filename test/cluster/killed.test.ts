import { beforeEach, expect, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { prepareAgencies } from '../crash/expected-bets.ts';
import { needNats, startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun } from './cluster-run.ts';

beforeEach(needNats);

const ROUNDS = 3;

const VICTIMS = ['node', 'server', 'client'] as const;

test('a node, a server and a client are killed during the upload: every bet is stored once, one draw is held', async () => {
  const nats = await startNats(3);
  const agencies = await prepareAgencies(await temporaryFolder());
  for (let round = 1; round <= ROUNDS; round += 1) {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`to repeat round ${round}: SEED=${seed}`);
    const random = new SeededRandom(seed);
    const small = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '16' };
    const run = await ClusterRun.start(nats, { agencies, stream: `ROUND-${round}`, client: small });
    for (const client of run.clients) client.start();
    await strikeAll(run, random);
    await run.finishes();
    await Promise.all(run.servers.map(server => server.kill()));
    await nats.healthy();
  }
});

/** Kills everybody once, in any order, and starts each again at once or after a while. */
async function strikeAll(run: ClusterRun, random: SeededRandom): Promise<void> {
  const victims = shuffled(VICTIMS, random);
  for (const [index, victim] of victims.entries()) {
    const share = (index + random.between(20, 80) / 100) / VICTIMS.length;
    const bets = Math.floor(run.bets * 0.75 * share);
    const more = random.pick([0, 1, 500, 2000]);
    await run.untilAcknowledged(bets);
    await strike(run, victim, random, () => run.untilAcknowledged(run.acknowledged + more));
  }
  expect(run.servers.flatMap(server => server.linesOf('sorteo'))).toEqual([]);
}

async function strike(
  run: ClusterRun,
  victim: (typeof VICTIMS)[number],
  random: SeededRandom,
  wait: () => Promise<void>,
): Promise<void> {
  const server = random.pick(run.servers);
  // The last one has too few bets to be hit.
  const client = random.pick(run.clients.slice(0, 3));
  const node = victim === 'node' ? await run.nats.leaderOf(run.stream) : 0;
  const name = { node: `node ${node}`, server: server.name, client: client.name }[victim];
  console.log(`at ${run.acknowledged} bets: ${name}`);
  if (victim === 'node') await run.nats.kill(node);
  else await { server, client }[victim].kill();
  await wait();
  if (victim === 'node') await run.nats.startAgain(node);
  else ({ server, client })[victim].start();
}

function shuffled<Item>(items: readonly Item[], random: SeededRandom): Item[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.between(0, rest.length - 1), 1)[0]!);
}
