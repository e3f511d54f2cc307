import { type Command, Option } from 'commander';
import type { CheckOptions } from './check.ts';

interface CheckCommandParts {
  readonly finish: (code: number) => void;
  readonly parseSeed: (text: string) => number;
}

/** Adds `loteria check` to the command line. */
export function addCheck(program: Command, { finish, parseSeed }: CheckCommandParts): void {
  program
    .command('check')
    .description(
      "check anybody's solution of the assignment TP0 from outside: outcome, bytes, privacy, draw, signals",
    )
    .argument('[folder]', 'a repository with the branches ej1 … ej8; without them, what is checked out')
    .option('--list', 'print every check, its exercises and why it is made')
    .option('--only <names>', 'exercises or checks, such as ej6,privacy or ej8:privacy')
    .addOption(new Option('--seed <number>', 'the same random choices again').argParser(parseSeed))
    .addOption(
      new Option('--how <way>', 'in containers, or as processes of this machine').choices([
        'native',
        'docker',
      ]),
    )
    .option('--server <command>', 'starts the server without Docker, in the folder server/')
    .option('--client <command>', 'starts a client without Docker, in the folder client/')
    .option('--json <file>', 'write the findings for a script')
    .option('--junit <file>', 'write the findings for a CI')
    .option('--html <file>', 'write the findings as a page')
    .addHelpText(
      'after',
      `
Nothing in the folder is changed: each exercise is checked in a temporary copy of its branch. The report is in
Spanish or English, after LANG.

Exit codes: 0 nothing failed, 1 something failed, 2 it could not be run.`,
    )
    .action(async (folder: string | undefined, options: CheckOptions) => {
      const { check } = await import('./check.ts');
      finish(await check(folder, options));
    });
}
