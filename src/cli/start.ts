#!/usr/bin/env node
// The entry point of `loteria`. Every command loads the imports of this file, so there are few: an
// agency spends more time on loading than on its bets.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/errors.ts';
import { FileRefused } from '../files/private.ts';
import { reasonOf } from '../files/system-error.ts';
import { StoreError } from '../store/store.ts';
import { exitCodeOf } from './exit-codes.ts';

/** V8's code cache. */
const COMPILED = new URL('../compiled', import.meta.url);

/** The usual command lines bypass the parser of the command line. */
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
    return exitCodeOf(error);
  }
}

/** Only errors of this program need a stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('path' in error && 'syscall' in error)
    return `cannot use ${String(error.path)}, ${reasonOf(error)}`;
  const known =
    'syscall' in error ||
    [ConfigError, FileRefused, StoreError].some(kind => error instanceof kind);
  return known ? error.message : (error.stack ?? error.message);
}

// Fails silently where the folder is read-only, as in the images.
enableCompileCache(fileURLToPath(COMPILED));
// What `loteria run` and `loteria bench` have started ends with them.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Without a listener, Node opens its debugger.
process.on('SIGUSR1', () => {});
process.exit(await start());
