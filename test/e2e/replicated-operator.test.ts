import { beforeEach, describe, expect, test } from 'vitest';
import { bet, END, GWIN, nbet, OK, range, rwin } from '../support/base-frames.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import type { PostgresCluster } from '../support/postgres-cluster.ts';
import { say } from '../support/peer.ts';
import { type Program, startServer } from '../support/program.ts';
import { readiness, snapshotOf } from '../support/readiness.ts';
import { Scrape } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

beforeEach(needPostgres);

const envOf = (postgres: PostgresCluster) => ({
  NUMBER_AGENCIES: '2',
  HTTP_PORT: '0',
  SERVER_STORE: postgres.url(),
});

async function startWithPage(postgres: PostgresCluster) {
  const { server, port } = await startServer(await temporaryFolder(), envOf(postgres));
  return { server, port, url: (await server.logged('listen_http')).details['url']! };
}

const kindsOf = async (url: string): Promise<string[]> =>
  (await snapshotOf(url)).events.map(({ kind }) => kind);

const lineOf = (server: Program, action: string): string =>
  server.linesOf(action).at(-1)!.text.slice(20);

describe('two servers on one replicated store', () => {
  test('show the same lottery, whichever server stored the bets and held the draw', async () => {
    const postgres = await startPostgres(1);
    const [busy, quiet] = [await startWithPage(postgres), await startWithPage(postgres)];
    await say(busy.port, 1, [[nbet(...range(130).map(document => bet(document))), OK]]);
    await say(busy.port, 1, [
      [nbet(bet(500, 7574)), OK],
      [END, OK],
    ]);
    await expect.poll(() => snapshotOf(quiet.url)).toMatchObject({ bets: 131, waitingFor: [2] });
    const scrape = await Scrape.from(quiet.url);
    expect(scrape.values('loteria_bets_stored_total')).toEqual({ 1: 131, 2: 0 });
    expect(scrape.value('loteria_batches_stored_total')).toBe(0);
    expect(scrape.value('loteria_engine_available')).toBe(1);
    expect(scrape.value('loteria_synced_bytes_total')).toBe(0);
    expect(lineOf(quiet.server, 'agency_finished')).toBe(
      'INFO     action: agency_finished | result: success | agency: 1 | missing: 1 | waiting_for: 2',
    );

    await say(busy.port, 2, [[END, OK]]);
    const { details } = await busy.server.logged('draw');
    const seal = details['sha256'];
    await quiet.server.logged('follow_draw');
    expect(lineOf(quiet.server, 'follow_draw')).toBe(
      `INFO     action: follow_draw | result: success | bets: 131 | winners: 1 | sha256: ${seal}`,
    );
    expect(quiet.server.linesOf('sorteo')).toEqual([]);
    expect(busy.server.linesOf('sorteo')).toHaveLength(1);
    expect(await snapshotOf(quiet.url)).toMatchObject({ state: 'drawn', seal, winners: 1 });
    expect((await kindsOf(quiet.url))[0]).toBe('draw-followed');
    await say(quiet.port, 1, [[GWIN, rwin(500)]]);
  });

  test('report that the engine is unavailable and available again', async () => {
    const postgres = await startPostgres(1);
    const { server, port, url } = await startWithPage(postgres);
    expect(await readiness(url)).toBe('200 ready');
    await postgres.primary.kill();
    await server.logged('reach_engine', 'in_progress');
    expect(await readiness(url)).toBe('503 not ready: engine-away');
    expect((await Scrape.from(url)).value('loteria_engine_available')).toBe(0);
    expect((await Scrape.from(url)).value('loteria_ready')).toBe(0);
    await postgres.primary.start();
    await server.logged('reach_engine', 'success');
    expect(await readiness(url)).toBe('200 ready');
    expect((await Scrape.from(url)).value('loteria_engine_available')).toBe(1);
    expect((await kindsOf(url)).slice(0, 2)).toEqual(['engine-available', 'engine-unavailable']);
    await say(port, 1, [[nbet(bet(1)), OK]]);
  });
});
