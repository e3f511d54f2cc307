import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bet, heloBets, sbet, welcBets } from '../support/base-frames.ts';
import { freePort } from '../support/free-port.ts';
import { Peer } from '../support/peer.ts';
import { startClient, startServer } from '../support/program.ts';
import { snapshotOf } from '../support/readiness.ts';
import { loteria } from '../store/store-folder.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const FILE = 'Ana,Paz,21,1990-01-02,7574\nEva,Sol,22,1990-01-02,1\n';
const UPLOAD = createHash('sha256').update(FILE).digest('hex').slice(0, 32);

const DONE = { code: 0, signal: null };
const FAILED = { code: 1, signal: null };

test('an agency disputes a wrong acta; after a void a second acta is drawn', async () => {
  const folder = await temporaryFolder();
  const [port, httpPort] = [await freePort(), await freePort()];
  const env = { SERVER_PORT: String(port), HTTP_PORT: String(httpPort), NUMBER_AGENCIES: '2' };
  for (const agency of [1, 2]) writeFileSync(join(folder, `agency-${agency}.csv`), FILE);
  const start = (agency: number) =>
    startClient(folder, agency, port, {
      CLI_FILE_NAME: `agency-${agency}.csv`,
      CLI_WINNERS_FILE: `winners-${agency}.txt`,
    });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await loteria(folder, args);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };

  // An intruder sends another bet in place of the first one of agency 2.
  const { server } = await startServer(folder, { ...env, CLOSE_HOLD: '1h' });
  const intruder = await Peer.connect(port);
  intruder.send(Buffer.concat([heloBets(2, UPLOAD), sbet(1, bet(99, 7574))]));
  expect(await intruder.frames(2)).toEqual([welcBets(1), 'OK']);
  intruder.socket.destroy();
  const [one, two] = [start(1), start(2)];
  await one.logged('acta', 'success');
  const { details } = await two.logged('acta', 'fail');
  expect(details['error']).toContain('this agency has sent 2');
  expect(await server.logged('acta', 'fail')).toMatchObject({
    details: { agency: '2', acta: '1' },
  });
  const url = `http://127.0.0.1:${httpPort}/`;
  expect(await (await fetch(`${url}acta`)).text()).toBe(read('acta.txt'));
  const snapshot = await snapshotOf(url);
  expect(snapshot).toMatchObject({
    state: 'closed',
    acta: { number: 1 },
    disputes: [{ agency: 2 }],
  });
  expect(Date.parse(snapshot.acta!.drawAt!)).toBe(Date.parse(snapshot.acta!.closedAt) + 3_600_000);
  for (const document of ['99', '21'])
    expect(JSON.stringify(snapshot)).not.toContain(`"${document}"`);
  expect(await command('draw', 'status', '.')).toContain('state    closed ');

  two.kill('SIGTERM');
  expect(await two.exited).toEqual(FAILED);
  server.kill('SIGTERM');
  expect(await server.exited).toEqual(DONE);
  const first = read('acta.txt');
  await command('agency', 'void', '2', '--reason', 'another bet in its place');
  expect([read('acta-1.txt'), existsSync(join(folder, 'acta.txt'))]).toEqual([first, false]);
  await command('agency', 'reopen', '2', '--reason', 'the file was right');

  await startServer(folder, env);
  const again = start(2);
  for (const client of [one, again]) expect(await client.exited).toEqual(DONE);
  expect(one.linesOf('acta', 'success').map(line => line.details['acta'])).toEqual(['1', '2']);
  expect(read('acta.txt')).toContain('acta: 2\n');
  expect(read('acta.txt')).toContain('void: agency 2 bets 2 reason "another bet in its place" by ');
  expect([read('winners-1.txt'), read('winners-2.txt')]).toEqual(['21\n', '21\n']);
  expect(read('winners-2.txt.acta')).toBe(read('acta.txt'));
  expect(await command('audit', '.')).toContain('ok');
});
