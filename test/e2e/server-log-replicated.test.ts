import { beforeEach, expect, test } from 'vitest';
import { bet, conn, END, GWIN, nbet, OK, rwin } from '../support/base-frames.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import { Peer } from '../support/peer.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

beforeEach(needPostgres);

/** The line without its time, with varying values made equal. */
const fixed = (text: string): string =>
  text
    .slice(20)
    .replace(/\| (port|ms): \d+/g, '| $1: N')
    .replace(/127\.0\.0\.1[ :]\d+/g, 'HOST')
    .replace(/\b[0-9a-f]{64}\b/, 'SEAL');

const ACCEPTING = 'INFO     action: accept_connections | result: in_progress';
const ACCEPTED = 'INFO     action: accept_connections | result: success | ip: 127.0.0.1';
const IDENTIFIED = 'DEBUG    action: identify | result: success | ip: 127.0.0.1 | agency: 1';
const CLOSED = 'INFO     action: close_socket | result: success | ip: 127.0.0.1 | agency: 1';

test('a lottery whose replicated store starts late logs exactly these lines', async () => {
  const postgres = await startPostgres(1);
  await postgres.primary.stop();
  const env = {
    SERVER_PORT: '0',
    SERVER_HOST: '127.0.0.1',
    LOGGING_LEVEL: 'DEBUG',
    NUMBER_AGENCIES: '1',
    SERVER_STORE: postgres.url(),
    STORE_LOTTERY: 'SORTEO-1',
  };
  const server = Program.start(['server'], { cwd: await temporaryFolder(), env });
  await server.logged('reach_engine', 'in_progress');
  await postgres.primary.start();
  const { details } = await server.logged('listen');
  const peer = await Peer.connect(Number(details['port']));
  peer.send(Buffer.concat([conn(1), nbet(bet(11, 7574), bet(12)), END]));
  expect(await peer.receive(8)).toBe(OK + OK);
  await server.logged('draw');
  peer.send(GWIN);
  const winners = rwin(11);
  expect(await peer.receive(winners.length / 2)).toBe(winners);
  peer.end();
  await server.logged('close_socket');
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.lines.map(({ text }) => fixed(text))).toEqual([
    'DEBUG    action: config | result: success | port: N | listen_backlog: 511 | logging_level: DEBUG',
    'WARNING  action: reach_engine | result: in_progress | error: HOST no server listens there (ECONNREFUSED)',
    'INFO     action: reach_engine | result: success | ms: N',
    'WARNING  action: check_engine | result: success | sync: single',
    'INFO     action: open_store | result: success | file: lottery SORTEO-1 | bets: 0 | finished: 0 of 1 agencies | finished_ids: none | state: open',
    'INFO     action: listen | result: success | address: 127.0.0.1 | port: N | dialect: tp0',
    ACCEPTING,
    ACCEPTED,
    ACCEPTING,
    IDENTIFIED,
    'INFO     action: apuesta_recibida | result: success | cantidad: 2',
    'INFO     action: agency_finished | result: success | agency: 1 | missing: 0 | waiting_for: none',
    'INFO     action: cierre | result: success | apuestas: 2 | sha256: SEAL | acta: 1',
    'INFO     action: sorteo | result: success',
    'INFO     action: draw | result: success | bets: 2 | winners: 1 | ms: N | sha256: SEAL',
    CLOSED,
    'INFO     action: shutdown | result: in_progress | signal: SIGTERM',
    'INFO     action: close_timer | result: success | timer: deadlines',
    'INFO     action: close_listener | result: success | port: N',
    'INFO     action: close_file | result: success | file: lottery SORTEO-1',
    'INFO     action: shutdown | result: success',
  ]);
  expect(server.stderr).toBe('');
});
