import { createHash } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bet, done, END, helo, row, sbet, WAIT, welc } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import * as log from './log-lines.ts';

const env = { NUMBER_AGENCIES: '1' };

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
  expect(first.server.lines.map(({ text }) => log.fixed(text))).toEqual([
    log.configured(),
    log.opened('bets.csv', 1),
    log.LISTENING,
    log.ACCEPTING,
    log.ACCEPTED,
    log.ACCEPTING,
    log.identified(1),
    log.stored(2),
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
  expect(server.lines.map(({ text }) => log.fixed(text))).toEqual([
    log.configured(),
    'WARNING  action: cut_torn_tail | result: success | file: bets.csv | bytes: 5',
    log.opened('bets.csv', 1, 2),
    log.LISTENING,
    log.ACCEPTING,
    log.ACCEPTED,
    log.ACCEPTING,
    log.identified(1),
    'INFO     action: resume_upload | result: success | agency: 1 | upload: file-1 | bets: 2',
    'ERROR    action: apuesta_recibida | result: fail | cantidad: 2',
    'ERROR    action: refuse | result: fail | ip: 127.0.0.1 | port: N | dialect: tp0 | agency: 1 | code: invalid-bet | detail: bet 1, number, out-of-range',
    ...log.drawn(
      2,
      createHash('sha256')
        .update(row(1, 11, 7574) + row(1, 12))
        .digest('hex'),
    ),
    log.closed(1),
  ]);
});
