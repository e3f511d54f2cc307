import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AGENCY_PROTOCOLS, type AgencyProtocol, listenerOf } from '../../src/wire/dialect-names.ts';
import { needsPython } from '../lottery/python.ts';
import { childrenOf } from '../support/children.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface Place {
  /** Working directory. */
  readonly cwd: string;
  /** Parent of the program's temporary folders. */
  readonly tmp: string;
}

async function place(): Promise<Place> {
  const cwd = await temporaryFolder();
  const tmp = join(cwd, 'tmp');
  await mkdir(tmp);
  return { cwd, tmp };
}

function start({ cwd, tmp }: Place, ...args: string[]): Program {
  return Program.start(['run', ...args], { cwd, env: { TMPDIR: tmp } });
}

async function run(where: Place, ...args: string[]) {
  const program = start(where, ...args);
  const { code } = await program.exited;
  return { code, lines: program.lines.map(line => line.text), stderr: program.stderr };
}

/** The rows of the table: agency, bets, winners, documents. */
function tableOf(lines: readonly string[]): string[][] {
  const rule = lines.findIndex(line => line.startsWith('──'));
  const end = lines.indexOf('', rule);
  return lines.slice(rule + 1, end).map(line => line.trim().split(/ {2,}/));
}

async function writeData(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'agency-1.csv'),
    'Ana,Pérez,11,1990-01-02,7574\r\nJuan,Gil,12,1991-01-02,1\r\n',
  );
  await writeFile(join(folder, 'agency-7.csv'), 'Eva,Paz,21,1992-01-02,2\r\n');
  await writeFile(join(folder, 'agency-9.csv'), '');
  await writeFile(join(folder, 'notes.txt'), 'not for the lottery');
}

const MADE_UP = "bets: made up, seed 7574 (the course's data: --data, or .data/dataset.zip)";

const OUTCOME = [
  ['1', '2', '1', '11'],
  ['7', '1', '0', '–'],
  ['9', '0', '0', '–'],
];

