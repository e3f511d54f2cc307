import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { makeAgency, readRows, rowsFor, rowsOf } from './agencies.ts';
import {
  peerOf,
  runAgency,
  type Spoken,
  startOurClient,
  startOurServer,
  winnersFile,
} from './our-side.ts';
import { runPeerClient, startPeerServer } from './python-peer.ts';

/**
 * Refused batches, with a peer on one side: the sender is informed, and others are not affected.
 */

const BATCH = 5;
/** Its second and its last bet win. */
const LORCA = makeAgency(1, 17, [1, 16]);
const OTHER = makeAgency(2, 12, [3]);

beforeEach(needsPython);

describe('our client with a refused second batch', () => {
  const env = { CLI_BATCH_MAXAMOUNT: String(BATCH) };

  test.each<readonly [Spoken, RegExp]>([
    ['base', /^the central refused the batch of 5 bets that begins with line 6; its log says why$/],
    [
      'push-codes',
      /^the central refused the batch of 5 bets that begins with line 6; its log says why$/,
    ],
    [
      'check-win',
      /^the central refused the batch of 5 bets that begins with line 6; its log says why$/,
    ],
    [
      'csv-frames',
      /^the connection was lost, the central closed the connection; whether the last 1 batches were stored is not known/,
    ],
  ])('in %s reports the refusal and exits 1', async (spoken, why) => {
    const folder = await temporaryFolder();
    const stored = join(folder, 'stored.csv');
    const lottery = { agencies: 1, file: stored };
    const server = await startPeerServer(peerOf(spoken), lottery, '--refuse', '2');
    const client = await startOurClient(
      folder,
      LORCA,
      { port: server.port, protocol: spoken },
      env,
    );
    expect(await client.exited).toEqual({ code: 1, signal: null });
    const failures = client.lines.filter(({ result }) => result === 'fail');
    expect(failures.map(({ action }) => action)).toEqual(['exit']);
    expect(failures[0]!.details['error']).toMatch(why);
    expect(client.linesOf('upload', 'success')).toEqual([]);
    expect(await readRows(stored)).toEqual(rowsFor(LORCA).slice(0, BATCH));
    await expect(readFile(winnersFile(folder, LORCA))).rejects.toThrow('ENOENT');
  });

  test('in op-codes skips that batch, receives its winners and exits 1', async () => {
    const folder = await temporaryFolder();
    const stored = join(folder, 'stored.csv');
    const server = await startPeerServer(
      'op_codes',
      { agencies: 1, file: stored },
      '--refuse',
      '2',
    );
    const client = await startOurClient(
      folder,
      LORCA,
      { port: server.port, protocol: 'op-codes' },
      env,
    );
    expect(await client.exited).toEqual({ code: 1, signal: null });
    const failures = client.lines.filter(({ result }) => result === 'fail');
    expect(failures.map(({ action, details }) => [action, details])).toEqual([
      ['upload', { client_id: '1', bets: '5', from_line: '6', reason: 'refused' }],
      ['exit', { client_id: '1', refused_lines: '5' }],
    ]);
    expect(client.linesOf('upload', 'success').map(({ details }) => details)).toEqual([
      { client_id: '1', batches: '3', bets: '12' },
    ]);
    const rows = rowsFor(LORCA);
    expect(await readRows(stored)).toEqual([...rows.slice(0, BATCH), ...rows.slice(2 * BATCH)]);
    expect(await readFile(winnersFile(folder, LORCA), 'utf8')).toBe('1000001\n1000016\n');
    expect(await server.ended).toMatchObject({
      code: 0,
      report: { done: true, bets: 12, all_sent: { 1: 1 } },
    });
  });
});

