#!/usr/bin/env node
// What the command `loteria` starts with. Every import here is loaded by every command: there are few, and the rest follows
// when it is known what is asked for. Five agencies that start together spend more time on loading than on their bets.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/errors.ts';
import { FileRefused } from '../files/private.ts';
import { StoreError } from '../store/store.ts';
import { EXIT } from './exit-codes.ts';

/** Where the engine keeps the program as it has compiled it, from the first run after a build on. */
const COMPILED = new URL('../compiled', import.meta.url);

/** `loteria client` and `loteria server` without options, as nearly every process of a lottery is started. */
async function runCommand(args: readonly string[]): Promise<number> {
  if (args.length === 1 && args[0] === 'client') return (await import('./client.ts')).client({});
  if (args.length === 1 && args[0] === 'server') return (await import('./server.ts')).server({});
  return (await import('./main.ts')).runProgram();
}

async function start(): Promise<number> {
  try {
    return await runCommand(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`loteria: ${explain(error)}\n`);
    return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
  }
}

/** What the user or the system has done needs no stack; anything else is a mistake in this program. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known =
    'syscall' in error || [ConfigError, FileRefused, StoreError].some(kind => error instanceof kind);
  return known ? error.message : (error.stack ?? error.message);
}

// Where it cannot be written, as in the images, the program is compiled anew each time: that is no failure, and says nothing.
enableCompileCache(fileURLToPath(COMPILED));
// Without a listener Node opens its debugger on this signal.
process.on('SIGUSR1', () => {});
process.exit(await start());
