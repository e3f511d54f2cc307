import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { readiness } from '../support/readiness.ts';
import { loteria } from '../store/store-folder.ts';
import { NEND } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { type Program, startClient, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const MEGABYTE = 1024 * 1024;
const DISK_BYTES = 6 * MEGABYTE;
/** A file of this size leaves too little room for the bets of one agency. */
const BALLAST_BYTES = 5.2 * MEGABYTE;

const AGENCIES = [1, 2];
const BETS = 30_000;

/** A separate file system for the test's folder; skips the test if it cannot be mounted. */
async function smallDisk({ skip }: TestContext): Promise<string> {
  const disk = join(await temporaryFolder(), 'disk');
  mkdirSync(disk);
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'loteria-test', disk],
    { encoding: 'utf8' },
  );
  skip(status !== 0, `a small disk cannot be mounted: ${error?.message ?? stderr}`);
  onTestFinished(() => {
    if (spawnSync('umount', [disk]).status !== 0) spawnSync('umount', ['-l', disk]);
  });
  return disk;
}

/** The lines of an agency's file; documents are unique. */
const linesOf = (agency: number): string[] =>
  Array.from(
    { length: BETS },
    (_, index) =>
      `Ana,Pérez ${agency},${agency}${index},1990-01-02,${index % 1000 === 0 ? 7574 : index % 7000}`,
  );

/** Waits until a program has written a number of lines of an action. */
async function times(program: Program, action: string, count: number): Promise<void> {
  const enough = (): boolean => program.linesOf(action).length >= count;
  await program.line(enough, `'action: ${action}' ${count} times`);
}

test('a server refuses batches on a full disk and stores each once with room', async context => {
  const disk = await smallDisk(context);
  const folder = await temporaryFolder();
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(BALLAST_BYTES, 1));
  for (const agency of AGENCIES) {
    writeFileSync(join(folder, `agency-${agency}.csv`), linesOf(agency).join('\n'));
  }
  const env = { DATA_DIR: disk, NUMBER_AGENCIES: '2', HTTP_PORT: '0' };
  const { server, port } = await startServer(folder, env);
  const { url } = (await server.logged('listen_http')).details;
  const clients = AGENCIES.map(agency =>
    startClient(folder, agency, port, { CLI_FILE_NAME: `agency-${agency}.csv` }),
  );

  // Full: batches are refused, agencies retry, and the server stays available.
  await times(server, 'refuse', 4);
  for (const client of clients) await times(client, 'reconnect', 2);
  for (const { level, result, details } of server.linesOf('refuse')) {
    expect({ level, result, code: details['code'] }).toEqual({
      level: 'ERROR',
      result: 'fail',
      code: 'storage',
    });
    expect(details['detail']).toMatch(
      /^cannot write .*bets\.(?:csv|journal), the disk is full \(ENOSPC\)/,
    );
  }
  await expect.poll(() => readiness(url!)).toBe('503 not ready: disk-full');
  const peer = await Peer.connect(port);
  peer.send('434f4e4e 00000001 31 4757494e');
  expect(await peer.receive(4)).toBe(NEND);
  expect(clients.map(client => client.linesOf('upload', 'success').length)).toEqual([0, 0]);
  const stored = statSync(join(disk, 'bets.csv')).size;
  expect(stored).toBeGreaterThan(MEGABYTE / 4);
  expect((await loteria('/', ['journal', 'verify', disk])).code).toBe(0);

  rmSync(join(disk, 'ballast'));
  for (const client of clients) {
    expect(await client.exited).toEqual({ code: 0, signal: null });
    expect(client.linesOf('consulta_ganadores', 'success')[0]?.details['cant_ganadores']).toBe(
      '30',
    );
  }
  expect(await readiness(url!)).toBe('200 ready');
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.linesOf('sorteo', 'success')).toHaveLength(1);
  const rows = readFileSync(join(disk, 'bets.csv'), 'utf8').split('\r\n').slice(0, -1);
  for (const agency of AGENCIES) {
    const own = rows.filter(row => row.startsWith(`${agency},`));
    // In the order of the file too.
    expect(
      own.join('\n') ===
        linesOf(agency)
          .map(line => `${agency},${line}`)
          .join('\n'),
    ).toBe(true);
  }
  expect(rows).toHaveLength(AGENCIES.length * BETS);
  const verified = await loteria('/', ['journal', 'verify', disk]);
  expect(verified).toMatchObject({ code: 0, stderr: '' });
  expect(verified.stdout).toContain(`, ${rows.length} bets, 60 winners\n`);
}, 90_000);

const PAGE_BYTES = 4096;

/** Fills a disk except for one page. */
function fillDisk(path: string): void {
  const file = openSync(path, 'w');
  let length = 0;
  try {
    for (const page = Buffer.alloc(PAGE_BYTES, 1); ; length += PAGE_BYTES) writeSync(file, page);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    ftruncateSync(file, length - PAGE_BYTES);
  } finally {
    closeSync(file);
  }
}

test('a client on a full disk writes its winners once there is room', async context => {
  const disk = await smallDisk(context);
  const folder = await temporaryFolder();
  const { port } = await startServer(folder, { NUMBER_AGENCIES: '1' });
  writeFileSync(join(folder, 'agency-1.csv'), 'Ana,Pérez,30904465,1990-01-02,7574\n');
  fillDisk(join(disk, 'ballast'));
  const filler = openSync(join(disk, 'filler'), 'w');
  writeSync(filler, Buffer.alloc(PAGE_BYTES, 1));
  closeSync(filler);
  const winners = join(disk, 'winners');
  const env = { CLI_FILE_NAME: 'agency-1.csv', CLI_WINNERS_FILE: winners };
  const client = startClient(folder, 1, port, env);
  const delayed = await client.logged('write_winners', 'in_progress');
  expect(delayed).toMatchObject({
    level: 'WARNING',
    details: { file: `${winners}.acta`, error: 'the disk is full (ENOSPC)' },
  });
  rmSync(join(disk, 'ballast'));
  expect(await client.exited).toEqual({ code: 0, signal: null });
  expect(readFileSync(winners, 'utf8')).toBe('30904465\n');
});

test('a command on a full disk names the file, exit code 1', async context => {
  const disk = await smallDisk(context);
  const folder = await temporaryFolder();
  await loteria(folder, ['dataset', 'made', '--agencies', '1', '--bets', '5000']);
  const server = await startServer(folder, { NUMBER_AGENCIES: '1' });
  const client = startClient(folder, 1, server.port, { CLI_FILE_NAME: 'made/agency-1.csv' });
  await client.exited;
  fillDisk(join(disk, 'ballast'));
  const commands = [
    ['agency-1.csv', 'dataset', join(disk, 'made'), '--bets', '5000'],
    ['out.csv.part', 'export', join(disk, 'out.csv')],
    ['ca.pem', 'certs', join(disk, 'pki')],
  ] as const;
  for (const [name, ...command] of commands) {
    const { code, stderr } = await loteria(folder, command);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        `^loteria: cannot use ${disk}/.*${name}, the disk is full \\(ENOSPC\\)\n$`,
      ) as string,
    });
  }
});

test('loteria run on a full disk ends, says why and leaves nothing', async context => {
  const disk = await smallDisk(context);
  const args = ['run', '--agencies', '2', '--bets', '70000'];
  const { code, stdout, stderr } = await loteria('/', args, { TMPDIR: disk });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(
    /\n(?:the server|agency \d) ended with exit code 1: cannot write .*\.log, the disk is full \(ENOSPC\)\n/,
  );
  expect(readdirSync(disk)).toEqual([]);
});
