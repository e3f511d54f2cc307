import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bet, conn, nbet, OK, row } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { Program, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const BATCH = nbet(bet(10), bet(11));
const ROWS = row(1, 10) + row(1, 11);

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGINT'],
] as const)(
  '%s and then %s ends the server at once, by the second; answered batches are stored',
  async (first, second) => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder);
    // The server waits some seconds for a peer that never closes, which is enough for the second
    // signal.
    const peer = await Peer.connect(port);
    peer.send(Buffer.concat([conn(1), BATCH]));
    expect(await peer.receive(4)).toBe(OK);
    server.kill(first);
    await server.logged('shutdown', 'in_progress');
    const startedAt = performance.now();
    server.kill(second);
    expect(await server.exited).toEqual({ code: null, signal: second });
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(server.linesOf('shutdown', 'success')).toEqual([]);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(ROWS);
  },
);

/** Runs a server that cannot start. */
async function failToStart(
  env: Record<string, string>,
  files: Record<string, string> = {},
): Promise<Program> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const server = Program.start(['server'], {
    cwd: folder,
    env: { SERVER_HOST: '127.0.0.1', ...env },
  });
  await server.exited;
  return server;
}

describe('a server exits with code 2 and one line on stderr when', () => {
  test.each([
    [
      'a variable has a wrong value',
      { SERVER_PORT: 'abc' },
      {},
      "environment variable SERVER_PORT: SERVER_PORT is 'abc', allowed: 0 to 65535",
    ],
    [
      'config.ini has an unknown key',
      {},
      { 'config.ini': '[DEFAULT]\nSERVER_PROT = 1\n' },
      'config.ini: unknown key SERVER_PROT; did you mean SERVER_PORT?',
    ],
  ])('%s', async (_, env: Record<string, string>, files: Record<string, string>, message) => {
    const server = await failToStart(env, files);
    expect(await server.exited).toEqual({ code: 2, signal: null });
    expect(server.stderr).toContain(message);
    expect(server.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(server.lines).toEqual([]);
  });
});

describe('a server exits with code 1, or 2 for an unusable folder, and one log line when', () => {
  async function expectOneLine(server: Program, error: RegExp, code = 1): Promise<void> {
    expect(await server.exited).toEqual({ code, signal: null });
    const failures = server.lines.filter(({ result }) => result === 'fail');
    expect(failures.map(({ action, level }) => ({ action, level }))).toEqual([
      { action: 'start', level: 'ERROR' },
    ]);
    expect(failures[0]!.details['error']).toMatch(error);
    expect(server.linesOf('listen')).toEqual([]);
    expect(server.stderr).toBe('');
  }

  test('the port is in use in echo mode', async () => {
    const { port } = await startServer(await temporaryFolder(), { SERVER_MODE: 'echo' });
    const server = await failToStart({ SERVER_PORT: String(port), SERVER_MODE: 'echo' });
    await expectOneLine(server, new RegExp(`^port ${port} is in use by another program`));
  });

  test.each([
    ['is missing', 'no-such-folder', /^cannot use the folder .*, it does not exist \(ENOENT\); /],
    ['is a file', 'a-file', /a-file, a file stands where a folder is needed \(ENOTDIR\); /],
  ])('DATA_DIR %s', async (_, folder, error) => {
    const server = await failToStart({ SERVER_PORT: '0', DATA_DIR: folder }, { 'a-file': '' });
    await expectOneLine(server, error, 2);
    expect(server.linesOf('start')[0]!.text).toMatch(/; DATA_DIR or the command line names it$/);
  });

  test('another server has the folder locked, until that one is killed', async () => {
    const folder = await temporaryFolder();
    const first = await startServer(folder);
    const peer = await Peer.connect(first.port);
    peer.send(Buffer.concat([conn(1), BATCH]));
    expect(await peer.receive(4)).toBe(OK);
    const second = await failToStart({ SERVER_PORT: '0', DATA_DIR: folder });
    await expectOneLine(second, /^another process has .*bets\.lock locked/);
    peer.send(BATCH);
    expect(await peer.receive(4)).toBe(OK);
    first.server.kill('SIGKILL');
    await first.server.exited;
    const third = await startServer(folder);
    expect(third.server.linesOf('open_store')[0]!.details['bets']).toBe('4');
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(ROWS + ROWS);
  });
});
