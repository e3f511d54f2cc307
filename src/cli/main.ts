import { isIP } from 'node:net';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CLIENT_KEYS } from '../config/client-keys.ts';
import { type Key, NotAllowed } from '../config/keys.ts';
import { SERVER_KEYS } from '../config/server-keys.ts';
import { AGENCY_PROTOCOLS, parseProtocol } from '../wire/dialect-names.ts';
import { AGENCY_MAX } from '../lottery/bet-rules.ts';
import type { ActaCheckOptions } from './acta.ts';
import type { AgencyOptions, ChangeOptions } from './agencies.ts';
import type { AuditOptions } from './audit.ts';
import type { BenchOptions } from './bench.ts';
import type { CertsOptions } from './certs.ts';
import { addCheck } from './check-command.ts';
import type { DatasetOptions } from './dataset.ts';
import { EXIT } from './exit-codes.ts';
import type { DrawOptions } from './draw.ts';
import type { ExportOptions } from './export.ts';
import type { RunOptions } from './run.ts';
import { VERSION } from './version.ts';

const AGENCIES_MAX = 1000;
/** Ten years of certificates. */
const DAYS_MAX = 3650;
const BETS_MAX = 1_000_000_000;
const SEED_MAX = 2 ** 32 - 1;
/** Of a load: beyond, the generator's own memory and sockets would be what is measured. */
const CONNECTIONS_MAX = 4096;
const WINDOW_MAX = 4096;
/** As the assignment has it: a packet never exceeds 8 kB. */
const BATCH_MAX = 130;

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
  addDraw(program, finish);
  addAgencies(program, finish);
  addJournal(program, finish);
  addAudit(program, finish);
  addActa(program, finish);
  addExport(program, finish);
  addSchema(program);
  addCerts(program, finish);
  addBench(program, finish);
  addCheck(program, { finish, parseSeed: count(0, SEED_MAX) });
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
    .option('--check', 'only check the lines of the file, and send nothing')
    .addHelpText('after', keysHelp('config.yaml', Object.values(CLIENT_KEYS)))
    .addHelpText(
      'after',
      '\nOne bet in place of a file: NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO and NUMERO in the environment.',
    )
    .action(async ({ config, check }: { config?: string; check?: boolean }) => {
      const { client } = await import('./client.ts');
      finish(await client(config, check));
    });
}

function addRun(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('run')
    .description(
      'hold a whole lottery on this machine: a server and a process per agency, in a temporary folder',
    )
    .option('--data <path>', 'folder or .zip with agency-1.csv, agency-2.csv, …; one is made when not given')
    .addOption(
      new Option('--dialect <name>', 'what agencies and central speak')
        .choices([...AGENCY_PROTOCOLS, 'tp0'])
        .default('resumable'),
    )
    .option('--page', "show the server's page (HTTP_PORT 8080, or a free one) until Ctrl-C")
    .option('--keep', 'leave the temporary folder, with bets.csv and the logs, and say where it is')
    .action(async (options: RunOptions) => {
      const { run } = await import('./run.ts');
      finish(await run({ ...options, dialect: parseProtocol(options.dialect)! }));
    });
  for (const option of datasetOptions()) command.addOption(option.conflicts('data'));
}

function addDataset(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('dataset')
    .description('write agency-1.csv, … with made-up bets, and expected.json with the winners among them')
    .argument('<folder>', 'where to write; made when it is missing')
    .option('--from <zip>', 'unpack the agency-1.csv, … of this zip and make up nothing')
    .option('--force', 'overwrite files of those names')
    .action(async (folder: string, options: DatasetOptions) => {
      const { dataset } = await import('./dataset.ts');
      finish(await dataset(folder, options));
    });
  for (const option of datasetOptions()) command.addOption(option.conflicts('from'));
}

const STORE =
  'folder with bets.csv and bets.journal; the store that is configured, files or database, when not given';

const FOLDER = 'folder with bets.csv and bets.journal; DATA_DIR of the server when not given';

function addDraw(program: Command, finish: (code: number) => void): void {
  const draw = program.command('draw').description('look at a draw, or make room for the next one');
  draw
    .command('status')
    .description(
      'who has sent how many bets, who has finished, what the draw waits for; also while the server runs',
    )
    .argument('[folder]', STORE)
    .option('--config <file>', 'read this file in place of config.ini')
    .option('--json', 'as one line of JSON')
    .action(async (folder: string | undefined, options: DrawOptions) => {
      const { drawStatus } = await import('./draw.ts');
      finish(await drawStatus(folder, options));
    });
  draw
    .command('new')
    .description('archive a draw that has been held under draws/ and start over; the server must not run')
    .argument('[folder]', FOLDER)
    .option('--config <file>', 'read this file in place of config.ini')
    .action(async (folder: string | undefined, options: DrawOptions) => {
      const { drawNew } = await import('./draw.ts');
      finish(await drawNew(folder, options));
    });
}