describe('loteria run', () => {
  test('makes a dataset, holds the lottery, shows who won what, and leaves nothing behind', async () => {
    const where = await place();
    const { code, lines, stderr } = await run(
      where,
      '--agencies',
      '3',
      '--bets',
      '9999',
      '--seed',
      '5',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines[0]).toBe(MADE_UP.replace('7574', '5'));
    expect(lines[1]).toBe('3 agencies, 9,999 bets');
    expect(lines).toContain('uploaded: 9,999 of 9,999');
    expect(tableOf(lines).map(row => row.slice(0, 3))).toEqual([
      ['1', '3,935', '1'],
      ['2', '3,726', '1'],
      ['3', '2,338', '1'],
    ]);
    expect(lines.at(-2)).toMatch(/^9,999 bets in \d+\.\d\d s, [\d,]+ bets? per second$/);
    expect(lines.at(-1)).toBe('every agency was told its winners');
    expect(await readdir(where.tmp)).toEqual([]);
  });

  test('takes a folder of files, whatever the ids of their agencies, and leaves it as it is', async () => {
    const where = await place();
    await writeData(join(where.cwd, 'data'));
    const before = await readdir(join(where.cwd, 'data'));
    const { code, lines } = await run(where, '--data', 'data');
    expect(code).toBe(0);
    expect(tableOf(lines)).toEqual(OUTCOME);
    expect(await readdir(join(where.cwd, 'data'))).toEqual(before);
    expect(await readdir(where.tmp)).toEqual([]);
  });

  test('takes .data/dataset.zip once it is there, unless an option asks for made-up bets', async context => {
    needsPython(context);
    const where = await place();
    expect((await run(where)).lines[0]).toBe(MADE_UP);
    await writeData(join(where.cwd, 'data'));
    await mkdir(join(where.cwd, '.data'));
    const zip = ['-m', 'zipfile', '-c', '.data/dataset.zip', 'data/'];
    execFileSync('python3', zip, { cwd: where.cwd });
    const { lines } = await run(where);
    expect(lines.slice(0, 2)).toEqual(['bets: .data/dataset.zip', '3 agencies, 3 bets']);
    expect(tableOf(lines)).toEqual(OUTCOME);
    const made = await run(where, '--winners', '4', '--agencies', '1', '--bets', '4');
    expect(made.lines[0]).toBe(MADE_UP);
    expect(tableOf(made.lines)[0]!.slice(0, 3)).toEqual(['1', '4', '4']);
  });

  test('with --keep leaves bets.csv and the logs, and says where', async () => {
    const where = await place();
    await writeData(join(where.cwd, 'data'));
    const { code, lines } = await run(where, '--data', 'data', '--keep');
    expect(code).toBe(0);
    const kept = /^kept: (.+)$/.exec(lines.at(-1)!)![1]!;
    expect(kept.startsWith(where.tmp)).toBe(true);
    const rows = (await readFile(join(kept, 'server/bets.csv'), 'utf8')).split('\r\n').toSorted();
    expect(rows).toEqual([
      '',
      '1,Ana,Pérez,11,1990-01-02,7574',
      '1,Juan,Gil,12,1991-01-02,1',
      '7,Eva,Paz,21,1992-01-02,2',
    ]);
    const names = await readdir(kept);
    for (const name of [
      'server.log',
      'agency-1.log',
      'agency-7.log',
      'agency-9.log',
      'winners-1.txt',
    ]) {
      expect(names).toContain(name);
    }
    expect(await readFile(join(kept, 'server.log'), 'utf8')).toContain('"action":"sorteo"');
  });

  test('with an invalid line tells how many, holds the draw with the rest, and exits 1', async () => {
    const where = await place();
    await mkdir(join(where.cwd, 'data'));
    await writeFile(
      join(where.cwd, 'data/agency-1.csv'),
      'Ana,Paz,1,1990-01-02,7574\nAna,Paz,2\nAna,Paz,3,1990-01-02,1\n',
    );
    await writeFile(join(where.cwd, 'data/agency-2.csv'), 'Ana,Paz,4,1990-01-02,1\n');
    const { code, lines } = await run(where, '--data', 'data');
    expect(code).toBe(1);
    expect(lines).toContain('agency  bets  refused  winners  documents');
    expect(tableOf(lines)).toEqual([
      ['1', '2', '1', '1', '1'],
      ['2', '1', '0', '0', '–'],
    ]);
    expect(lines.join('\n')).toMatch(
      /agency 1 ended with exit code 1: .*"line":2,.*"too-few-fields"/,
    );
    expect(lines.at(-1)).toBe('the lottery did not come out right');
  });

  test('with the file of a spreadsheet tells the likely cause', async () => {
    const where = await place();
    await mkdir(join(where.cwd, 'data'));
    await writeFile(join(where.cwd, 'data/agency-1.csv'), 'Ana;Paz;1;1990-01-02;7574\n');
    const { code, lines } = await run(where, '--data', 'data');
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain(
      "agency 1 ended with exit code 1: fields seem to be separated by ';'; set file.delimiter to ';'",
    );
  });

  test.each(AGENCY_PROTOCOLS)('with --dialect %s agencies and central speak it', async dialect => {
    const where = await place();
    await writeData(join(where.cwd, 'data'));
    const options = ['--data', 'data', '--keep', '--dialect', dialect];
    const { code, lines, stderr } = await run(where, ...options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(tableOf(lines)).toEqual(OUTCOME);
    const kept = /^kept: (.+)$/.exec(lines.at(-1)!)![1]!;
    const log = await readFile(join(kept, 'server.log'), 'utf8');
    const spoken = log.matchAll(/"action":"listen".*"dialect":"([^"]+)"/g);
    expect([...spoken].map(([, name]) => name)).toEqual([listenerOf(dialect)]);
  });

  test.each<[AgencyProtocol, string]>([
    ['resumable', 'Ana|Eva,Paz,1,1990-01-02,7574'],
    ['push-codes', `${'Á'.repeat(31)},Paz,1,1990-01-02,7574`],
    ['csv-frames', 'Ana,Paz/Gil,1,1990-01-02,7574'],
  ])('with --dialect %s counts %s, which it cannot carry, as refused', async (dialect, line) => {
    const where = await place();
    await mkdir(join(where.cwd, 'data'));
    await writeFile(join(where.cwd, 'data/agency-1.csv'), `${line}\nAna,Paz,2,1990-01-02,7574\n`);
    const { code, lines } = await run(where, '--data', 'data', '--dialect', dialect);
    expect(code).toBe(1);
    expect(tableOf(lines)).toEqual([['1', '1', '1', '1', '2']]);
  });

  test.each([
    [
      'a path where nothing is',
      ['--data', 'nowhere'],
      /^loteria: --data .*nowhere cannot be read, it does not exist \(ENOENT\)\n$/,
    ],
    [
      'a file that is no zip',
      ['--data', 'note.txt'],
      /^loteria: --data .*note\.txt cannot be unpacked: .+\n$/,
    ],
    [
      'a folder without files of agencies',
      ['--data', 'empty'],
      /^loteria: --data .*empty has no agency-1\.csv, .*\n$/,
    ],
    [
      // A folder, as Docker creates it for a missing mounted file.
      'a folder in place of the file of an agency',
      ['--data', 'docker'],
      /^loteria: cannot read .*docker\/agency-1\.csv, it is a folder \(EISDIR\)\n$/,
    ],
    [
      'data of the course that is no zip, which no option named',
      [],
      /^loteria: \/.*\.data\/dataset\.zip cannot be unpacked: .+[^.]; remove it, or name other bets with --data\n$/,
    ],
  ])('%s is wrong usage: one line, exit code 2, nothing left behind', async (_, args, message) => {
    const where = await place();
    await mkdir(join(where.cwd, '.data'));
    await writeFile(join(where.cwd, '.data/dataset.zip'), 'PK');
    await mkdir(join(where.cwd, 'docker/agency-1.csv'), { recursive: true });
    await writeFile(join(where.cwd, 'note.txt'), 'hello');
    await mkdir(join(where.cwd, 'empty'));
    const { code, lines, stderr } = await run(where, ...args);
    expect(code).toBe(2);
    expect(lines.filter(line => !line.startsWith('bets: '))).toEqual([]);
    expect(stderr).toMatch(message);
    expect(await readdir(where.tmp)).toEqual([]);
  });

  test('shows the page of its server until it is stopped, on another port when 8080 is taken', async () => {
    const usual = createServer();
    onTestFinished(() => void usual.close());
    await new Promise<void>(resolve => {
      // The port is in use by any program.
      usual.once('error', () => resolve());
      usual.listen({ port: 8080, host: '127.0.0.1' }, resolve);
    });
    const program = start(await place(), '--page', '--agencies', '2', '--bets', '500');
    const { text } = await program.line(
      line => line.text.startsWith('the page: '),
      'address of the page',
    );
    const url = text.slice('the page: '.length);
    expect(new URL(url).port).not.toBe('8080');
    await program.line(line => line.text === `the page ${url} stays until Ctrl-C`);
    expect(program.lines.map(line => line.text)).toContain('every agency was told its winners');
    const response = await fetch(`${url}snapshot.json`);
    expect(await response.json()).toMatchObject({ state: 'drawn', bets: 500 });
    program.kill('SIGINT');
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });
});

