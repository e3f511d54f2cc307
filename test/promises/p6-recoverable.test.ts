import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bet, conn, END, GWIN, helo, row, sbet, welc } from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { Program, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const env = { NUMBER_AGENCIES: '2' };

const ROWS = [row(1, 11), row(1, 12, 7574), row(1, 13)];

/** The folder of a server that was killed after agency 1 sent three batches and finished. */
async function killedServer(): Promise<string> {
  const folder = await temporaryFolder();
  const { server, port } = await startServer(folder, env);
  const peer = await Peer.connect(port);
  peer.send(helo(1));
  expect(await peer.frame()).toBe(welc(1));
  for (const [index, message] of [
    sbet(1, bet(11)),
    sbet(2, bet(12, 7574)),
    sbet(3, bet(13)),
    END,
  ].entries()) {
    peer.send(message);
    expect(await peer.frame(), `answer ${index + 1}`).toBe('OK');
  }
  server.kill('SIGKILL');
  await server.exited;
  return folder;
}

/** Flips one bit of a file. */
async function damage(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset]! ^= 0x01;
  await writeFile(path, bytes);
}

describe('P6 Recoverable', () => {
  test('a restart after SIGKILL restores bets, finished agencies and the draw', async () => {
    const folder = await killedServer();
    const second = await startServer(folder, env);
    expect(second.server.linesOf('open_store')[0]!.details).toEqual({
      file: 'bets.csv',
      bets: '3',
      finished: '1 of 2 agencies',
      finished_ids: '1',
      state: 'open',
    });
    expect(second.server.linesOf('cut_torn_tail')).toEqual([]);
    const peer = await Peer.connect(second.port);
    peer.send(Buffer.concat([conn(2), END]));
    expect(await peer.frame()).toBe('OK');
    const { details: drawn } = await second.server.logged('draw');
    expect(drawn).toMatchObject({ bets: '3', winners: '1' });
    const journal = await readFile(join(folder, 'bets.journal'), 'utf8');
    second.server.kill('SIGKILL');
    await second.server.exited;

    const third = await startServer(folder, env);
    expect(third.server.linesOf('open_store')[0]!.details['state']).toBe('drawn');
    const asking = await Peer.connect(third.port);
    asking.send(Buffer.concat([conn(1), GWIN]));
    expect(await asking.frame()).toBe('RWIN 1|12');
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(ROWS.join(''));
    expect(await readFile(join(folder, 'bets.journal'), 'utf8')).toBe(journal);
    expect(journal).toContain(`"sha256":"${drawn['sha256']}"`);
  });

  test('a torn write at the end of either file is cut off and logged', async () => {
    const folder = await killedServer();
    const journal = await readFile(join(folder, 'bets.journal'), 'utf8');
    await appendFile(join(folder, 'bets.csv'), row(2, 21) + row(2, 22).slice(0, 10));
    await appendFile(join(folder, 'bets.journal'), '{"n":6,"type":"gr');
    const { server } = await startServer(folder, env);
    expect(
      server.linesOf('cut_torn_tail', 'success').map(({ level, details }) => [level, details]),
    ).toEqual([
      ['WARNING', { file: 'bets.csv', bytes: String(row(2, 21).length + 10) }],
      ['WARNING', { file: 'bets.journal', bytes: '17' }],
    ]);
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(ROWS.join(''));
    expect(await readFile(join(folder, 'bets.journal'), 'utf8')).toBe(journal);
  });

  test.each([
    ['a flipped bit in the second row', 'bets.csv', ROWS[0]!.length + 5, ROWS[0]!.length],
    // The journal line of the second row.
    ['a flipped bit in the third line', 'bets.journal', undefined, undefined],
  ])('%s of %s stops the start with file and offset', async (_, file, at, offset) => {
    const folder = await killedServer();
    const path = join(folder, file);
    const lines = (await readFile(join(folder, 'bets.journal'), 'utf8')).split(/(?<=\n)/);
    const startOfThird = lines[0]!.length + lines[1]!.length;
    await damage(path, at ?? startOfThird + 20);
    const before = [
      await readFile(join(folder, 'bets.csv')),
      await readFile(join(folder, 'bets.journal')),
    ];
    const server = Program.start(['server'], { cwd: folder, env: { SERVER_PORT: '0', ...env } });
    expect(await server.exited).toEqual({ code: 1, signal: null });
    const [failure] = server.linesOf('start', 'fail');
    expect(failure!.details['error']).toContain(
      `${file} is damaged at offset ${offset ?? startOfThird}, `,
    );
    expect(server.linesOf('listen')).toEqual([]);
    // No damage is repaired by guessing.
    const after = [
      await readFile(join(folder, 'bets.csv')),
      await readFile(join(folder, 'bets.journal')),
    ];
    expect(after).toEqual(before);
  });
});
