import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { bet, conn, END, GWIN, nbet, OK, row, rwin } from '../support/base-frames.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import { Peer } from '../support/peer.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import * as log from './log-lines.ts';

beforeEach(needPostgres);

/** With the engine's address replaced. */
const withoutHost = (text: string): string =>
  log.fixed(text).replace(/127\.0\.0\.1[ :]\d+/g, 'HOST');

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
  expect(server.lines.map(({ text }) => withoutHost(text))).toEqual([
    log.configured(),
    'WARNING  action: reach_engine | result: in_progress | error: HOST no server listens there (ECONNREFUSED)',
    'INFO     action: reach_engine | result: success | ms: N',
    'WARNING  action: check_engine | result: success | sync: single',
    log.opened('lottery SORTEO-1', 1),
    log.LISTENING,
    log.ACCEPTING,
    log.ACCEPTED,
    log.ACCEPTING,
    log.identified(1),
    log.stored(2),
    ...log.drawn(
      2,
      createHash('sha256')
        .update(row(1, 11, 7574) + row(1, 12))
        .digest('hex'),
    ),
    log.closed(1),
    ...log.stopped('lottery SORTEO-1'),
  ]);
  expect(server.stderr).toBe('');
});
