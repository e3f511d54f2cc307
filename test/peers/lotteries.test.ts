import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { AGENCY_PROTOCOLS } from '../../src/wire/dialect-names.ts';
import type { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  betsOf,
  FIVE_AGENCIES,
  HIGH_NUMBERS,
  makeAgency,
  type PeerAgency,
  readRows,
  rowsFor,
  rowsOf,
} from './agencies.ts';
import {
  peerOf,
  runAgency,
  SPOKEN,
  type Spoken,
  startOurClient,
  startOurServer,
  winnersFile,
} from './our-side.ts';
import { type ClientReport, type PeerEnd, startPeerServer } from './python-peer.ts';

/**
 * Lotteries of five agencies with the peers' programs on one side, in every dialect. All are
 * processes.
 */

const BATCH = 20;
const DONE = { code: 0, signal: null };

/** The dialect, and the options of the peer. */
type Case = readonly [Spoken, ...string[]];

const inEach = (...options: readonly string[]): Case[] =>
  SPOKEN.map(spoken => [spoken, ...options]);
const titled = (each: Case): [string, Case] => [each.join(' '), each];

beforeEach(needsPython);

/** Expects every bet once, and those of an agency in order. */
async function expectStored(file: string, agencies: readonly PeerAgency[]): Promise<void> {
  const rows = await readRows(file);
  for (const agency of agencies) expect(rowsOf(rows, agency)).toEqual(rowsFor(agency));
  expect(rows).toHaveLength(betsOf(agencies));
}

/** Expects one draw, no errors, and a graceful end. */
async function expectOneDraw(server: Program, agencies: readonly PeerAgency[]): Promise<void> {
  server.kill('SIGTERM');
  expect(await server.exited).toEqual(DONE);
  expect(server.lines.filter(({ result }) => result === 'fail')).toEqual([]);
  expect(server.linesOf('sorteo')).toHaveLength(1);
  expect(
    server.linesOf('draw').map(({ details }) => [details['bets'], details['winners']]),
  ).toEqual([
    [String(betsOf(agencies)), String(agencies.flatMap(({ winners }) => winners).length)],
  ]);
}

/** The report of a Python client without refusals. */
function ofAll({ id, lines, winners }: PeerAgency): PeerEnd<ClientReport> {
  const batches = Math.ceil(lines.length / BATCH);
  const report = {
    agency: id,
    batches,
    bets: lines.length,
    acknowledged: batches,
    errors: 0,
    winners,
  };
  return { code: 0, stderr: '', report };
}

async function expectWinnersFiles(folder: string, agencies: readonly PeerAgency[]): Promise<void> {
  for (const agency of agencies) {
    const told = await readFile(winnersFile(folder, agency), 'utf8');
    expect(told).toBe(agency.winners.map(document => `${document}\n`).join(''));
  }
}

describe('a lottery of five clients of other solutions and our server', () => {
  /** One has no bets. Our server accepts every number up to 9999. */
  const AGENCIES = [
    makeAgency(1, 300, [4, 17, 299], HIGH_NUMBERS),
    ...FIVE_AGENCIES.slice(1, 4),
    makeAgency(5, 0),
  ];

  const CASES: readonly Case[] = [
    ...inEach(),
    ['base', '--stray'],
    ['check-win', '--old'],
    ['check-win', '--overtake'],
    ['csv-frames', '--strict'],
    ['op-codes', '--old'],
    ...inEach('--chunk', '1'),
  ];

  test.each(CASES.map(titled))('completes in %s', async (_, [spoken, ...options]) => {
    const folder = await temporaryFolder();
    const { server, portOf } = await startOurServer(folder, [spoken]);
    const there = { port: portOf(spoken), spoken };
    const ended = AGENCIES.map(agency =>
      runAgency(folder, agency, there, '--batch', String(BATCH), ...options),
    );
    expect(await Promise.all(ended)).toEqual(AGENCIES.map(ofAll));
    await expectOneDraw(server, AGENCIES);
    await expectStored(join(folder, 'bets.csv'), AGENCIES);
  });
});

describe('a lottery of our five clients and the server of another solution', () => {
  const CASES: readonly Case[] = [
    ['base', '--not-yet', '1'],
    ['push-codes'],
    ['check-win', '--not-yet', '1'],
    ['csv-frames', '--strict'],
    ['op-codes', '--not-yet', '1'],
    ...inEach('--chunk', '1'),
  ];

  test.each(CASES.map(titled))('completes in %s', async (_, [spoken, ...options]) => {
    const folder = await temporaryFolder();
    // The original server of op-codes refuses the greatest numbers.
    const numbers = spoken === 'op-codes' ? {} : HIGH_NUMBERS;
    const agencies = [makeAgency(1, 300, [4, 17, 299], numbers), ...FIVE_AGENCIES.slice(1)];
    const stored = join(folder, 'stored.csv');
    const lottery = { agencies: agencies.length, file: stored };
    const server = await startPeerServer(peerOf(spoken), lottery, ...options);
    const there = { port: server.port, protocol: spoken };
    const clients = await Promise.all(
      agencies.map(agency =>
        startOurClient(folder, agency, there, { CLI_BATCH_MAXAMOUNT: String(BATCH) }),
      ),
    );
    for (const client of clients) expect(await client.exited, client.transcript()).toEqual(DONE);
    expect(await server.ended).toEqual({
      code: 0,
      stderr: '',
      report: { done: true, bets: betsOf(agencies), all_sent: { 1: 1, 2: 1, 3: 1, 4: 1, 5: 1 } },
    });
    await expectStored(stored, agencies);
    await expectWinnersFiles(folder, agencies);
    for (const [index, { winners }] of agencies.entries()) {
      const told = clients[index]!.linesOf('consulta_ganadores', 'success');
      expect(told.map(({ details }) => details['cant_ganadores'])).toEqual([
        String(winners.length),
      ]);
    }
  });
});

describe('a lottery in several dialects on one server', () => {
  test('serves five clients of other solutions', async () => {
    const folder = await temporaryFolder();
    const { server, portOf } = await startOurServer(folder, SPOKEN);
    const ended = FIVE_AGENCIES.map((agency, index) => {
      const spoken = SPOKEN[index]!;
      return runAgency(folder, agency, { port: portOf(spoken), spoken }, '--batch', String(BATCH));
    });
    expect(await Promise.all(ended)).toEqual(FIVE_AGENCIES.map(ofAll));
    await expectOneDraw(server, FIVE_AGENCIES);
    await expectStored(join(folder, 'bets.csv'), FIVE_AGENCIES);
  });

  test('serves our clients, one in each protocol', async () => {
    const folder = await temporaryFolder();
    const { server, portOf } = await startOurServer(folder, AGENCY_PROTOCOLS, {
      NUMBER_AGENCIES: '6',
    });
    const agencies = [...FIVE_AGENCIES, makeAgency(6, 120, [60], HIGH_NUMBERS)];
    const clients = await Promise.all(
      agencies.map((agency, index) => {
        const protocol = AGENCY_PROTOCOLS[index]!;
        return startOurClient(folder, agency, { port: portOf(protocol), protocol });
      }),
    );
    for (const client of clients) expect(await client.exited, client.transcript()).toEqual(DONE);
    await expectOneDraw(server, agencies);
    await expectStored(join(folder, 'bets.csv'), agencies);
    await expectWinnersFiles(folder, agencies);
  });
});
