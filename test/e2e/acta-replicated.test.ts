import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { bet, conn, END, GWIN, nbet, OK, rwin } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { needPostgres, startPostgres } from '../support/postgres.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

beforeEach(needPostgres);

test('another server takes the signature of the acta of a killed server and draws', async () => {
  const postgres = await startPostgres(1);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const folders = [await temporaryFolder(), await temporaryFolder()] as const;
  const [firstFolder, secondFolder] = folders;
  for (const folder of folders)
    writeFileSync(join(folder, 'auditor.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  const env = { NUMBER_AGENCIES: '1', ACTA_KEY: 'auditor.pub', SERVER_STORE: postgres.url() };
  const first = await startServer(firstFolder, env);
  const second = await startServer(secondFolder, env);
  const peer = await Peer.connect(first.port);
  peer.send(Buffer.concat([conn(1), nbet(bet(11, 7574), bet(12)), END]));
  expect(await peer.receive(8)).toBe(OK + OK);
  for (const { server } of [first, second]) await server.logged('sorteo', 'in_progress');
  first.server.kill('SIGKILL');
  await first.server.exited;

  const [text, ofSecond] = folders.map(folder => readFileSync(join(folder, 'acta.txt'), 'utf8'));
  expect(ofSecond).toBe(text);
  const asking = await Peer.connect(second.port);
  asking.send(Buffer.concat([conn(1), GWIN]));
  writeFileSync(join(secondFolder, 'acta.sig'), sign(null, Buffer.from(text!), privateKey));
  expect(await asking.receive(rwin(11).length / 2)).toBe(rwin(11));
  const third = await startServer(firstFolder, env);
  expect(third.server.linesOf('open_store')[0]!.details['state']).toBe('drawn');
  const facts = await postgres.primary.sql(
    `SELECT kind, count(*)::int AS times FROM lottery_facts WHERE kind IN ('closed', 'drawn') GROUP BY kind ORDER BY kind`,
    [],
    'loteria',
  );
  expect(facts).toEqual([
    { kind: 'closed', times: 1 },
    { kind: 'drawn', times: 1 },
  ]);
});
