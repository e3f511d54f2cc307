import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { generateAgencies } from '../crash/expected-bets.ts';
import { checkFiles } from '../crash/checks.ts';
import { freePort } from '../support/free-port.ts';
import { Program, startClient } from '../support/program.ts';
import { Scrape } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Enough lines to fill a pipe and the buffer before it. */
const BETS = 20_000;
const ONE_BY_ONE = { CLI_BATCH_MAXAMOUNT: '1' };

/** Destinations of a server's log, as commands that execute the server. */
type Destination = (folder: string) => Promise<readonly string[]> | readonly string[];

const redirected = (to: string): string[] => ['sh', '-c', `exec "$@" >${to}`, 'sh'];

async function unreadPipe(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'log');
  execFileSync('mkfifo', [path]);
  // Opened, and never read.
  const reader = await open(path, 'r+');
  onTestFinished(() => reader.close());
  return redirected(path);
}

function fullTmpfs(folder: string): readonly string[] {
  const { status } = spawnSync('unshare', ['--mount', 'true']);
  // Mounting needs root; /dev/full is full for every user.
  if (status !== 0) return redirected('/dev/full');
  const mount = `mount -t tmpfs -o size=16k none ${folder}/small && exec "$@" >${folder}/small/log`;
  return ['unshare', '--mount', 'sh', '-c', mount, 'sh'];
}

test.each<[string, Destination]>([
  ['/dev/full', () => redirected('/dev/full')],
  ['a pipe that is never read', unreadPipe],
  ['a full file system', fullTmpfs],
])(
  'a server whose log goes to %s stores every bet, holds the draw and stops gracefully',
  { timeout: 120_000 },
  async (_, destination) => {
    const folder = await temporaryFolder();
    for (const name of ['small', 'data']) await mkdir(join(folder, name));
    const agencies = await generateAgencies(folder, BETS, 2);
    const [port, httpPort] = [await freePort(), await freePort()];
    const env = {
      SERVER_PORT: String(port),
      HTTP_PORT: String(httpPort),
      NUMBER_AGENCIES: '2',
      DATA_DIR: join(folder, 'data'),
    };
    const server = Program.start(['server'], {
      cwd: folder,
      env,
      through: await destination(folder),
    });
    const clients = agencies.map(({ agency, file }) =>
      startClient(folder, agency, port, { ...ONE_BY_ONE, CLI_FILE_NAME: file }),
    );
    for (const client of clients) expect(await client.exited).toEqual({ code: 0, signal: null });
    const metrics = await Scrape.from(`http://127.0.0.1:${httpPort}/`);
    expect(metrics.value('loteria_log_lines_dropped_total')).toBeGreaterThan(0);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    await checkFiles(join(folder, 'data'), agencies);
  },
);
