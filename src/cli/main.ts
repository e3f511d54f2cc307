#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CLIENT_KEYS } from '../config/client-keys.ts';
import { ConfigError } from '../config/errors.ts';
import type { Key } from '../config/keys.ts';
import { SERVER_KEYS } from '../config/server-keys.ts';
import type { DatasetShape } from '../dataset/generate.ts';
import { EXIT } from './exit-codes.ts';
import type { RunOptions } from './run.ts';
import { VERSION } from './version.ts';

const AGENCIES_MAX = 1000;
const BETS_MAX = 1_000_000_000;
const SEED_MAX = 2 ** 32 - 1;

/** The code of each command is loaded when it is called: a client starts faster without the server. */
function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('loteria')
    .description('Lotería Nacional: the central and the agencies of a national lottery, over TCP.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(loteria --help, or loteria COMMAND --help, lists what there is)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration.');
  addServer(program, finish);
  addClient(program, finish);
  addRun(program, finish);
  addDataset(program, finish);
  return program;
}

function addServer(program: Command, finish: (code: number) => void): void {
  program
    .command('server')
    .description('run the central: store bets, wait for every agency, hold the draw, tell the winners')
    .option('--config <file>', 'read this file in place of config.ini')
    .addHelpText('after', keysHelp('config.ini, section [DEFAULT]', Object.values(SERVER_KEYS)))
    .action(async ({ config }: { config?: string }) => {
      const { server } = await import('./server.ts');
      finish(await server(config));
    });
}

function addClient(program: Command, finish: (code: number) => void): void {
  program
    .command('client')
    .description('run an agency: send its bets, wait for the draw, ask for its winners')
    .option('--config <file>', 'read this file in place of config.yaml')
    .addHelpText('after', keysHelp('config.yaml', Object.values(CLIENT_KEYS)))
    .addHelpText(
      'after',
      '\nOne bet in place of a file: NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO and NUMERO in the environment.',
    )
    .action(async ({ config }: { config?: string }) => {
      const { client } = await import('./client.ts');
      finish(await client(config));
    });
}

function addRun(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('run')
    .description(
      'hold a whole lottery on this machine: a server and a process per agency, in a temporary folder',
    )
    .option('--data <path>', 'folder or .zip with agency-1.csv, agency-2.csv, …; one is made when not given')
    .option('--keep', 'leave the temporary folder, with bets.csv and the logs, and say where it is')
    .action(async (options: RunOptions) => {
      const { run } = await import('./run.ts');
      finish(await run(options));
    });
  for (const option of datasetOptions()) command.addOption(option.conflicts('data'));
}

function addDataset(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('dataset')
    .description('write agency-1.csv, … with made-up bets, and expected.json with the winners among them')
    .argument('<folder>', 'where to write; made when it is missing')
    .action(async (folder: string, options: DatasetShape) => {
      const { dataset } = await import('./dataset.ts');
      finish(await dataset(folder, options));
    });
  for (const option of datasetOptions()) command.addOption(option);
}

function datasetOptions(): Option[] {
  return [
    new Option('--agencies <number>', 'agencies of the dataset').argParser(count(1, AGENCIES_MAX)).default(5),
    new Option('--bets <number>', 'bets of the dataset in all').argParser(count(0, BETS_MAX)).default(78_000),
    new Option('--seed <number>', 'the same seed makes the same bets')
      .argParser(count(0, SEED_MAX))
      .default(7574),
  ];
}

function count(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`A whole number from ${min} to ${max} is expected.`);
  };
}

/** Lists what a configuration file may hold and the environment variables that override it. */
function keysHelp(file: string, keys: readonly Key<unknown>[]): string {
  const lines = keys.map(key => {
    const value =
      key.default === undefined ? (key.optional ? 'not set' : 'required') : `default ${key.default}`;
    const names = key.env[0] === key.name ? key.name : `${key.name}, ${key.env[0]}`;
    return `  ${names}\n      ${key.about}\n      ${key.allowed}; ${value}`;
  });
  return `\nConfiguration (${file}; the environment overrides it):\n${lines.join('\n')}`;
}

async function main(): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = buildProgram(code => {
    exitCode = code;
  });
  try {
    await program.parseAsync();
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof ConfigError) {
      process.stderr.write(`loteria: ${error.message}\n`);
      return EXIT.usage;
    }
    process.stderr.write(`loteria: ${explain(error)}\n`);
    return EXIT.failed;
  }
}

/** What the system refuses needs no stack; anything else is a mistake in this program. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'syscall' in error ? error.message : (error.stack ?? error.message);
}

process.exit(await main());
