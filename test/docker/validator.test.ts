import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { docker } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

beforeEach(needEngine);

const SCRIPT = join(import.meta.dirname, '../../validar-echo-server.sh');
const NETWORK = 'tp0_testing_net';

const SUCCESS = { status: 0, stdout: 'action: test_echo_server | result: success\n' };
const FAIL = { status: 1, stdout: 'action: test_echo_server | result: fail\n' };

/** Runs the script, and measures its duration. */
function validate(script: string, ...args: readonly string[]) {
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync('sh', [script, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { said: { status, stdout }, stderr, ms: performance.now() - startedAt };
}

async function expectFail(...args: readonly string[]): Promise<void> {
  const { said, stderr, ms } = validate(SCRIPT, ...args);
  expect(said).toEqual(FAIL);
  expect(stderr).toMatch(/^validar-echo-server\.sh: .+\n$/);
  // The script's limit is five seconds; on a busy machine, the engine adds some for an idle
  // container.
  const startedAt = performance.now();
  await docker('run', '--rm', 'busybox:latest', 'true');
  expect(ms - (performance.now() - startedAt)).toBeLessThan(5000);
}

async function createNetwork(): Promise<void> {
  await docker('network', 'create', NETWORK);
  onTestFinished(async () => {
    await docker('network', 'rm', NETWORK);
  });
}

/** Starts a server that handles data with `onData`, as `server` on the network. */
async function startServer(onData: string): Promise<void> {
  const code = `
    const server = require('node:net').createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => {});
      socket.on('data', data => { ${onData} });
    });
    server.listen(12345);
    process.on('SIGTERM', () => process.exit());`;
  const where = ['--network', NETWORK, '--network-alias', 'server', '--entrypoint', 'node'];
  const id = await docker('run', '--detach', '--rm', ...where, 'client:latest', '-e', code);
  onTestFinished(async () => {
    await docker('stop', id.trim());
  });
}

describe('exercise 3: the script that validates the echo server', () => {
  test('succeeds with the echo server for any message', async () => {
    const stack = await Stack.create({ exercise: 'ej3', clients: 0 });
    await stack.up();
    // At once: the server may not listen yet.
    expect(validate(SCRIPT).said).toEqual(SUCCESS);
    const messages = [
      'two words',
      `it's "quoted" \`id\` $(id) $HOME \\n %s`,
      '',
      '  ',
      '-n',
      'ñandú °',
      '; exit 1',
    ];
    for (const message of messages) expect(validate(SCRIPT, '-', message).said).toEqual(SUCCESS);
    const server = stack.follow('server');
    await server.line(({ text }) => text.endsWith('msg: ; exit 1'), 'the last message');
    expect(
      server.linesOf('receive_message').map(({ text }) => text.split('msg: ')[1]!.trim()),
    ).toEqual([
      'The quick brown fox jumps over the lazy dog',
      ...messages.map(message => message.trim()),
    ]);
    await expectFail('1');
  });

  test('reads the port from config.ini', async () => {
    const serverConfig = ['server_port=23456 ; not the usual one'];
    const stack = await Stack.create({ exercise: 'ej3', clients: 0, serverConfig });
    await stack.up();
    const copy = join(stack.folder, 'validar-echo-server.sh');
    expect(validate(copy).said).toEqual(SUCCESS);
    expect(validate(copy, '23456').said).toEqual(SUCCESS);
  });

  test('succeeds with a server that does not close the connection', async () => {
    await createNetwork();
    await startServer('socket.write(data)');
    expect(validate(SCRIPT, '12345').said).toEqual(SUCCESS);
  });

  test.each([
    ['answers error and the message', "socket.end('error reading data: ' + data)"],
    ['answers a part of the message', 'socket.end(data.subarray(0, 9))'],
    ['leaves out the line end', 'socket.end(data.subarray(0, -1))'],
    ['answers more than the message', "socket.end(data + 'x')"],
    ['closes without an answer', 'socket.end()'],
    ['resets the connection', 'socket.resetAndDestroy()'],
    ['never answers', ''],
  ])('fails with a server that %s', async (_, onData) => {
    await createNetwork();
    await startServer(onData);
    await expectFail('12345', 'a message');
  });

  test('fails without an answer to an empty message', async () => {
    await createNetwork();
    await startServer('socket.end()');
    await expectFail('12345', '');
  });

  test('fails when there is no server', async () => {
    await createNetwork();
    await expectFail();
  });

  test('fails when there is no network', async () => {
    await expectFail();
  });
});