function addAgencies(program: Command, finish: (code: number) => void): void {
  const changes = (command: Command): Command =>
    command
      .argument('[folder]', STORE)
      .requiredOption(
        '--reason <text>',
        'why; it is kept and stands in the acta, with who and when: no names of customers',
      )
      .option('--config <file>', 'read this file in place of config.ini');
  const agencies = program.command('agencies').description('say which agencies the draw waits for');
  changes(
    agencies
      .command('set')
      .description('the draw waits for these; with files, while no server runs')
      .argument('<list>', 'ids and ranges of ids such as 1-5,7'),
  ).action(async (list: string, folder: string | undefined, options: ChangeOptions) => {
    const { setAgencies } = await import('./agencies.ts');
    finish(await setAgencies(list, folder, options));
  });
  const agency = program.command('agency').description('take a mistake of an agency back, before the draw');
  agency
    .command('list')
    .description('what each agency has sent, its uploads, and what was done by hand')
    .argument('[folder]', STORE)
    .option('--config <file>', 'read this file in place of config.ini')
    .option('--json', 'as one line of JSON')
    .action(async (folder: string | undefined, options: AgencyOptions) => {
      const { listAgencies } = await import('./agencies.ts');
      finish(await listAgencies(folder, options));
    });
  const id = count(1, AGENCY_MAX);
  changes(
    agency
      .command('reopen')
      .description(
        'let an agency that has finished send more, or send again what was voided; with files, while no server runs',
      )
      .argument('<agency>', 'its id', id),
  ).action(async (number: number, folder: string | undefined, options: ChangeOptions) => {
    const { reopenAgency } = await import('./agencies.ts');
    finish(await reopenAgency(number, folder, options));
  });
  changes(
    agency
      .command('void')
      .description(
        'take back what an agency has sent, which may then send another file; with files, while no server runs: both are written anew, and kept as they were',
      )
      .argument('<agency>', 'its id', id),
  )
    .option('--upload <name>', 'only this upload of it')
    .action(async (number: number, folder: string | undefined, options: ChangeOptions) => {
      const { voidAgency } = await import('./agencies.ts');
      finish(await voidAgency(number, folder, options));
    });
}

function addJournal(program: Command, finish: (code: number) => void): void {
  const journal = program.command('journal').description('check and read what the server wrote');
  journal
    .command('verify')
    .description(
      'check every line of bets.journal and every row of bets.csv against each other and print the seal; changes nothing',
    )
    .argument('[folder]', FOLDER)
    .action(async (folder: string | undefined) => {
      const { verifyJournal } = await import('./journal.ts');
      finish(await verifyJournal(folder));
    });
  journal
    .command('show')
    .description('print bets.journal in words')
    .argument('[folder]', FOLDER)
    .option('--json', 'as JSON lines, each with its offset')
    .action(async (folder: string | undefined, options: { json?: boolean }) => {
      const { showJournal } = await import('./journal.ts');
      finish(await showJournal(folder, options));
    });
}

function addAudit(program: Command, finish: (code: number) => void): void {
  program
    .command('audit')
    .description(
      'recount a closed lottery from its files alone and compare it with its actas; changes nothing',
    )
    .argument('[folder]', 'folder with bets.csv and acta.txt; DATA_DIR of the server when not given')
    .option('--acta <file>', 'read this file in place of acta.txt of the folder')
    .option('--signature <file>', 'read this file in place of acta.sig of the folder')
    .option('--key <file>', "the auditor's Ed25519 public key in PEM, which verifies the signature")
    .addHelpText(
      'after',
      `
Counts every row of bets.csv, computes its SHA-256 and that of each agency, and the winners.
Compares them with acta.txt and, where they are in the folder, with acta-sorteo.txt, acta.sig and
bets.journal. Prints a line for each check: ok, differs (with what was expected and what was found)
or not checked (with the reason).

Exit codes: 0 no differences, 1 differences, 2 wrong usage, also without bets.csv or acta.txt.`,
    )
    .action(async (folder: string | undefined, options: AuditOptions) => {
      const { auditFolder } = await import('./audit.ts');
      finish(await auditFolder(folder, options));
    });
}

function addActa(program: Command, finish: (code: number) => void): void {
  const { fileDelimiter, fileEncoding } = CLIENT_KEYS;
  const acta = program.command('acta').description('check the acta de cierre of a lottery');
  acta
    .command('check')
    .description('compare the file of an agency with the line of the agency in the acta de cierre')
    .requiredOption('--acta <file>', 'the acta de cierre')
    .addOption(
      new Option('--agency <number>', 'id of the agency')
        .argParser(count(1, AGENCY_MAX))
        .makeOptionMandatory(),
    )
    .requiredOption('--file <file>', 'the bets of the agency, as its client sends them')
    .addOption(keyOption('--delimiter <character>', fileDelimiter))
    .addOption(keyOption('--encoding <name>', fileEncoding))
    .addHelpText(
      'after',
      `
Computes the number and the SHA-256 of the rows that the central stores of the file. Leaves out
lines that are no bets, as an upload does with file.invalid skip.

Exit codes: 0 the file is what the acta says, 1 it is not, 2 wrong usage, also without a file.`,
    )
    .action(async (options: ActaCheckOptions) => {
      const { checkActa } = await import('./acta.ts');
      finish(await checkActa(options));
    });
}

