import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { COURSE_DATA, needCourseData, ROWS, WINNERS } from '../support/course-data.ts';
import { ROOT, sh } from '../scripts/shell.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { checkLine } from './checker.ts';
import { docker, exitCode } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

beforeEach(needEngine);

/** Waits until every client has exited with 0. */
async function clientsDone(clients: number): Promise<void> {
  for (let id = 1; id <= clients; id += 1) expect(await exitCode(`client${id}`)).toBe(0);
}

/** All lines of `docker compose logs`, parsed like the assignment's tests do. */
async function checkedLogs(stack: Stack) {
  const text = await stack.compose('logs', '--no-color');
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('Attaching to'));
  return lines.map(checkLine);
}

test('exercise 5 stores and logs one bet per client from the environment', async () => {
  const stack = await Stack.create({
    exercise: 'ej5',
    clients: 5,
    clientConfig: ['server:\n  address: "server:12345"', 'log:\n  level: "DEBUG"'],
    serverConfig: ['SERVER_PORT = 12345', 'LOGGING_LEVEL = DEBUG'],
  });
  await stack.up();
  // All solutions have the same project name: `make` must not replace that of another folder.
  const script = join(ROOT, 'scripts/foreign-project.sh');
  expect(sh(script, [], { cwd: stack.folder })).toEqual({ status: 0, stdout: '', stderr: '' });
  const other = sh(script, [], { cwd: await temporaryFolder() });
  expect([other.status, other.stderr]).toEqual([1, expect.stringContaining(stack.folder)]);
  await clientsDone(5);
  const lines = await checkedLogs(stack);
  const bets = Array.from({ length: 5 }, (_, index) => ({
    dni: String(30904465 + index),
    numero: String(7574 + index),
  }));
  for (const [index, bet] of bets.entries()) {
    const sent = lines.filter(
      ({ source, action }) => source === `client${index + 1}` && action === 'apuesta_enviada',
    );
    expect(sent.map(({ result, details }) => ({ result, ...details }))).toEqual([
      { result: 'success', ...bet },
    ]);
  }
  const stored = lines.filter(({ action }) => action === 'apuesta_almacenada');
  expect(stored.map(({ details }) => details)).toEqual(expect.arrayContaining(bets));
  expect(stored).toHaveLength(5);
  const rows = (await stack.bets()).split('\r\n');
  expect(rows).toHaveLength(6);
  expect(rows).toContain('1,Santiago Lionel,Lorca,30904465,1999-03-17,7574');
});

describe('exercises 6 to 8', () => {
  test("run the course's five agencies with the commands of the assignment", async context => {
    needCourseData(context);
    const stack = await Stack.create({ exercise: 'ej8', clients: 5 });
    await mkdir(join(stack.folder, '.data'));
    await cp(COURSE_DATA, join(stack.folder, '.data/dataset.zip'));
    await stack.make('docker-compose-up');
    await clientsDone(5);

    const lines = await checkedLogs(stack);
    expect(lines.filter(({ result }) => result === 'fail')).toEqual([]);
    const told = lines.filter(
      ({ action, result }) => action === 'consulta_ganadores' && result === 'success',
    );
    expect(
      told.map(({ source, details }) => `${source} ${details['cant_ganadores']}`).toSorted(),
    ).toEqual(WINNERS.map((documents, index) => `client${index + 1} ${documents.length}`));
    expect(lines.filter(({ action }) => action === 'sorteo')).toEqual([
      { source: 'server', action: 'sorteo', result: 'success', details: {} },
    ]);
    const received = lines.filter(({ action }) => action === 'apuesta_recibida');
    const counts = received.map(({ details }) => Number(details['cantidad']));
    expect(counts.reduce((sum, count) => sum + count)).toBe(ROWS);
    expect(await docker('exec', 'server', 'sh', '-c', 'wc -l <bets.csv')).toBe(`${ROWS}\n`);
    expect(await docker('exec', 'server', 'cat', 'bets.csv')).toMatch(/^[1-5],[^\r\n]+\r\n/);

    await stack.make('docker-compose-down');
    const left = await docker(
      'ps',
      '--all',
      '--quiet',
      '--filter',
      'label=com.docker.compose.project=tp0',
    );
    expect(left).toBe('');
    expect(await docker('network', 'ls', '--quiet', '--filter', 'name=^tp0_testing_net$')).toBe('');
  });

  test('generate missing agency files from inside the image', async () => {
    const stack = await Stack.create({ exercise: 'ej6', clients: 3 });
    expect(await stack.make('docker-compose-up')).toMatch(
      /^the page: http:\/\/127\.0\.0\.1:8080\/$/m,
    );
    await clientsDone(3);
    const times = (await stack.make('docker-compose-logs-by-time'))
      .split('\n')
      .flatMap(line => /\| ([-\d]+ [:\d]+) /.exec(line)?.[1] ?? []);
    expect(times.length).toBeGreaterThan(10);
    expect(times).toEqual(times.toSorted());
    const folder = '.data/dataset';
    expect((await readdir(join(stack.folder, folder))).toSorted()).toEqual([
      'agency-1.csv',
      'agency-2.csv',
      'agency-3.csv',
      'expected.json',
      'provided.txt',
    ]);
    expect(await readdir(join(stack.folder, '.data'))).toEqual(['dataset']);
    const expected = JSON.parse(await stack.read(`${folder}/expected.json`)) as {
      bets: number;
      perAgency: readonly { agency: number; winners: readonly string[] }[];
    };
    for (const { agency, winners } of expected.perAgency) {
      const client = stack.follow(`client${agency}`);
      const { details } = await client.logged('consulta_ganadores');
      expect(details['cant_ganadores']).toBe(String(winners.length));
    }
    expect((await stack.bets()).split('\r\n')).toHaveLength(expected.bets + 1);
  });
});
