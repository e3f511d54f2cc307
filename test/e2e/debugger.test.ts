import { expect, test } from 'vitest';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

test.each([
  ['server', { SERVER_PORT: '0' }, 'listen', 0],
  [
    'client',
    {
      CLI_ID: '1',
      CLI_SERVER_ADDRESS: '127.0.0.1:1',
      NOMBRE: 'A',
      APELLIDO: 'B',
      DOCUMENTO: '1',
      NACIMIENTO: '2000-01-02',
      NUMERO: '1',
    },
    'connect',
    0,
  ],
])("SIGUSR1 does not open Node's debugger in a %s", async (command, env, action, code) => {
  const program = Program.start([command], { cwd: await temporaryFolder(), env });
  await program.line(line => line.action === action);
  program.kill('SIGUSR1');
  // Node would announce a debugger before it handles the next signal.
  await new Promise(resolve => setTimeout(resolve, 300));
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code, signal: null });
  expect(program.stderr).toBe('');
});

test("SIGUSR1 does not open Node's debugger in a command", async () => {
  const program = Program.start(['run', '--bets', '500000'], { cwd: await temporaryFolder() });
  await program.line(({ text }) => text.endsWith('500,000 bets'));
  program.kill('SIGUSR1');
  await new Promise(resolve => setTimeout(resolve, 300));
  program.kill('SIGTERM');
  await program.exited;
  expect(program.stderr).toBe('loteria: stopped\n');
});
