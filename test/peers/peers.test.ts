import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { makeAgency, readRows, rowsFor, rowsOf, writeAgency } from './agencies.ts';
import { type PeerDialect, runPeerClient, startPeerServer } from './python-peer.ts';

/** The peers among themselves: before they test our programs, they must work with each other. */

const AGENCIES = [makeAgency(1, 17, [4, 16]), makeAgency(2, 12), makeAgency(3, 5, [0])];
const BATCH = 5;

const WAIT = ['--wait', '0.05'];
const CASES: readonly (readonly [string, PeerDialect, string[], string[]])[] = [
  ['base', 'base', WAIT, []],
  [
    'base with a stray connection and a repeated query',
    'base',
    [...WAIT, '--stray'],
    ['--not-yet', '1'],
  ],
  ['push-codes', 'push_codes', [], []],
  ['push-codes in chunks', 'push_codes', ['--chunk', '3'], ['--chunk', '1']],
  ['check-win', 'check_win', WAIT, []],
  [
    'check-win of older clients with a repeated query',
    'check_win',
    [...WAIT, '--old'],
    ['--not-yet', '1'],
  ],
  [
    'check-win with a query before F, in chunks',
    'check_win',
    [...WAIT, '--overtake', '--chunk', '3'],
    ['--chunk', '1'],
  ],
  ['csv-frames', 'csv_frames', [], []],
  ['csv-frames with the strict reads of the originals', 'csv_frames', ['--strict'], ['--strict']],
  ['csv-frames in chunks', 'csv_frames', ['--chunk', '3'], ['--chunk', '1']],
  ['op-codes', 'op_codes', WAIT, []],
  [
    'op-codes of older clients with a repeated query',
    'op_codes',
    [...WAIT, '--old'],
    ['--not-yet', '1'],
  ],
  ['op-codes in chunks', 'op_codes', [...WAIT, '--chunk', '3'], ['--chunk', '1']],
];

beforeEach(needsPython);

describe('a lottery of three clients and a server in Python', () => {
  test.each(CASES)('completes in %s', async (_, dialect, ofClient, ofServer) => {
    const folder = await temporaryFolder();
    const stored = join(folder, 'stored.csv');
    const server = await startPeerServer(
      dialect,
      { agencies: AGENCIES.length, file: stored },
      ...ofServer,
    );
    const clients = await Promise.all(
      AGENCIES.map(async agency => {
        const file = await writeAgency(folder, agency);
        const there = { port: server.port, id: agency.id, file };
        return runPeerClient(dialect, there, '--batch', String(BATCH), ...ofClient);
      }),
    );
    expect(clients).toEqual(
      AGENCIES.map(({ id, lines, winners }) => {
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
      }),
    );
    expect(await server.ended).toEqual({
      code: 0,
      stderr: '',
      report: { done: true, bets: 34, all_sent: { 1: 1, 2: 1, 3: 1 } },
    });
    const rows = await readRows(stored);
    expect(rows).toHaveLength(34);
    for (const agency of AGENCIES) expect(rowsOf(rows, agency)).toEqual(rowsFor(agency));
  });
});

describe('a batch that the server refuses', () => {
  const LORCA = AGENCIES[0]!;

  test.each<readonly [PeerDialect, number, Record<string, unknown>, number]>([
    ['push_codes', 0, { batches: 2, bets: 10, acknowledged: 1, errors: 1, winners: [] }, 5],
    ['csv_frames', 0, { batches: 2, bets: 10, acknowledged: 1, errors: 1, winners: [] }, 5],
    [
      'check_win',
      0,
      { batches: 4, bets: 17, acknowledged: 3, errors: 1, winners: ['1000004', '1000016'] },
      12,
    ],
    [
      'op_codes',
      0,
      { batches: 4, bets: 17, acknowledged: 3, errors: 1, winners: ['1000004', '1000016'] },
      12,
    ],
    ['base', 1, { batches: 2, bets: 10, acknowledged: 1, errors: 1, winners: [] }, 5],
  ])('is reported by the client in %s', async (dialect, code, report, bets) => {
    const folder = await temporaryFolder();
    const lottery = { agencies: 1, file: join(folder, 'stored.csv') };
    const server = await startPeerServer(dialect, lottery, '--refuse', '2');
    const there = { port: server.port, id: 1, file: await writeAgency(folder, LORCA) };
    const client = await runPeerClient(dialect, there, '--batch', '5');
    expect({ code: client.code, report: client.report }).toEqual({
      code,
      report: { agency: 1, ...report },
    });
    expect(await server.ended).toMatchObject({ code: 0, report: { done: true, bets } });
  });
});

