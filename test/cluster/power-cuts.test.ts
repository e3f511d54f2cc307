import { beforeEach, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { generateAgencies } from '../crash/expected-bets.ts';
import { needNats, startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ClusterRun } from './cluster-run.ts';

beforeEach(needNats);

const BETS = 30_000;
const CUTS = 9;

// One node starts again at once, without an election: many cuts in little time.
test('a node loses its newest records again and again, at any moment', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`to repeat: SEED=${seed}`);
  const random = new SeededRandom(seed);
  const nats = await startNats(1);
  const agencies = await generateAgencies(await temporaryFolder(), BETS);
  const client = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '8' };
  const run = await ClusterRun.start(nats, { agencies, client });
  for (const each of run.clients) each.start();
  for (let cut = 1; cut <= CUTS; cut += 1) {
    await run.untilAcknowledged(Math.floor((BETS * 0.8 * cut) / CUTS));
    const copy = await nats.copyFolders();
    // Hardly anything after the copy, or a good deal.
    await run.untilAcknowledged(run.acknowledged + random.pick([0, 0, 1, 10, 100, 500]));
    const victims = random.pick([[], [], run.servers.slice(0, 1), run.servers]);
    await Promise.all([nats.kill(0), ...victims.map(server => server.kill())]);
    await nats.putBack(copy);
    await nats.startAgain(0);
    for (const server of victims) server.start();
    console.log(`cut ${cut} at ${run.acknowledged} bets, ${victims.length} servers killed`);
  }
  await run.finishes();
});
