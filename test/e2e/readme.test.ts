import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

/** `make run` and `make test` install and build; `test/docker` runs the containers. */
const ELSEWHERE = /^(?:make|\.\/generar-compose\.sh) /;

function commandsOf(page: string): string[] {
  const blocks = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```sh\n([^]*?)^```$/gm)];
  const lines = blocks.flatMap(([, block]) => block!.trim().split('\n'));
  return lines.map(line => line.replace(/ +#.*$/, '')).filter(line => !ELSEWHERE.test(line));
}

/** Runs a command line in the root of the repository. */
const start = (line: string): Program =>
  Program.start([], { cwd: ROOT, through: ['sh', '-c', `exec env ${line}`] });

test.each(['README.md', 'README.es.md'])('every command of %s works as written', async page => {
  const folder = await temporaryFolder();
  const ports = [await freePort(), await freePort()];
  const clients: Program[] = [];
  const finish = async (program: Program): Promise<void> => {
    expect({ ...(await program.exited), stderr: program.stderr }).toMatchObject({
      code: 0,
      stderr: '',
    });
  };
  const commands = commandsOf(page);
  expect(commands).toHaveLength(6);
  for (const command of commands) {
    // The same commands on free ports and in a folder of the test.
    const own = command.replaceAll('/tmp/', `${folder}/`).replaceAll('12345', String(ports[0]));
    const program = start(own.replaceAll('8080', String(ports[1])));
    if (command.endsWith(' server')) await program.line(({ action }) => action === 'listen');
    else if (command.endsWith(' client')) clients.push(program);
    else await finish(program);
    if (clients.length === 2) await Promise.all(clients.splice(0).map(finish));
  }
});