describe('our server with an invalid bet of another client', () => {
  const BROKEN = 'Ana,Paz,1999999,2021-02-29,7574';
  const options = ['--batch', String(BATCH)];
  const refused = { agency: 1, acknowledged: 1, winners: [] };

  test.each<readonly [Spoken, object]>([
    // An original base client repeats the batch, which must not be answered either.
    ['base', { code: 1, report: { ...refused, errors: 1 } }],
    ['push-codes', { code: 0, report: { ...refused, errors: 1 } }],
    // The original ignores the answer, continues, and finds the connection closed.
    ['check-win', { code: 1, report: { ...refused, errors: 1 } }],
    // The dialect cannot express it: the client takes the closed connection for the end of the
    // winners.
    ['csv-frames', { code: 0, report: { ...refused, errors: 1 } }],
  ])(
    'in %s stores nothing of its batch, and the draw waits for the corrected bets',
    async (spoken, ending) => {
      const folder = await temporaryFolder();
      const { server, portOf } = await startOurServer(folder, [spoken], { NUMBER_AGENCIES: '2' });
      const there = { port: portOf(spoken), spoken };
      const other = runAgency(folder, OTHER, there, ...options);
      const file = join(folder, 'broken.csv');
      const rows = rowsFor(LORCA);
      await writeFile(file, `${LORCA.lines.slice(0, BATCH + 2).join('\n')}\n${BROKEN}\n`);
      await appendFile(file, `${LORCA.lines.slice(BATCH + 3).join('\n')}\n`);
      const client = await runPeerClient(
        peerOf(spoken),
        { port: there.port, id: 1, file },
        ...options,
      );
      expect(client).toMatchObject(ending);
      await server.logged('refuse', 'fail');
      expect(server.linesOf('refuse', 'fail').map(({ details }) => details)).toEqual([
        expect.objectContaining({
          agency: '1',
          code: 'invalid-bet',
          detail: 'bet 2, birthdate, not-a-date',
        }),
      ]);
      expect(rowsOf(await readRows(join(folder, 'bets.csv')), LORCA)).toEqual(rows.slice(0, BATCH));

      expect(server.linesOf('sorteo')).toEqual([]);
      const again = await runAgency(folder, LORCA, { ...there, from: BATCH }, ...options);
      expect(again).toMatchObject({
        code: 0,
        report: { acknowledged: 3, errors: 0, winners: LORCA.winners },
      });
      expect(await other).toMatchObject({ code: 0, report: { errors: 0, winners: OTHER.winners } });
      const stored = await readRows(join(folder, 'bets.csv'));
      expect(rowsOf(stored, LORCA)).toEqual(rows);
      expect(rowsOf(stored, OTHER)).toEqual(rowsFor(OTHER));
      await server.logged('sorteo');
      expect(server.linesOf('sorteo')).toHaveLength(1);
    },
  );

  test.each([
    ['newer', []],
    ['older', ['--old']],
  ])('in op-codes continues with a client of the %s kind, without that batch', async (_, quirk) => {
    const folder = await temporaryFolder();
    const { server, portOf } = await startOurServer(folder, ['op-codes'], { NUMBER_AGENCIES: '1' });
    const rows = rowsFor(LORCA);
    const file = join(folder, 'broken.csv');
    const lines = LORCA.lines.with(BATCH + 2, BROKEN);
    await writeFile(file, `${lines.join('\n')}\n`);
    const there = { port: portOf('op-codes'), id: 1, file };
    expect(await runPeerClient('op_codes', there, '--wait', '0.05', ...options, ...quirk)).toEqual({
      code: 0,
      stderr: '',
      report: {
        agency: 1,
        batches: 4,
        bets: 17,
        acknowledged: 3,
        errors: 1,
        winners: LORCA.winners,
      },
    });
    const { details } = await server.logged('refuse', 'fail');
    expect(details['code']).toBe('invalid-bet');
    const stored = await readRows(join(folder, 'bets.csv'));
    expect(stored).toEqual([...rows.slice(0, BATCH), ...rows.slice(2 * BATCH)]);
  });
});
