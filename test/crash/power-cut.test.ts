import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { freePort } from '../support/free-port.ts';
import { LoopDisk, needLoopDisks } from '../support/loop-disk.ts';
import { Proxy } from '../support/proxy.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { checkFiles } from './checks.ts';
import { generateAgencies } from './expected-bets.ts';

/**
 * `CUTS=50 SEED=… node scripts/test.mjs test/crash/power-cut.test.ts` cuts more often, or repeats a
 * run.
 */
const { CUTS = 5, SEED = Math.floor(Math.random() * 2 ** 31) } = process.env;

const BETS = 3000 * Number(CUTS);
const SLOW = { CLI_BATCH_MAXAMOUNT: '5', CLI_BATCH_WINDOW: '4' };
const DISK_MEGABYTES = 64;

/** In the client's log if the server expects an acknowledged batch again. */
const FORGOTTEN = 'which it has acknowledged';

test(`a power cut loses no acknowledged bet and duplicates none (SEED=${SEED})`, {
  timeout: 60_000 + Number(CUTS) * 10_000,
}, async context => {
  needLoopDisks(context);
  const random = new SeededRandom(Number(SEED));
  const folder = await temporaryFolder();
  const disk = new LoopDisk(join(folder, 'disk'), DISK_MEGABYTES, 'root');
  await disk.mount();
  onTestFinished(() => disk.remove());
  const data = join(disk.folder, 'data');
  await mkdir(data);
  disk.sync();
  const agencies = await generateAgencies(folder, BETS);
  const env = { SERVER_PORT: String(await freePort()), DATA_DIR: join(disk.mountPoint, 'data') };
  const servers: Program[] = [];
  const start = async (): Promise<void> =>
    void servers.push((await startServer(folder, env, disk.entry)).server);
  const kill = async (): Promise<void> => {
    servers.at(-1)?.kill('SIGKILL');
    await servers.at(-1)?.exited;
  };
  // Before the disk is unmounted.
  onTestFinished(kill);
  await start();
  const proxy = await Proxy.to(Number(env.SERVER_PORT));
  const clients = agencies.map(({ agency, file }) => {
    const more = { CLI_FILE_NAME: file, CLI_WINNERS_FILE: `winners-${agency}.txt` };
    return startClient(folder, agency, proxy.port, { ...SLOW, ...more });
  });
  const cuts: string[] = [];
  for (let cut = 1; cut <= Number(CUTS); cut += 1) {
    const bets = Math.floor((BETS * 0.9 * (cut - random.between(20, 80) / 100)) / Number(CUTS));
    const hasBets = (): boolean => acknowledged(servers) >= bets;
    await expect.poll(hasBets, { timeout: 30_000, interval: 5 }).toBe(true);
    // Both in one turn of the event loop. A sync in progress may return without an error when Linux
    // shuts a file system down, unlike at a power loss: an acknowledgement after it must not reach
    // a client.
    disk.cutPower();
    proxy.drop();
    await kill();
    cuts.push(`${cut}: at ${acknowledged(servers)} bets`);
    await disk.restore();
    await start();
  }
  console.log(`SEED=${SEED}\n${cuts.join('\n')}`);
  for (const client of clients) expect(await client.exited).toEqual({ code: 0, signal: null });
  for (const { agency, winners } of agencies) {
    const told = await readFile(join(folder, `winners-${agency}.txt`), 'utf8');
    expect(told).toBe(winners.map(document => `${document}\n`).join(''));
  }
  await checkFiles(data, agencies);
  const lines = clients.flatMap(client => client.linesOf('reconnect'));
  expect(lines.filter(({ text }) => text.includes(FORGOTTEN))).toEqual([]);
});

/** Bets that the servers have logged as stored. */
function acknowledged(servers: readonly Program[]): number {
  const lines = servers.flatMap(server => server.linesOf('apuesta_recibida', 'success'));
  return lines.reduce((sum, { details }) => sum + Number(details['cantidad']), 0);
}
