import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { betsOf, makeAgency, readRows, rowsFor, rowsOf } from './agencies.ts';
import { runAgency, SPOKEN, startOurServer } from './our-side.ts';

/**
 * Promises P1 and P2 in the dialects without resumable uploads, in which only acknowledgements show
 * what is stored.
 */

const BATCH = 2;
const BATCHES = 200;
const OPTIONS = ['--batch', String(BATCH)];
/** Its second and its last bet win. */
const AGENCIES = [1, 2, 3, 4, 5].map(id =>
  makeAgency(id, BATCHES * BATCH, [1, BATCHES * BATCH - 1]),
);

beforeEach(needsPython);

test.each(SPOKEN)(
  '%s: a killed server keeps every acknowledged batch of five clients, and each whole',
  async spoken => {
    const folder = await temporaryFolder();
    const first = await startOurServer(folder, [spoken]);
    const ended = AGENCIES.map(agency =>
      runAgency(folder, agency, { port: first.portOf(spoken), spoken }, ...OPTIONS),
    );
    const stored = () => first.server.linesOf('apuesta_recibida', 'success').length;
    await first.server.line(() => stored() >= BATCHES, `${BATCHES} batches that are stored`);
    first.server.kill('SIGKILL');
    const reports = (await Promise.all(ended)).map(({ report }) => report!);
    expect(reports.some(({ acknowledged }) => acknowledged < BATCHES)).toBe(true);

    const second = await startOurServer(folder, [spoken]);
    const rows = await readRows(join(folder, 'bets.csv'));
    const [opened] = second.server.linesOf('open_store', 'success');
    expect(opened!.details['bets']).toBe(String(rows.length));
    const places = AGENCIES.map((agency, index) => {
      const own = rowsOf(rows, agency);
      expect(own).toEqual(rowsFor(agency).slice(0, own.length));
      expect(own.length % BATCH).toBe(0);
      // The batch with the lost answer may be stored.
      const unsure = own.length / BATCH - reports[index]!.acknowledged;
      expect([0, 1]).toContain(unsure);
      return own.length;
    });

    const rest = AGENCIES.map((agency, index) => {
      const there = { port: second.portOf(spoken), spoken, from: places[index]! };
      return runAgency(folder, agency, there, ...OPTIONS);
    });
    for (const [index, { code, report }] of (await Promise.all(rest)).entries()) {
      expect({ code, winners: report?.winners }).toEqual({
        code: 0,
        winners: AGENCIES[index]!.winners,
      });
    }
    const all = await readRows(join(folder, 'bets.csv'));
    for (const agency of AGENCIES) expect(rowsOf(all, agency)).toEqual(rowsFor(agency));
    expect(all).toHaveLength(betsOf(AGENCIES));
    await second.server.logged('sorteo');
    expect(second.server.linesOf('sorteo')).toHaveLength(1);
  },
);
