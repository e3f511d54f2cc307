import { AGENCY_MAX, parseAgency } from '../lottery/bet-rules.ts';
import { ENCODINGS } from '../lottery/encoding.ts';
import { parseDuration, parseWait, WAIT_ALLOWED } from './duration.ts';
import { anyText, choice, integer, type Key } from './keys.ts';
import { ADDRESSES_ALLOWED, parseAddresses } from './server-address.ts';
import { AGENCY_PROTOCOLS, parseProtocol } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { LOG_LEVELS_ALLOWED, parseLogLevel } from '../observe/log-level.ts';

/** A duration in milliseconds, and the text that gave it. */
interface ConfiguredDuration {
  readonly milliseconds: number;
  readonly text: string;
}

/**
 * What `config.yaml` may hold (`a.b` is key `b` under `a`); each is overridden by `CLI_` and its name in upper case with
 * `_` for the dot.
 */
export const CLIENT_KEYS = {
  id: key('id', {
    allowed: `1 to ${AGENCY_MAX}`,
    about: "the agency's id",
    parse: parseAgency,
  }),
  mode: key('mode', {
    default: 'lottery',
    allowed: 'lottery or echo',
    about: 'echo for exercises 1 to 4',
    parse: choice('lottery', 'echo'),
  }),
  addresses: key('server.address', {
    allowed: ADDRESSES_ALLOWED,
    about:
      'where the central listens; several are servers in front of one store: agency N begins with number N, counted round, and goes on to the next when one fails',
    parse: parseAddresses,
  }),
  loopAmount: key('loop.amount', {
    default: '5',
    allowed: '0 or more',
    about: 'messages that the echo client sends',
    parse: integer(0, Number.MAX_SAFE_INTEGER),
  }),
  loopPeriod: key('loop.period', {
    default: '5s',
    allowed: WAIT_ALLOWED,
    about: 'wait between echo messages; longest wait between two questions for the winners',
    parse: parseConfiguredDuration,
  }),
  logLevel: key('log.level', {
    default: 'INFO',
    allowed: LOG_LEVELS_ALLOWED,
    about: 'the least important lines to log',
    parse: parseLogLevel,
  }),
  logFormat: {
    ...key('log.format', {
      default: 'text',
      allowed: 'text or json',
      about: "the assignment's lines, or the same facts as JSON lines",
      parse: choice('text', 'json'),
    }),
    env: ['CLI_LOG_FORMAT', 'LOG_FORMAT'],
  },
  logProgressMs: key('log.progress', {
    default: '5s',
    allowed: WAIT_ALLOWED,
    about: 'how often a long upload says how far it is',
    parse: parseWait,
  }),
  batchAmountMax: key('batch.maxAmount', {
    default: '130',
    allowed: '1 to 100000',
    about: 'bets in a batch; it is cut earlier where it would be longer than 8 kB',
    parse: integer(1, 100_000),
  }),
  batchWindow: {
    ...key('batch.window', {
      allowed: '1 to 1024',
      about:
        'batches that may be unanswered; 64 when not set, 1 with every protocol but resumable, for there the fate of so many is unknown after a broken connection; csv-frames takes 1 only',
      parse: integer(1, 1024),
    }),
    optional: true,
  },
  answerTimeoutMs: key('answer.timeout', {
    default: `${DEFAULT_LIMITS.answerTimeoutMs / 1000}s`,
    allowed: WAIT_ALLOWED,
    about:
      'how long to wait for an answer, or for 512 bytes of it; a server that has not answered anything on a connection yet may be serving another agency and is waited for until retry.maxElapsed',
    parse: parseWait,
  }),
  file: key('file.name', {
    default: 'agency.csv',
    allowed: 'a path',
    about: "the agency's bets, nombre,apellido,documento,nacimiento,numero on each line",
    parse: anyText,
  }),
  fileDelimiter: key('file.delimiter', {
    default: ',',
    allowed: 'one ASCII character that is no quote and no line end, or \\t',
    about: 'what separates the fields of a line',
    parse: parseDelimiter,
  }),
  fileEncoding: key('file.encoding', {
    default: 'utf-8',
    allowed: ENCODINGS.join(', '),
    about: 'the encoding of the file',
    parse: choice(...ENCODINGS),
  }),
  fileInvalid: key('file.invalid', {
    default: 'refuse',
    allowed: 'refuse or skip',
    about:
      'what to do about lines that are no bets: refuse sends nothing; skip sends the other lines and writes these to REJECTED-FILE, named after it, in the working directory',
    parse: choice('refuse', 'skip'),
  }),
  fileAllowEmpty: key('file.allowEmpty', {
    default: 'false',
    allowed: 'true or false',
    about: 'whether a file without any bet finishes the agency',
    parse: text => (({ true: true, false: false }) as Record<string, boolean>)[text.toLowerCase()],
  }),
  winnersFile: {
    ...key('winners.file', {
      allowed: 'a path',
      about:
        "where the documents of the agency's winners are written, one a line, for the owner of the process alone; nowhere when not set",
      parse: anyText,
    }),
    optional: true,
  },
  protocol: key('protocol', {
    default: 'resumable',
    allowed: `${AGENCY_PROTOCOLS.join(', ')}; tp0 is another name of base`,
    about: 'the language of the central; an upload survives everything when it is resumable',
    parse: parseProtocol,
  }),
  tlsCa: pathKey(
    'tls.ca',
    "who signs the server's certificate, in PEM; with it the connection is TLS, and the host of server.address must be one that the certificate names",
  ),
  tlsCert: pathKey('tls.cert', "the agency's certificate in PEM, where the server asks for one"),
  tlsKey: pathKey('tls.key', 'the key of tls.cert in PEM, without passphrase'),
  retryMaxElapsedMs: key('retry.maxElapsed', {
    default: '0',
    allowed: 'a duration such as 30s or 1h30m; 0 is for ever',
    about: 'how long to try to reach the central before giving up',
    parse: parseDuration,
  }),
} as const;

/** The names of the five variables of exercise 5, both spellings, in the order of a bet's fields. */
export const BET_VARIABLES = [
  ['NOMBRE', 'CLI_BET_NAME'],
  ['APELLIDO', 'CLI_BET_SURNAME'],
  ['DOCUMENTO', 'CLI_BET_DNI'],
  ['NACIMIENTO', 'CLI_BET_BIRTH'],
  ['NUMERO', 'CLI_BET_NUMBER'],
] as const;

function key<Value>(name: string, rest: Omit<Key<Value>, 'name' | 'env'>): Key<Value> {
  return { name, env: [`CLI_${name.toUpperCase().replaceAll('.', '_')}`], ...rest };
}

function pathKey(name: string, about: string): Key<string> & { readonly optional: true } {
  return { ...key(name, { allowed: 'a path', about, parse: anyText }), optional: true };
}

function parseConfiguredDuration(text: string): ConfiguredDuration | undefined {
  const milliseconds = parseWait(text);
  return milliseconds === undefined ? undefined : { milliseconds, text };
}

/** The byte of the delimiter. */
function parseDelimiter(text: string): number | undefined {
  if (text === '\\t') return 0x09;
  return /^[^"\r\n\0\u0080-\u{10ffff}]$/u.test(text) ? text.charCodeAt(0) : undefined;
}
