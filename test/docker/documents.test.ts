import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  CONTAINER_PAGES,
  type DocumentCommands,
  needsContainers,
  runnableOf,
} from '../support/document-commands.ts';
import type { Line } from '../support/program.ts';
import { docker, exitCode, run } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

beforeEach(needEngine);

const OPERATIONS = 'docs/OPERATIONS.md';

/** Echo clients without the pause between messages. */
const clientConfig = ['server:\n  address: "server:12345"', 'loop:\n  period: "50ms"'];

/** The commands of a page, by section. */
function sectionsOf(page: string): DocumentCommands[][] {
  const commands = runnableOf(page).filter(needsContainers);
  return Object.values(Object.groupBy(commands, ({ section }) => section)).map(group => group!);
}

async function clientsDone(): Promise<void> {
  const names = await docker('ps', '--all', '--filter', 'name=^client', '--format', '{{.Names}}');
  for (const name of names.split('\n').filter(Boolean)) expect(await exitCode(name)).toBe(0);
}

test.for(CONTAINER_PAGES.filter(page => page !== OPERATIONS))(
  'every command with containers of %s works as written',
  { timeout: 600_000 },
  async page => {
    const stack = await Stack.create({ exercise: 'ej1', clients: 0, clientConfig });
    const sections = sectionsOf(page);
    expect(sections).not.toEqual([]);
    for (const commands of sections) {
      let logs = Promise.resolve('client1');
      for (const [index, { text }] of commands.entries()) {
        const stopped = /^docker stop (.*)/.exec(text)?.[1]!.split(' ') ?? [];
        // Process 1 of a container ignores SIGTERM until it has a handler.
        for (const name of stopped)
          await expect.poll(() => docker('logs', name), { timeout: 30_000 }).not.toBe('');
        const ended = run('bash', ['-euc', text], stack.folder);
        // It follows the logs until the containers end.
        if (text === 'make docker-compose-logs') logs = ended;
        else await ended;
        for (const name of stopped) expect(await exitCode(name)).toBe(0);
        const isStopped = commands[index + 1]?.text.startsWith('docker stop ');
        if (/ up -d$|-compose-up$/.test(text) && !isStopped) await clientsDone();
      }
      await stack.make('docker-compose-down');
      expect(await logs).toContain('client1');
    }
  },
);

test(`the server's folder is changed by a command, with the volume of ${OPERATIONS}`, async () => {
  const stack = await Stack.create({ exercise: 'ej8', clients: 4 });
  const [commands] = sectionsOf(OPERATIONS);
  const page = await readFile(join(import.meta.dirname, '../..', OPERATIONS), 'utf8');
  const [, volume] = /^```yaml\n(services:\n  server:\n[^]*?)^```$/m.exec(page)!;
  await writeFile(join(stack.folder, 'volume.yaml'), volume!);
  onTestFinished(async () => {
    await stack.compose('-f', 'volume.yaml', 'down', '--timeout', '0', '--volumes');
  });
  for (const agency of [1, 2, 3]) await stack.give(agency, 'Ana,Paz,11,1990-01-02,7574\n');
  await stack.compose('-f', 'volume.yaml', 'up', '-d', 'client1', 'client2', 'client3');
  const server = stack.follow('server');
  const finished = ({ details }: Line): boolean => details['waiting_for'] === '4';
  await server.line(finished, 'the end of three uploads');
  for (const { text } of commands!) await run('bash', ['-euc', text], stack.folder);
  expect(await docker('exec', 'server', 'loteria', 'agency', 'list', 'data')).toContain(
    'wrong file',
  );
  expect(await docker('exec', 'server', 'cat', 'data/bets.csv')).not.toContain('3,Ana');
});
