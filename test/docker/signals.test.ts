import { beforeEach, describe, expect, test } from 'vitest';
import type { Program } from '../support/program.ts';
import { docker, exitCode } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

beforeEach(needEngine);

/** Docker's grace period before SIGKILL, in seconds. */
const GRACE = '20';

/** Time limit of the stop, in milliseconds; much shorter than that. */
const SOON_MS = 10_000;

/** Few bets per batch and many in the file: the upload lasts longer than the test. */
const BETS_PER_BATCH = 2;
const LONG_FILE = 'Santiago Lionel,Lorca,30904465,1999-03-17,2201\n'.repeat(400_000);

const clientConfig = [
  'server:\n  address: "server:12345"',
  'loop:\n  amount: 100\n  period: "1h"',
  'log:\n  level: "DEBUG"\n  progress: "100ms"',
  `batch:\n  maxAmount: ${BETS_PER_BATCH}`,
];

/** Stops containers with `docker stop` or `docker compose stop`. @returns their exit codes */
async function exitCodesAfter(stop: Promise<string>, ...containers: string[]): Promise<number[]> {
  const startedAt = performance.now();
  await stop;
  expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  return Promise.all(containers.map(exitCode));
}

/** The log after the signal, as distinct `action result`. */
async function endingOf(program: Program): Promise<string[]> {
  await program.exited;
  const lines = program.lines.map(({ action, result }) => `${action} ${result}`);
  return [...new Set(lines.slice(lines.indexOf('shutdown in_progress')))];
}

const CLIENT_CLOSES = ['shutdown in_progress', 'close_socket success', 'shutdown success'];
const SERVER_CLOSES = ['shutdown in_progress', 'close_listener success', 'shutdown success'];

describe('exercise 4: SIGTERM to the echo pair', () => {
  const start = async (): Promise<Stack> => {
    const stack = await Stack.create({ exercise: 'ej4', clients: 1, clientConfig });
    await stack.up();
    await stack.follow('client1').logged('receive_message');
    return stack;
  };

  test('stops server and client with exit code 0', async () => {
    const stack = await start();
    const stop = stack.compose('stop', '-t', GRACE);
    expect(await exitCodesAfter(stop, 'server', 'client1')).toEqual([0, 0]);
  });
});

describe('exercise 4: SIGTERM in the lottery', () => {
  /** Two agencies in the middle of their uploads. */
  const startUploads = async (): Promise<Stack> => {
    const stack = await Stack.create({ exercise: 'ej8', clients: 2, clientConfig });
    await stack.give(1, LONG_FILE);
    await stack.give(2, LONG_FILE);
    await stack.up();
    for (const name of ['client1', 'client2'])
      await stack.follow(name).logged('upload', 'in_progress');
    return stack;
  };

  test('stops the server and both clients during their uploads, exit code 0', async () => {
    const stack = await startUploads();
    const stop = stack.compose('stop', '-t', GRACE);
    expect(await exitCodesAfter(stop, 'server', 'client1', 'client2')).toEqual([0, 0, 0]);
  });

  test('stops an agency and a central that both wait, with exit code 0', async () => {
    const stack = await Stack.create({ exercise: 'ej8', clients: 2, clientConfig });
    await stack.give(1, 'Ana,Paz,11,1990-01-02,7574\n');
    await stack.give(2, 'Eva,Paz,22,1990-01-02,7574\n');
    await stack.up('client1');
    expect((await stack.follow('server').logged('agency_finished')).details['waiting_for']).toBe(
      '2',
    );
    expect(await exitCodesAfter(docker('stop', '-t', GRACE, 'client1'), 'client1')).toEqual([0]);
    expect(await endingOf(stack.follow('client1'))).toEqual(expect.arrayContaining(CLIENT_CLOSES));
    expect(await exitCodesAfter(docker('stop', '-t', GRACE, 'server'), 'server')).toEqual([0]);
    const server = stack.follow('server');
    expect(await endingOf(server)).toEqual(expect.arrayContaining(SERVER_CLOSES));
    expect(server.linesOf('sorteo')).toEqual([]);
  });
});
