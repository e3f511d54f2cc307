import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';
import { type Outcome, ROOT, sh } from './shell.ts';

/** A script of the make targets, with the given shell script as `docker`. */
async function withDocker(script: string, docker: string, compose: string): Promise<Outcome> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 });
  await cp(join(ROOT, 'scripts', script), join(folder, script));
  await writeFile(join(folder, 'docker-compose-dev.yaml'), compose);
  const PATH = `${folder}/bin:${process.env['PATH']}`;
  return sh(script, [], { cwd: folder, env: { PATH } });
}

const PAGES = '      - 127.0.0.1:9090:8080\n      - 127.0.0.1:9091:8080\n';

test('make docker-compose-logs-by-time prints the lines of all containers in order of time', async () => {
  // In the format of compose 1.29.
  const logs = `cat <<'LOGS'
Attaching to client1, server
client1    | 2024-08-21T22:11:15.100000002Z 2024-08-21 22:11:15 INFO     action: a | result: success
client1    | 2024-08-21T22:11:16.000000000Z 2024-08-21 22:11:16 INFO     action: d | result: success
server     | 2024-08-21T22:11:14.900000000Z 2024-08-21 22:11:14 INFO     action: z | result: success
server     | 2024-08-21T22:11:15.100000003Z 2024-08-21 22:11:15 INFO     action: b | msg: 12Z |
LOGS`;
  expect(await withDocker('logs-by-time.sh', logs, '')).toEqual({
    status: 0,
    stdout:
      'server     | 2024-08-21 22:11:14 INFO     action: z | result: success\n' +
      'client1    | 2024-08-21 22:11:15 INFO     action: a | result: success\n' +
      'server     | 2024-08-21 22:11:15 INFO     action: b | msg: 12Z |\n' +
      'client1    | 2024-08-21 22:11:16 INFO     action: d | result: success\n',
    stderr: '',
  });
});

test('make docker-compose-logs-by-time fails where compose does', async () => {
  expect(await withDocker('logs-by-time.sh', 'echo no engine >&2; exit 3', '')).toEqual({
    status: 3,
    stdout: '',
    stderr: 'no engine\n',
  });
});

test('make docker-compose-up ends with the address of each page', async () => {
  expect(await withDocker('compose-up.sh', '', PAGES)).toEqual({
    status: 0,
    stdout: 'the page: http://127.0.0.1:9090/\nthe page: http://127.0.0.1:9091/\n',
    stderr: '',
  });
});

test.each([
  ['containers', 'ps', PAGES, 'make docker-compose-down'],
  [
    'volumes of a cluster',
    'volume',
    `${PAGES}volumes:\n  postgres1:\n`,
    'docker compose -f docker-compose-dev.yaml down --volumes',
  ],
])('make docker-compose-up says how to remove the %s of an earlier run', async (...row) => {
  const [, kind, compose, wayOut] = row;
  const { status, stderr } = await withDocker(
    'compose-up.sh',
    `[ "$1" != ${kind} ] || echo 1234`,
    compose,
  );
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: `the bets of an earlier run are kept: after a draw, '${wayOut}' begins a new lottery\n`,
  });
});

test('make docker-compose-up that fails names the option for another port', async () => {
  const { status, stdout, stderr } = await withDocker(
    'compose-up.sh',
    '[ "$1" != compose ] || exit 1',
    PAGES,
  );
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('docker-compose-dev.yaml CLIENTS --page-port PORT\n');
});
