import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bet, done, END, helo, row, sbet, WAIT, welc } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const env = { NUMBER_AGENCIES: '1' };

/** The line without its time, with varying values made equal. */
const fixed = (text: string): string =>
  text
    .slice(20)
    .replace(/\| (port|ms): \d+/g, '| $1: N')
    .replace(/\b[0-9a-f]{64}\b/, 'SEAL');

const ACCEPTING = 'INFO     action: accept_connections | result: in_progress';
const ACCEPTED = 'INFO     action: accept_connections | result: success | ip: 127.0.0.1';
const IDENTIFIED = 'DEBUG    action: identify | result: success | ip: 127.0.0.1 | agency: 1';
const CONFIG =
  'DEBUG    action: config | result: success | port: N | listen_backlog: 511 | logging_level: DEBUG';
const LISTENING =
  'INFO     action: listen | result: success | address: 127.0.0.1 | port: N | dialect: tp0';

test('an upload, a crash during it and the restart log exactly these lines', async () => {
  const folder = await temporaryFolder();
  const first = await startServer(folder, env);
  const sender = await Peer.connect(first.port);
  const batch = sbet(1, bet(11, 7574), bet(12));
  sender.send(Buffer.concat([helo(1, 'file-1'), batch, batch]));
  expect(await sender.frames(3)).toEqual([welc(1), 'OK', 'OK']);
  await first.server.logged('repeat_batch');
  first.server.kill('SIGKILL');
  await first.server.exited;
  expect(first.server.lines.map(({ text }) => fixed(text))).toEqual([
    CONFIG,
    'INFO     action: open_store | result: success | file: bets.csv | bets: 0 | finished: 0 of 1 agencies | finished_ids: none | state: open',
    LISTENING,
    ACCEPTING,
    ACCEPTED,
    ACCEPTING,
    IDENTIFIED,
    'INFO     action: apuesta_recibida | result: success | cantidad: 2',
    'DEBUG    action: repeat_batch | result: success | agency: 1 | batch: 1',
  ]);

  await appendFile(join(folder, 'bets.csv'), row(1, 13).slice(0, 5));
  const { server, port } = await startServer(folder, env);
  const again = await Peer.connect(port);
  again.send(
    Buffer.concat([helo(1, 'file-1'), sbet(2, bet(13), bet(14, 10_000)), done(1, 2), END, WAIT]),
  );
  const refused = 'FAIL invalid-bet|0|2|1|number|out-of-range';
  expect(await again.frames(5)).toEqual([welc(2), refused, 'OK', 'OK', 'RWIN 1|11']);
  again.end();
  await server.logged('close_socket');
  expect(server.lines.map(({ text }) => fixed(text))).toEqual([
    CONFIG,
    'WARNING  action: cut_torn_tail | result: success | file: bets.csv | bytes: 5',
    'INFO     action: open_store | result: success | file: bets.csv | bets: 2 | finished: 0 of 1 agencies | finished_ids: none | state: open',
    LISTENING,
    ACCEPTING,
    ACCEPTED,
    ACCEPTING,
    IDENTIFIED,
    'INFO     action: resume_upload | result: success | agency: 1 | upload: file-1 | bets: 2',
    'ERROR    action: apuesta_recibida | result: fail | cantidad: 2',
    'ERROR    action: refuse | result: fail | ip: 127.0.0.1 | port: N | dialect: tp0 | agency: 1 | code: invalid-bet | detail: bet 1, number, out-of-range',
    'INFO     action: agency_finished | result: success | agency: 1 | missing: 0 | waiting_for: none',
    'INFO     action: cierre | result: success | apuestas: 2 | sha256: SEAL | acta: 1',
    'INFO     action: sorteo | result: success',
    'INFO     action: draw | result: success | bets: 2 | winners: 1 | ms: N | sha256: SEAL',
    'INFO     action: close_socket | result: success | ip: 127.0.0.1 | agency: 1',
  ]);
});
