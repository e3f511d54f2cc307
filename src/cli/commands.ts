import { isIP } from 'node:net';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { CLIENT_KEYS } from '../config/client-keys.ts';
import { describeDefault, type Key, NotAllowed } from '../config/keys.ts';
import { SERVER_KEYS } from '../config/server-keys.ts';
import { AGENCY_MAX } from '../lottery/bet-rules.ts';
import { AGENCY_PROTOCOLS } from '../wire/dialect-names.ts';

/**
 * A command of the program. Its arguments and options reach the function of `load` as they are
 * parsed, and after them its `Command`.
 */
export interface CommandSpec {
  /** One word, or two for a command in a group. */
  readonly name: string;
  readonly about: string;
  readonly takes?: readonly (Argument | Option)[];
  /** Printed after the options in `--help`. */
  readonly details?: string;
  /** Imports the code of the command of `program`, so that no other command loads it. */
  readonly load: (program: Command) => Promise<(...given: never[]) => Promise<number>>;
}

const AGENCIES_MAX = 1000;
/** Ten years of certificates. */
const DAYS_MAX = 3650;
const BETS_MAX = 1_000_000_000;
const SEED_MAX = 2 ** 32 - 1;
/** Beyond these the load generator's own memory and sockets dominate the measurement. */
const CONNECTIONS_MAX = 4096;
const WINDOW_MAX = 4096;
/** The assignment's limit of 8 kB per packet. */
const BATCH_MAX = 130;

const argument = (name: string, about: string): Argument =>
  new Argument(name, about).argParser(notEmpty);
const option = (flags: string, about: string): Option => {
  const made = new Option(flags, about);
  return made.required ? made.argParser(notEmpty) : made;
};
const number = (flags: string, about: string, min: number, max: number, value?: number): Option =>
  option(flags, about).argParser(integer(min, max)).default(value);

const CONFIG_INI = option('--config <file>', 'read this file instead of config.ini');
const JSON_LINE = option('--json', 'print one line of JSON');
const STORE = argument(
  '[folder]',
  'folder with bets.csv and bets.journal; default: the configured store, files or database',
);
const FOLDER = argument(
  '[folder]',
  "folder with bets.csv and bets.journal; default: the server's DATA_DIR",
);
const AGENCY = argument('<agency>', 'id of the agency').argParser(integer(1, AGENCY_MAX));
const REASON = option(
  '--reason <text>',
  'why; stored with user and time, and published in the acta, so without names of customers',
).makeOptionMandatory();
const BY_HAND = [STORE, REASON, CONFIG_INI];
const OFFLINE = 'with files, no server may be running';