test.each([
  ['goes to a full disk', '"$@" >/dev/full', 1],
  ['has lost its reader', '"$@" | head -n 1; exit ${PIPESTATUS[0]}', 0],
])('a run whose output %s stops, and removes its folder', async (_, script, expected) => {
  const { cwd, tmp } = await place();
  const program = Program.start(['run', '--bets', '400000', '--page'], {
    cwd,
    env: { TMPDIR: tmp },
    through: ['bash', '-c', script, 'bash'],
  });
  expect(await program.exited).toEqual({ code: expected, signal: null });
  expect(program.lines.length).toBeLessThan(2);
  expect(await readdir(tmp)).toEqual([]);
});

describe('a signal during a run', () => {
  test('(SIGKILL) ends every process', async context => {
    if (process.platform !== 'linux') context.skip('the processes are looked up in /proc');
    const program = start(await place(), '--bets', '400000');
    await program.line(({ text }) => text.startsWith('uploaded: '), 'progress');
    const children = childrenOf(program.pid);
    expect(children.length).toBeGreaterThan(1);
    program.kill('SIGKILL');
    await until(
      () => children.every(pid => !existsSync(`/proc/${pid}`)),
      'the end of the processes',
    );
  });

  test('(SIGINT) ends every process and removes the folder', async context => {
    if (process.platform !== 'linux') context.skip('the processes are looked up in /proc');
    const where = await place();
    const program = start(where, '--bets', '400000');
    await program.line(({ text }) => text.startsWith('uploaded: '), 'progress');
    const children = childrenOf(program.pid);
    expect(children.length).toBeGreaterThan(1);
    program.kill('SIGINT');
    const { code, signal } = await program.exited;
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(await readdir(where.tmp)).toEqual([]);
    expect(program.stderr).toBe('loteria: stopped\n');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '(%s) while the dataset is being made ends it then and there',
    async signal => {
      const where = await place();
      const program = start(where, '--bets', '3000000');
      await program.line(({ text }) => text === MADE_UP, 'the beginning');
      program.kill(signal);
      const exit = await program.exited;
      expect(exit.code).not.toBe(0);
      // Nothing was started afterwards.
      expect(program.lines.map(line => line.text)).toEqual([MADE_UP]);
      expect(program.stderr).toBe('loteria: stopped\n');
      expect(await readdir(where.tmp)).toEqual([]);
    },
  );
});
