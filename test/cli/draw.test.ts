import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { drawn, filled, loteria, readFiles, ROWS, type Said, TIME } from '../store/store-folder.ts';
import { startServer } from '../support/program.ts';

const SEAL = createHash('sha256').update(ROWS).digest('hex');

const TWO = { NUMBER_AGENCIES: '2' };

/** `loteria draw status` of a folder as JSON. */
async function statusOf(folder: string, env: Record<string, string>): Promise<unknown> {
  const { code, stdout, stderr } = await loteria('/', ['draw', 'status', folder, '--json'], env);
  expect({ code, stderr, lines: stdout.split('\n').length }).toEqual({
    code: 0,
    stderr: '',
    lines: 2,
  });
  return JSON.parse(stdout);
}

describe('loteria draw status', () => {
  test('lists the bets per agency and the agencies that the draw waits for', async () => {
    const folder = await filled();
    const { store } = await CsvStore.open(folder);
    await store.append(batchNamed(1, 12, 4));
    await store.close();
    expect(await loteria('/', ['draw', 'status', folder], { AGENCIES: '1,2,4-5' })).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'state    open, waiting for 4, 5',
        `begun    ${TIME}`,
        'bets     18',
        '',
        'agency      bets  finished  winners',
        '     1         4       yes        –',
        '     2         2       yes        –',
        '     4        12        no        –',
        '     5         0        no        –',
        '',
      ].join('\n'),
    });
  });

  test('shows time, seal and winners per agency after the draw', async () => {
    const { code, stdout } = await loteria('/', ['draw', 'status', await drawn()], {
      AGENCIES: '1,3',
    });
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      `state    drawn ${TIME}`,
      `begun    ${TIME}`,
      'bets     6',
      `seal     ${SEAL}`,
      '',
      'agency      bets  finished  winners',
      '     1         4       yes        2',
      '     2         2       yes        1  (not expected)',
      '     3         0        no        0',
      '',
    ]);
  });

  test('prints the same as JSON with --json', async () => {
    const agencies = [
      { agency: 1, expected: true, bets: 4, finished: true },
      { agency: 2, expected: true, bets: 2, finished: true },
    ];
    const common = { begun: TIME, bets: 6, byHand: [], withdrawnActas: [] };
    expect(await statusOf(await filled(), { NUMBER_AGENCIES: '3' })).toEqual({
      ...common,
      state: 'open',
      waitingFor: [3],
      agencies: [...agencies, { agency: 3, expected: true, bets: 0, finished: false }],
    });
    expect(await statusOf(await filled(), TWO)).toEqual({
      ...common,
      state: 'complete',
      waitingFor: [],
      agencies,
    });
    expect(await statusOf(await drawn(), TWO)).toEqual({
      ...common,
      state: 'drawn',
      waitingFor: [],
      draw: { time: TIME, sha256: SEAL },
      agencies: agencies.map((one, index) => ({ ...one, winners: 2 - index })),
    });
  });

  test('names what closes a complete lottery', async () => {
    const { stdout } = await loteria('/', ['draw', 'status', await filled()], TWO);
    expect(stdout.split('\n')[0]).toBe(
      'state    complete, a server that runs closes it, or the next one that starts',
    );
  });
});

/** Runs `loteria draw new`. @returns the folder that it prints */
async function archive(folder: string): Promise<string> {
  const { code, stdout, stderr } = await loteria('/', ['draw', 'new', folder]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return /^archived in (.+)\n$/.exec(stdout)![1]!;
}

describe('loteria draw new', () => {
  test('archives a verifiable draw, and a server starts a new lottery', async () => {
    const folder = await drawn();
    const before = readFiles(folder);
    const archived = await archive(folder);
    expect(dirname(archived)).toBe(join(folder, 'draws'));
    expect(readFiles(archived)).toEqual(before);
    const verified = await loteria(archived, ['journal', 'verify']);
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`seal          ${SEAL}\n`) as string,
    });
    const status = await loteria(archived, ['draw', 'status'], TWO);
    expect(status.stdout).toContain(`state    drawn ${TIME}\n`);

    const { server } = await startServer(folder, TWO);
    expect((await server.logged('open_store')).details).toEqual({
      file: 'bets.csv',
      bets: '0',
      finished: '0 of 2 agencies',
      finished_ids: 'none',
      state: 'open',
    });
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(readFiles(archived)).toEqual(before);
  });

  test('blocks server starts when interrupted between its files, until repeated', async () => {
    const folder = await drawn();
    const before = readFiles(folder);
    const twin = await drawn();
    const name = (await archive(twin)).slice(twin.length + 1);
    mkdirSync(join(folder, name), { recursive: true });
    renameSync(join(folder, 'bets.csv'), join(folder, name, 'bets.csv'));
    const refused = await loteria(folder, ['server'], { SERVER_PORT: '0', ...TWO });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain("if 'loteria draw new' was interrupted, run it again");
    expect(existsSync(join(folder, 'bets.csv'))).toBe(false);
    expect(await archive(folder)).toBe(join(folder, name));
    expect(readFiles(join(folder, name))).toEqual(before);
    const { server } = await startServer(folder, TWO);
    expect((await server.logged('open_store')).details).toMatchObject({ bets: '0' });
  });

  test('fails before the draw, names the way out and moves nothing', async () => {
    const folder = await filled();
    const before = readFiles(folder);
    expect(await loteria('/', ['draw', 'new', folder])).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: no draw has been held in ${folder}; to give an unfinished lottery up, move bets.csv and bets.journal away together\n`,
    });
    expect(readFiles(folder)).toEqual(before);
    expect(readdirSync(folder)).not.toContain('draws');
  });
});

describe('commands beside a running server', () => {
  test('read the store unchanged, except draw new, which is refused', async () => {
    const folder = await filled();
    const { server } = await startServer(folder, TWO);
    await server.logged('sorteo');
    const seal = (await server.logged('draw')).details['sha256'];
    expect(seal).toBe(SEAL);
    const before = readFiles(folder);
    const said: Said[] = [
      await loteria('/', ['draw', 'status', folder], TWO),
      await loteria('/', ['journal', 'verify', folder]),
      await loteria('/', ['journal', 'show', folder]),
    ];
    for (const { code, stdout, stderr } of said) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(SEAL);
    }
    expect(await loteria('/', ['draw', 'new', folder])).toEqual({
      code: 1,
      stdout: '',
      stderr: `loteria: another process has ${folder}/bets.lock locked; end it, or use another DATA_DIR\n`,
    });
    expect(readFiles(folder)).toEqual(before);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(readFiles(folder)).toEqual(before);
    await archive(folder);
  });
});