/** An option with the values of a key of the configuration. */
function keyOption<Value>(flags: string, { about, allowed, default: text, parse }: Key<Value>): Option {
  const read = (given: string): Value => {
    const value = parse(given);
    if (value === undefined || value instanceof NotAllowed)
      throw new InvalidArgumentError(`Allowed: ${allowed}.`);
    return value;
  };
  return new Option(flags, about).argParser(read).default(read(text!), text);
}

function addExport(program: Command, finish: (code: number) => void): void {
  program
    .command('export')
    .description(
      'write all bets of the store to one file, with a seal beside it, and check it against the draw; also while servers run',
    )
    .argument('<file>', 'where to write the rows, as a bets.csv has them; the seal goes to <file>.seal')
    .option('--config <file>', 'read this file in place of config.ini')
    .option('--force', 'overwrite the file and its seal')
    .addHelpText(
      'after',
      `
The store is the one of the server's configuration (config.ini, environment): the bets.csv of DATA_DIR, or the database
of SERVER_STORE=postgres://…. Nothing in it is changed. The seal is JSON: state, number of bets, bytes and sha256 of the
file and, after the draw, its time, its own bytes and sha256, and how many winners each agency has.

Exit codes: 0 done, 1 failed or not what was drawn, 2 wrong usage or configuration.`,
    )
    .action(async (file: string, options: ExportOptions) => {
      const { exportBets } = await import('./export.ts');
      finish(await exportBets(file, options));
    });
}

function addSchema(program: Command): void {
  program
    .command('schema')
    .description(
      'print the SQL that makes the tables of SERVER_STORE=postgres://…, for the owner of the database to run',
    )
    .option('--role <name>', 'role of the servers, to whom the tables are granted', 'loteria')
    .action(async ({ role }: { role: string }) => {
      const { schemaFor } = await import('./stores/postgres.ts');
      process.stdout.write(schemaFor(role));
    });
}

function addCerts(program: Command, finish: (code: number) => void): void {
  program
    .command('certs')
    .description('make a certificate authority, and certificates of a server and its agencies, for TLS')
    .argument('<folder>', 'where to write; made when it is missing, nothing in it is overwritten')
    .addOption(
      new Option('--agencies <number>', 'agencies 1 to this one')
        .argParser(count(0, AGENCIES_MAX))
        .default(5),
    )
    .addOption(new Option('--days <number>', 'valid for so long').argParser(count(1, DAYS_MAX)).default(365))
    .addOption(
      new Option('--host <name>', 'a further name or address by which the server is found; may be repeated')
        .argParser(hostNames)
        .default([], 'none'),
    )
    .action(async (folder: string, options: CertsOptions) => {
      const { certs } = await import('./certs.ts');
      finish(await certs(folder, options));
    });
}

function addBench(program: Command, finish: (code: number) => void): void {
  const number = (flags: string, about: string, min: number, max: number, value: number): Option =>
    new Option(flags, about).argParser(count(min, max)).default(value);
  program
    .command('bench')
    .description(
      'send bets to a server as fast as it takes them and tell how fast that was; without --server to our own in a ' +
        'temporary folder, and to a program that only receives, writes and syncs',
    )
    .option('--server <host:port>', 'a server that runs and speaks the base protocol')
    .addOption(number('--connections <number>', 'connections', 1, CONNECTIONS_MAX, 5))
    .addOption(number('--agencies <number>', 'they speak for the agencies 1 to this one', 1, AGENCIES_MAX, 5))
    .addOption(number('--window <number>', 'unanswered batches of a connection', 1, WINDOW_MAX, 64))
    .addOption(number('--batch <number>', 'bets in a batch', 1, BATCH_MAX, 130))
    .addOption(number('--bets <number>', 'bets in all, in whole batches', 1, BETS_MAX, 2_000_000))
    .addOption(number('--warm-up <number>', 'bets before that are not measured', 0, BETS_MAX, 200_000))
    .option('--end', 'finish the agencies afterwards, which makes the server hold its draw')
    .option('--json', 'as one line of JSON')
    .action(async (options: BenchOptions) => {
      const { bench } = await import('./bench.ts');
      finish(await bench(options));
    });
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

/** Gathers the names of an option that may be repeated. */
function hostNames(text: string, before: readonly string[]): string[] {
  if (isIP(text) > 0 || /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*$/.test(text)) return [...before, text];
  throw new InvalidArgumentError('The name of a host or an IP address is expected.');
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

/** Understands the command line and does what it asks for; fulfilled with the exit code. */
export async function runProgram(): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = buildProgram(code => {
    exitCode = code;
  });
  // Whoever read what a command says may have gone away (`loteria journal show | head`).
  process.stdout.on('error', () => process.exit(EXIT.done));
  try {
    await program.parseAsync();
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}