test('a client of op-codes sends as many batches as it may, and no more', async () => {
  const folder = await temporaryFolder();
  const lottery = { agencies: 1, file: join(folder, 'stored.csv') };
  const server = await startPeerServer('op_codes', lottery);
  const there = { port: server.port, id: 1, file: await writeAgency(folder, AGENCIES[0]!) };
  const { code, report } = await runPeerClient('op_codes', there, '--batch', '5', '--amount', '2');
  expect(code).toBe(0);
  expect(report).toMatchObject({ batches: 2, bets: 10, winners: ['1000004'] });
  expect(await readRows(lottery.file)).toHaveLength(10);
});

describe('input that the original server does not support', () => {
  const PROBE = [''];

  test.each<readonly [string, PeerDialect, string[], readonly string[], string]>([
    ['a probe', 'csv_frames', [], PROBE, 'a connection without an agency id'],
    ['a header in two chunks', 'csv_frames', ['--strict'], ['3030'], 'a header in two pieces'],
    ['a probe', 'push_codes', [], PROBE, 'a connection without an agency id'],
    ['an agency out of range', 'push_codes', [], ['04'], 'agency 4'],
    [
      'an invalid date',
      'push_codes',
      [],
      ['01 001b 0019 03416e61 024c61 323032312d30322d3239 00000001 00000001'],
      'a birthdate that the original never answers',
    ],
    [
      'a name of 31 letters',
      'push_codes',
      [],
      [`01 0037 0035 1f${'61'.repeat(31)} 024c61 323032312d30322d3238 00000001 00000001`],
      'a name of more than 30',
    ],
    [
      'a query before any bet',
      'check_win',
      [],
      ['00000005 51 00000001 31'],
      'before any bet is stored',
    ],
    [
      'a second "all sent"',
      'op_codes',
      [],
      ['040100', '040100'],
      "a second 'all sent' of agency 1",
    ],
    [
      'the number 9998',
      'op_codes',
      [],
      ['03 0001 01 01 0003416e61 00024c61 000131 000a323032312d30322d3238 270e'],
      'bets on 9998',
    ],
    ['a message before CONN', 'base', [], ['454e4400'], 'before CONN'],
  ])('(%s) ends the server of %s with a reason', async (_, dialect, options, connections, why) => {
    const folder = await temporaryFolder();
    const lottery = { agencies: 3, file: join(folder, 'stored.csv') };
    const server = await startPeerServer(dialect, lottery, ...options);
    for (const hex of connections) await sayAndLeave(server.port, hex);
    const { code, stderr, report } = await server.ended;
    expect({ code, report }).toEqual({ code: 1, report: undefined });
    expect(stderr).toContain(why);
  });

  test('includes an unfinished lottery: the op-codes server times out', async () => {
    const folder = await temporaryFolder();
    const lottery = { agencies: 3, file: join(folder, 'stored.csv') };
    const server = await startPeerServer('op_codes', lottery, '--timeout', '0.2');
    const { code, stderr } = await server.ended;
    expect(code).toBe(1);
    expect(stderr).toContain("not over after 0.2 s: 'all sent' came from [], of 3 agencies");
  });
});

/** Writes bytes on a new connection and closes it; the server need not accept them. */
function sayAndLeave(port: number, hex: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' }, () =>
      socket.end(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    );
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}
