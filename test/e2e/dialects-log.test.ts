import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SPOKEN, spoken } from '../contract/spoken-dialects.ts';
import { Peer } from '../support/peer.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** What the built program logs, on both sides, of what a dialect has few words for or none. */

const LISTENERS = SPOKEN.map(({ name }) => `${name}:0`).join(',');

/** A server of two agencies that listens in all dialects, and its ports. */
async function startInAllDialects(
  folder: string,
): Promise<{ server: Program; portOf: (name: string) => number }> {
  const { server } = await startServer(folder, { SERVER_LISTENERS: LISTENERS, NUMBER_AGENCIES: '2' });
  const ports = new Map<string, number>();
  for (const { name } of SPOKEN) {
    const listens = await server.line(
      ({ action, details }) => action === 'listen' && details['dialect'] === name,
      `the listener of ${name}`,
    );
    ports.set(name, Number(listens.details['port']));
  }
  return { server, portOf: name => ports.get(name)! };
}

async function clientFor(folder: string, port: number, protocol: string): Promise<Program> {
  await writeFile(join(folder, 'agency.csv'), 'Ana,Paz,11,1990-01-02,7574\nEva,Gil,12,1991-01-02,1\n');
  return startClient(folder, 1, port, {
    CLI_PROTOCOL: protocol,
    CLI_BATCH_MAXAMOUNT: '1',
    CLI_FILE: 'agency.csv',
  });
}

describe('a batch that is refused, because the agency has finished, is logged as a failure on both sides', () => {
  const ending = SPOKEN.filter(({ outlivesRefusedBatch }) => !outlivesRefusedBatch);

  test.each(ending)('$name', async ({ name, hello, allSent, refused }) => {
    const folder = await temporaryFolder();
    const { server, portOf } = await startInAllDialects(folder);
    const peer = await Peer.connect(portOf(name));
    peer.send(Buffer.concat([hello(1), allSent(1)]));
    await server.logged('agency_finished');

    const client = await clientFor(folder, portOf(name), name === 'tp0' ? 'base' : name);
    expect(await client.exited).toEqual({ code: 1, signal: null });
    const why =
      refused('').length > 0
        ? 'the central refused the batch of 1 bets that begins with line 1; its log says why'
        : 'the connection was lost, the central closed the connection; whether the last 1 batches were stored is not known, ' +
          'and sending them again could store them twice; 0 bets were acknowledged, 1 are in doubt; ' +
          'have the central void them before they are sent again (\'loteria agency void 1 --reason "…"\')';
    const [exit] = client.linesOf('exit');
    expect([exit?.level, exit?.result]).toEqual(['ERROR', 'fail']);
    expect(exit?.details['error']?.startsWith(why)).toBe(true);
    expect(client.linesOf('upload', 'success')).toEqual([]);
    expect(client.linesOf('consulta_ganadores')).toEqual([]);

    const refusal = await server.logged('refuse', 'fail');
    expect([refusal.level, refusal.details['agency'], refusal.details['code']]).toEqual([
      'ERROR',
      '1',
      'agency-finished',
    ]);
    const bets = server.linesOf('apuesta_recibida');
    expect(bets.map(({ result, details }) => [result, details['cantidad']])).toEqual([['fail', '1']]);
  });

  test('op-codes, where the agency goes on without it, batch by batch, and fails in the end', async () => {
    const { hello, allSent } = spoken('op-codes');
    const folder = await temporaryFolder();
    const { server, portOf } = await startInAllDialects(folder);
    for (const agency of [1, 2]) {
      const peer = await Peer.connect(portOf('op-codes'));
      peer.send(Buffer.concat([hello(agency), allSent(agency)]));
    }
    await server.logged('sorteo');

    const client = await clientFor(folder, portOf('op-codes'), 'op-codes');
    expect(await client.exited).toEqual({ code: 1, signal: null });
    const left = client.linesOf('upload', 'fail').map(({ level, details }) => [level, details['from_line']]);
    expect(left).toEqual([
      ['ERROR', '1'],
      ['ERROR', '2'],
    ]);
    const [done] = client.linesOf('upload', 'success');
    expect([done?.details['batches'], done?.details['bets']]).toEqual(['0', '0']);
    expect(client.linesOf('exit', 'fail').map(({ details }) => details['refused_lines'])).toEqual(['2']);
    expect(server.linesOf('apuesta_recibida').map(({ result }) => result)).toEqual(['fail', 'fail']);
    expect(server.linesOf('refuse', 'fail')).toHaveLength(2);
  });
});

test('a message that breaks off is logged, whatever it is spoken in', async () => {
  const { server, portOf } = await startInAllDialects(await temporaryFolder());
  for (const { name, hello, batch } of SPOKEN) {
    const peer = await Peer.connect(portOf(name));
    const bytes = batch(1, {
      firstName: 'Ana',
      lastName: 'Paz',
      document: '1',
      birthdate: '1990-01-02',
      number: '1',
    });
    peer.send(Buffer.concat([hello(1), bytes.subarray(0, -1)]));
    peer.end();
    expect(await peer.rest()).toBe('');
  }
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  const cut = server.linesOf('cut_connection').map(({ result, details }) => [result, details['reason']]);
  expect(cut).toEqual(SPOKEN.map(() => ['fail', 'truncated']));
  expect(server.linesOf('apuesta_recibida')).toEqual([]);
});

test('winners of csv-frames that break off are no winners: the client fails, and says that there are none to ask for', async () => {
  const { hello, batch, allSent, accepted, winnersFrames } = spoken('csv-frames');
  const server = await ScriptedServer.listen();
  const client = await clientFor(await temporaryFolder(), server.port, 'csv-frames');
  const peer = await server.accept();
  const bets = [
    { firstName: 'Ana', lastName: 'Paz', document: '11', birthdate: '1990-01-02', number: '7574' },
    { firstName: 'Eva', lastName: 'Gil', document: '12', birthdate: '1991-01-02', number: '1' },
  ];
  const expectSaid = async (bytes: Buffer): Promise<void> =>
    expect(await peer.receive(bytes.length)).toBe(bytes.toString('hex'));
  await expectSaid(hello(1));
  for (const bet of bets) {
    await expectSaid(batch(1, bet));
    peer.send(accepted(1));
  }
  await expectSaid(allSent(1));
  peer.send(winnersFrames('11')[0]!);
  peer.end();
  expect(await client.exited).toEqual({ code: 1, signal: null });
  expect(client.linesOf('consulta_ganadores').map(({ result }) => result)).toEqual(['in_progress']);
  expect(client.linesOf('exit', 'fail')[0]?.details['error']).toBe(
    'the connection was lost before the winners came, the central closed the connection after 7 bytes of an answer; this dialect cannot ask for them again',
  );
});
