// Fuzzes the hot loops against their references for some minutes, then sessions with arbitrary
// bytes in every dialect. Prints the seed, which repeats a run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sessions: { type: 'string', default: '3000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (Number.isNaN(Number(value)) || Number(value) < 0) {
    console.error(`--${name} is ${value}, a number is wanted`);
    process.exit(2);
  }
}

const run = (args, env = {}) =>
  spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  }).status;

const kernel = run(['test/fuzz/kernel.ts', '--minutes', values.minutes, '--seed', values.seed]);
console.log(`${values.sessions} sessions in each dialect, seed ${values.seed}`);
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/fuzz'];
const sessions = run(vitest, { FUZZ_SESSIONS: values.sessions, FUZZ_SEED: values.seed });
process.exit(kernel === 0 && sessions === 0 ? 0 : 1);