/** Descriptions of the groups of commands. */
export const GROUPS: Readonly<Record<string, string>> = {
  draw: 'show a draw, or archive it for the next one',
  agencies: 'choose the agencies that the draw waits for',
  agency: 'undo a mistake of an agency before the draw',
  journal: 'check and print what the server wrote',
  acta: 'check the acta de cierre of a lottery',
};

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'server',
    about: 'run the central: store bets, wait for every agency, hold the draw, send the winners',
    takes: [CONFIG_INI],
    details: keysHelp('config.ini, section [DEFAULT]', Object.values(SERVER_KEYS)),
    load: async () => (await import('./server.ts')).server,
  },
  {
    name: 'client',
    about: 'run an agency: send its bets, wait for the draw, ask for its winners',
    takes: [
      option('--config <file>', 'read this file instead of config.yaml'),
      option('--check', 'only check the lines of the file, and send nothing'),
    ],
    details: `${keysHelp('config.yaml', Object.values(CLIENT_KEYS))}

One bet instead of a file: NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO and NUMERO in the environment.`,
    load: async () => (await import('./client.ts')).client,
  },
  {
    name: 'run',
    about: 'hold a whole lottery on this machine: one process for the server and for each agency',
    takes: [
      option(
        '--data <path>',
        'folder or .zip with agency-1.csv, agency-2.csv, …; default: .data/dataset.zip, or made-up ' +
          'bets if it is missing or an option below asks for them',
      ),
      option('--dialect <name>', 'dialect of agencies and central')
        .choices([...AGENCY_PROTOCOLS, 'tp0'])
        .default('resumable'),
      option('--page', "serve the operator's page (HTTP_PORT 8080, or a free one) until Ctrl-C"),
      option('--keep', 'keep the temporary folder with bets.csv and the logs, and print its path'),
      ...datasetOptions('data'),
    ],
    load: async () => (await import('./run.ts')).run,
  },
  {
    name: 'dataset',
    about: 'write agency-1.csv, … with made-up bets, and expected.json with their winners',
    takes: [
      argument('<folder>', 'where to write; created if it is missing'),
      option('--from <zip>', 'unpack the agency-1.csv, … of this zip instead of making up bets'),
      option('--force', 'overwrite existing files'),
      ...datasetOptions('from'),
    ],
    load: async () => (await import('./dataset.ts')).dataset,
  },
  {
    name: 'check',
    about:
      "check anybody's solution of the assignment TP0 from outside: bytes, outcome, privacy, draw",
    takes: [
      argument(
        '[folder]',
        'a repository with the branches ej1 … ej8; without them, what is checked out',
      ),
      option('--list', 'print every check, its exercises and why it is made'),
      option('--only <names>', 'exercises or checks, such as ej6,privacy or ej8:privacy'),
      number('--seed <number>', 'the same random choices again', 0, SEED_MAX),
      option(
        '--how <way>',
        'in containers, or as processes of this machine; when not given, docker if an engine ' +
          'answers and there is no --server and no --client',
      ).choices(['native', 'docker']),
      option('--server <command>', 'starts the server without Docker, in the folder server/'),
      option('--client <command>', 'starts a client without Docker, in the folder client/'),
      option('--json <file>', 'write the findings for a script'),
      option('--junit <file>', 'write the findings for a CI system'),
      option('--html <file>', 'write the findings as a page'),
    ],
    details: `
Changes nothing in the folder: each exercise is checked in a temporary copy of its branch. The
report is in Spanish or English, after LANG.

Exit codes: 0 nothing failed, 1 something failed, 2 it could not be run or nothing was checkable.`,
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'draw status',
    about: 'bets and state of each agency, and what the draw waits for; also while servers run',
    takes: [STORE, CONFIG_INI, JSON_LINE],
    load: async () => (await import('./draw.ts')).drawStatus,
  },
  {
    name: 'draw new',
    about: 'archive a finished draw under draws/ and start over; the server must not run',
    takes: [FOLDER, CONFIG_INI],
    load: async () => (await import('./draw.ts')).drawNew,
  },
  {
    name: 'agencies set',
    about: `set the agencies that the draw waits for; ${OFFLINE}`,
    takes: [argument('<list>', 'ids and ranges of ids such as 1-5,7'), ...BY_HAND],
    load: async () => (await import('./agencies.ts')).setAgencies,
  },
  {
    name: 'agency list',
    about: 'bets and uploads of each agency, and what operators changed',
    takes: [STORE, CONFIG_INI, JSON_LINE],
    load: async () => (await import('./agencies.ts')).listAgencies,
  },
  {
    name: 'agency reopen',
    about: `let a finished agency send more, or send a voided upload again; ${OFFLINE}`,
    takes: [AGENCY, ...BY_HAND],
    load: async () => (await import('./agencies.ts')).reopenAgency,
  },
  {
    name: 'agency void',
    about: `remove the bets of an agency, which may then send another file; ${OFFLINE}. Copies of the files are kept`,
    takes: [AGENCY, ...BY_HAND, option('--upload <name>', 'only this upload of it')],
    load: async () => (await import('./agencies.ts')).voidAgency,
  },
  {
    name: 'journal verify',
    about: 'check bets.journal and bets.csv against each other and print the seal; changes nothing',
    takes: [FOLDER],
    load: async () => (await import('./journal.ts')).verifyJournal,
  },
  {
    name: 'journal show',
    about: 'print bets.journal in words',
    takes: [FOLDER, option('--json', 'print JSON lines, each with its offset')],
    load: async () => (await import('./journal.ts')).showJournal,
  },
  {
    name: 'audit',
    about: 'recount a closed lottery from its files and compare it with its actas; changes nothing',
    takes: [
      argument('[folder]', "folder with bets.csv and acta.txt; default: the server's DATA_DIR"),
      option('--acta <file>', 'read this file instead of acta.txt of the folder'),
      option('--signature <file>', 'read this file instead of acta.sig of the folder'),
      option(
        '--key <file>',
        "the auditor's Ed25519 public key in PEM, which verifies the signature",
      ),
    ],
    details: `
Counts the rows of bets.csv, and computes the winners and the SHA-256 of all rows and of each
agency. Compares them with acta.txt and, if they exist, with acta-sorteo.txt, acta.sig and bets.journal.
Prints a line per check: ok, differs (with the expected and the found value) or not checked (with
the reason).

Exit codes: 0 no differences, 1 differences, 2 wrong usage, or a file cannot be read.`,
    load: async () => (await import('./audit.ts')).auditFolder,
  },
  {
    name: 'acta check',
    about: 'compare the file of an agency with the line of the agency in the acta de cierre',
    takes: [
      option('--acta <file>', 'the acta de cierre').makeOptionMandatory(),
      number('--agency <number>', 'id of the agency', 1, AGENCY_MAX).makeOptionMandatory(),
      option(
        '--file <file>',
        'the bets of the agency, as its client sends them',
      ).makeOptionMandatory(),
      keyOption('--delimiter <character>', CLIENT_KEYS.fileDelimiter),
      keyOption('--encoding <name>', CLIENT_KEYS.fileEncoding),
    ],
    details: `
Computes the number and the SHA-256 of the rows that the central stores for the file. Skips lines
that are not bets, like an upload with file.invalid skip.

Exit codes: 0 the file matches the acta, 1 it does not, 2 wrong usage, or a file cannot be read.`,
    load: async () => (await import('./acta.ts')).checkActa,
  },
  {
    name: 'export',
    about: 'write all bets of the store to a file, and a seal beside it; also while servers run',
    takes: [
      argument(
        '<file>',
        'where to write the rows, in the format of bets.csv; the seal is <file>.seal',
      ),
      CONFIG_INI,
      option('--force', 'overwrite the file and its seal'),
    ],
    details: `
The store is that of the server's configuration (config.ini, environment): the bets.csv of
DATA_DIR, or the database of SERVER_STORE=postgres://…. It is not changed. The seal is JSON: state,
number of bets, bytes and sha256 of the file and, after the draw, its time, bytes, sha256 and
winners per agency.

Exit codes: 0 done, 1 failed, or the file is not what was drawn, 2 wrong usage or configuration.`,
    load: async () => (await import('./export.ts')).exportBets,
  },
  {
    name: 'schema',
    about:
      'print the SQL of the tables of SERVER_STORE=postgres://…, for the owner of the database',
    takes: [
      option('--role <name>', 'role of the servers, which is granted access').default('loteria'),
    ],
    load: async () => (await import('./stores/postgres.ts')).printSchema,
  },
  {
    name: 'certs',
    about: 'create a certificate authority, and certificates of a server and its agencies, for TLS',
    takes: [
      argument(
        '<folder>',
        'where to write; created if it is missing, nothing in it is overwritten',
      ),
      number('--agencies <number>', 'agencies 1 to this one', 0, AGENCIES_MAX, 5),
      number('--days <number>', 'validity', 1, DAYS_MAX, 365),
      option('--host <name>', 'another name or address of the server; may be repeated')
        .argParser(hostNames)
        .default([], 'none'),
    ],
    load: async () => (await import('./certs.ts')).certs,
  },
  {
    name: 'bench',
    about:
      'measure how fast a server stores bets; without --server, our own in a temporary folder, and a program that only receives, writes and syncs',
    takes: [
      option('--server <host:port>', 'a running server that speaks the base protocol'),
      number('--connections <number>', 'connections', 1, CONNECTIONS_MAX, 5),
      number(
        '--agencies <number>',
        'they speak for the agencies 1 to this one',
        1,
        AGENCIES_MAX,
        5,
      ),
      number('--window <number>', 'unanswered batches of a connection', 1, WINDOW_MAX, 64),
      number('--batch <number>', 'bets in a batch', 1, BATCH_MAX, 130),
      number('--bets <number>', 'bets in total, in whole batches', 1, BETS_MAX, 2_000_000),
      number(
        '--warm-up <number>',
        'bets before that, which are not measured',
        0,
        BETS_MAX,
        200_000,
      ),
      option('--end', 'finish the agencies afterwards, so that the server holds its draw'),
      JSON_LINE,
    ],
    details: `
Benchmarks write real bets: use a server with a disposable DATA_DIR.`,
    load: async () => (await import('./bench.ts')).bench,
  },
  {
    name: 'completion',
    about: 'print a script with which a shell completes commands and options',
    takes: [argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish'])],
    details: `
To be read when the shell starts: source <(loteria completion bash) in ~/.bashrc, the same with zsh
after compinit in ~/.zshrc, and loteria completion fish | source in ~/.config/fish/config.fish.`,
    load: async program => (await import('./completion.ts')).completionOf(program),
  },
];

