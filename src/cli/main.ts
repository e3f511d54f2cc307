import { setImmediate } from 'node:timers/promises';
import { Argument, Command, CommanderError } from 'commander';
import { COMMANDS, type CommandSpec, GROUPS } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { formatItem } from './help-layout.ts';
import { reasonOf } from '../files/system-error.ts';
import { complain, shown } from './output.ts';
import { VERSION } from './version.ts';
import { wrap } from './wrap.ts';

/** @param finish receives the exit code of the command */
export function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('loteria')
    .description('Lotería Nacional: the central and the agencies of a national lottery, over TCP.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ formatItem })
    .configureOutput({ writeOut: text => process.stdout.write(shown(text)) })
    .showHelpAfterError('(loteria --help, or loteria COMMAND --help, lists what there is)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 Ctrl-C.',
    );
  for (const spec of COMMANDS) addCommand(program, spec, finish);
  return program;
}

function addCommand(program: Command, spec: CommandSpec, finish: (code: number) => void): void {
  const { name, about, takes = [], details, load } = spec;
  const [word, subcommand] = name.split(' ') as [string, string?];
  const parent = subcommand === undefined ? program : groupOf(program, word);
  const command = parent.command(subcommand ?? word).description(about);
  for (const each of takes) {
    if (each instanceof Argument) command.addArgument(each);
    else command.addOption(each);
  }
  if (details !== undefined)
    command.addHelpText('after', () => wrap(details, process.stdout.columns));
  command.action(async (...given) => finish(await (await load(program))(...(given as never[]))));
}

function groupOf(program: Command, name: string): Command {
  const group = program.commands.find(command => command.name() === name);
  return group ?? program.command(name).description(GROUPS[name]!);
}

/**
 * `help draw new` as `draw new --help`, and an unknown command alone: Commander would answer it with
 * the help of everything.
 */
function plainHelp(program: Command, args: readonly string[]): string[] {
  const words: string[] = [];
  const help: string[] = [];
  let command: Command | undefined = program;
  for (const [at, word] of args.entries()) {
    if (word.startsWith('-') || command.commands.length === 0)
      return [...words, ...args.slice(at), ...help];
    if (word === 'help') {
      help.push('--help');
      continue;
    }
    words.push(word);
    command = command.commands.find(each => each.name() === word);
    if (command === undefined) return words;
  }
  return [...words, ...help];
}

/** Runs the command line; fulfilled with the exit code. */
export async function runProgram(): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = buildProgram(code => {
    exitCode = code;
  });
  let unwritten: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', error => (unwritten ??= error));
  try {
    await program.parseAsync(plainHelp(program, process.argv.slice(2)), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  // Errors of the last texts are emitted before this.
  await setImmediate();
  // The reader of a pipe may have gone (`loteria journal show | head`).
  if (unwritten === undefined || unwritten.code === 'EPIPE') return exitCode;
  complain(`cannot write standard output, ${reasonOf(unwritten)}`);
  return EXIT.failed;
}
