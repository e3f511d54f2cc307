import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { childrenOf } from '../support/children.ts';
import { listen } from '../support/listen.ts';
import { freePort } from '../support/free-port.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { Program, startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const PYTHON_SERVER = join(import.meta.dirname, '../../bench/peers/python_server.py');
const SMALL = ['--bets', '1000', '--warm-up', '100', '--batch', '10', '--connections', '3'];

interface Report {
  readonly measurements: readonly Readonly<Record<string, unknown>>[];
  readonly ratio?: number;
}

async function bench(...args: string[]) {
  const cwd = await temporaryFolder();
  const tmp = join(cwd, 'tmp');
  await mkdir(tmp);
  const program = Program.start(['bench', ...args], { cwd, env: { TMPDIR: tmp } });
  const { code } = await program.exited;
  const left = await readdir(tmp);
  return { code, lines: program.lines.map(({ text }) => text), stderr: program.stderr, left };
}

const rowsOf = async (folder: string): Promise<string[]> =>
  (await readFile(join(folder, 'bets.csv'), 'utf8')).split('\r\n').slice(0, -1);

describe('loteria bench', () => {
  test('measures the server and the baseline, and removes its files', async () => {
    const { code, lines, stderr, left } = await bench(...SMALL);
    expect({ code, stderr, left }).toEqual({ code: 0, stderr: '', left: [] });
    expect(lines[0]).toBe('3 connections, 64 batches of 10 bets in flight on each');
    expect(lines[2]).toMatch(
      /^server +bets +seconds +bets\/s +MB\/s +p50 ms +p99 ms +p99\.9 ms +peak MB$/,
    );
    expect(lines[4]).toMatch(/^loteria +1,000 +\d+\.\d\d +[\d,]+ /);
    expect(lines[5]).toMatch(/^baseline +1,000 +\d+\.\d\d +[\d,]+ /);
    expect(lines.at(-1)).toMatch(
      /^\d+\.\d\d times a program that only receives, writes and syncs$/,
    );
  });

  test('prints the same facts as one line with --json', async () => {
    const { code, lines } = await bench(...SMALL, '--json', '--window', '2', '--bets', '1001');
    expect({ code, lines: lines.length }).toEqual({ code: 0, lines: 1 });
    const report = JSON.parse(lines[0]!) as Report;
    expect(report).toMatchObject({
      connections: 3,
      agencies: 5,
      window: 2,
      batch: 10,
      bets: 1001,
      warmUp: 100,
    });
    expect(report.ratio).toBeGreaterThan(0);
    expect(report.measurements.map(({ name }) => name)).toEqual(['loteria', 'baseline']);
    for (const measurement of report.measurements) {
      // The last batch is full.
      expect(measurement).toMatchObject({ bets: 1010, batches: 101 });
      expect(Object.keys(measurement).toSorted()).toEqual([
        'batches',
        'bets',
        'betsPerSecond',
        'latencyMs',
        'megabytesPerSecond',
        'name',
        'peakMegabytes',
        'seconds',
      ]);
      expect(Object.keys(measurement['latencyMs'] as object)).toEqual([
        'p50',
        'p99',
        'p999',
        'max',
      ]);
    }
  });

  test('uploads to a running server with --server, which draws with --end', async () => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder, { NUMBER_AGENCIES: '4' });
    const target = ['--server', `127.0.0.1:${port}`, '--agencies', '4'];
    const { code, lines, stderr } = await bench(...SMALL, ...target, '--window', '2', '--end');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines[4]).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port} +1,000 `));
    expect(lines).toHaveLength(5);
    const { details } = await server.logged('draw');
    expect(details['bets']).toBe('1100');
    const rows = await rowsOf(folder);
    expect(rows).toHaveLength(1100);
    // Three connections are of the first three of four agencies.
    expect(new Set(rows.map(row => row.split(',')[0]))).toEqual(new Set(['1', '2', '3']));

    const again = await bench(...SMALL, ...target);
    expect({ code: again.code, lines: again.lines }).toEqual({ code: 1, lines: [] });
    expect(again.stderr).toBe('loteria: the server answered NOK\n');
  });

  test('measures the Python server', async context => {
    needsPython(context);
    const folder = await temporaryFolder();
    const port = await freePort();
    const python = spawn('python3', [PYTHON_SERVER, String(port), folder], { stdio: 'inherit' });
    onTestFinished(async () => {
      python.kill();
      await once(python, 'close');
    });
    (await vi.waitFor(() => connectRaw(port), { timeout: 20_000, interval: 20 })).destroy();
    const { code, lines, stderr } = await bench(...SMALL, '--server', `localhost:${port}`, '--end');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines[4]).toMatch(/^localhost:\d+ +1,000 /);
    const rows = await rowsOf(folder);
    expect(rows).toHaveLength(1100);
    expect(rows[0]).toMatch(/^[1-3],[^,]+,[^,]+,\d+,\d{4}-\d\d-\d\d,\d+$/);
  });

  test('ends its servers and removes their folders on SIGINT', async () => {
    const cwd = await temporaryFolder();
    const tmp = join(cwd, 'tmp');
    await mkdir(tmp);
    const program = Program.start(['bench', '--bets', '1000000000'], { cwd, env: { TMPDIR: tmp } });
    await expect.poll(() => stored(tmp), { timeout: 20_000, interval: 20 }).toBe(true);
    program.kill('SIGINT');
    const { code, signal } = await program.exited;
    expect({ code, signal, stderr: program.stderr }).toEqual({
      code: 130,
      signal: null,
      stderr: 'loteria: stopped\n',
    });
    expect(await readdir(tmp)).toEqual([]);
  });

  test('ends its server with itself on SIGKILL', async context => {
    context.skip(process.platform !== 'linux', 'the processes are looked up in /proc');
    const cwd = await temporaryFolder();
    const env = { TMPDIR: cwd };
    const program = Program.start(['bench', '--bets', '1000000000'], { cwd, env });
    await expect.poll(() => stored(cwd), { timeout: 20_000, interval: 20 }).toBe(true);
    const children = childrenOf(program.pid);
    expect(children).toHaveLength(1);
    program.kill('SIGKILL');
    await until(() => !existsSync(`/proc/${children[0]!}`), 'the end of the server');
  });

  test('reports a closing or missing server in one line, exit code 1', async () => {
    const closing = createServer(socket => socket.on('error', () => {}).end());
    const port = await listen(closing);
    const closed = await bench('--server', `127.0.0.1:${port}`);
    expect({ code: closed.code, lines: closed.lines }).toEqual({ code: 1, lines: [] });
    expect(closed.stderr).toMatch(
      /^loteria: (?:the server closed the connection|.*ECONNRESET|.*EPIPE)\n$/,
    );
    const none = await bench('--server', `127.0.0.1:${await freePort()}`);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(
      /^loteria: 127\.0\.0\.1:\d+: no server listens there \(ECONNREFUSED\)\n$/,
    );
  });

  test.each([
    [['--server', 'nowhere'], "--server is 'nowhere', allowed: "],
    [['--batch', '131'], 'A whole number from 1 to 130 is expected.'],
    [['--batch', '0'], 'A whole number from 1 to 130'],
    [['--bets', '0'], 'A whole number from 1 to 1000000000'],
    [['--window', '4097'], 'A whole number from 1 to 4096'],
    [['--connections', 'many'], 'A whole number from 1 to 4096'],
    [['--agencies', '0'], 'A whole number from 1 to 1000'],
    [['--wndow', '1'], 'Did you mean --window?'],
  ])('rejects %j with exit code 2', async (args, fault) => {
    const { code, lines, stderr } = await bench(...args);
    expect({ code, lines }).toEqual({ code: 2, lines: [] });
    expect(stderr).toContain(fault);
  });
});

/** Whether a server has written into a folder of the measurement. */
async function stored(tmp: string): Promise<boolean> {
  const [folder] = await readdir(tmp);
  if (folder === undefined) return false;
  return (await readdir(join(tmp, folder))).includes('bets.csv');
}