/** @param other the option with which these conflict */
function datasetOptions(other: string): Option[] {
  return [
    number('--agencies <number>', 'agencies of the dataset', 1, AGENCIES_MAX, 5).conflicts(other),
    number('--bets <number>', 'bets of the dataset in total', 0, BETS_MAX, 78_000).conflicts(other),
    number('--seed <number>', 'the same seed makes the same bets', 0, SEED_MAX, 7574).conflicts(
      other,
    ),
    number(
      '--winners <number>',
      'winners of each agency; default: one in 10,000 bets, at least one',
      0,
      BETS_MAX,
    ).conflicts(other),
  ];
}

/** An option with the values of a configuration key. */
function keyOption<Value>(
  flags: string,
  { about, allowed, default: text, parse }: Key<Value>,
): Option {
  const read = (given: string): Value => {
    const value = parse(given);
    if (value === undefined || value instanceof NotAllowed)
      throw new InvalidArgumentError(`Allowed: ${allowed}.`);
    return value;
  };
  return option(flags, about).argParser(read).default(read(text!), text);
}

/** A variable that is not set makes an empty argument (`loteria audit "$FOLDER"`). */
function notEmpty(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('It is empty.');
}

function integer(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`A whole number from ${min} to ${max} is expected.`);
  };
}

/** Collects the names of an option that may be repeated. */
function hostNames(text: string, before: readonly string[]): string[] {
  if (isIP(text) > 0 || /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*$/.test(text)) return [...before, text];
  throw new InvalidArgumentError('The name of a host or an IP address is expected.');
}

/** Lists the keys of a configuration file and the environment variables that override them. */
function keysHelp(file: string, keys: readonly Key<unknown>[]): string {
  const lines = keys.map(key => {
    const names = key.env[0] === key.name ? key.name : `${key.name}, ${key.env[0]}`;
    return `  ${names}\n      ${key.about}\n      ${key.allowed}; ${describeDefault(key)}`;
  });
  return `\nConfiguration (${file}; the environment overrides it):\n${lines.join('\n')}`;
}
