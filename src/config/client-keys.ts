import { AGENCY_MAX, parseAgency } from '../lottery/bet-rules.ts';
import { ENCODINGS } from '../lottery/encoding.ts';
import { type ConfiguredLevel, LOG_LEVELS_ALLOWED, parseLogLevel } from '../observe/log-level.ts';
import { AGENCY_PROTOCOLS, parseProtocol } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { parseDuration, parseWait, WAIT } from './duration.ts';
import { keysNamed, oneOf, PATH, whole } from './keys.ts';
import { ADDRESSES_ALLOWED, parseAddresses } from './server-address.ts';

const { key, optional } = keysNamed(name => `CLI_${name.toUpperCase().replaceAll('.', '_')}`);

/** The keys of `config.yaml`, where `a.b` is key `b` under `a`. `CLI_A_B` overrides `a.b`. */
export const CLIENT_KEYS = {
  id: key(
    'id',
    { allowed: `1 to ${AGENCY_MAX}`, parse: parseAgency },
    undefined,
    'id of the agency',
  ),
  mode: key('mode', oneOf('lottery', 'echo'), 'lottery', 'echo for exercises 1 to 4'),
  addresses: key(
    'server.address',
    { allowed: ADDRESSES_ALLOWED, parse: parseAddresses },
    undefined,
    'address of the central; or of several servers of one store: agency N begins with server N, modulo their number, and takes the next one on a failure',
  ),
  loopAmount: key(
    'loop.amount',
    { ...whole(0, Number.MAX_SAFE_INTEGER), allowed: '0 or more' },
    '5',
    'number of echo messages',
  ),
  loopPeriod: key(
    'loop.period',
    { allowed: WAIT.allowed, parse: parseConfiguredDuration },
    '5s',
    'pause between echo messages; longest pause between two requests for the winners',
  ),
  logLevel: key<ConfiguredLevel>(
    'log.level',
    { allowed: LOG_LEVELS_ALLOWED, parse: parseLogLevel },
    'INFO',
    'lowest level that is logged',
  ),
  logFormat: {
    ...key(
      'log.format',
      oneOf('text', 'json'),
      'text',
      "the assignment's lines, or the same facts as JSON lines",
    ),
    env: ['CLI_LOG_FORMAT', 'LOG_FORMAT'],
  },
  logProgressMs: key('log.progress', WAIT, '5s', 'interval of the progress of a long upload'),
  batchAmountMax: key(
    'batch.maxAmount',
    whole(1, 100_000),
    '130',
    'bets in a batch; fewer if it would exceed 8 kB',
  ),
  batchWindow: optional(
    'batch.window',
    whole(1, 1024),
    'batches in flight; 64 when not set, but 1 for every protocol except resumable, because the fate of unanswered batches is unknown after a lost connection; csv-frames allows only 1',
  ),
  answerTimeoutMs: key(
    'answer.timeout',
    WAIT,
    `${DEFAULT_LIMITS.answerTimeoutMs / 1000}s`,
    'time for an answer, or for 512 bytes of it; for the first answer of a connection the limit is retry.maxElapsed, because a server may serve one agency at a time',
  ),
  file: key(
    'file.name',
    PATH,
    'agency.csv',
    "the agency's bets: lines of nombre,apellido,documento,nacimiento,numero",
  ),
  fileDelimiter: key(
    'file.delimiter',
    {
      allowed: 'one ASCII character that is no quote and no line end, or \\t',
      parse: parseDelimiter,
    },
    ',',
    'separator of the fields of a line',
  ),
  fileEncoding: key('file.encoding', oneOf(...ENCODINGS), 'utf-8', 'encoding of the file'),
  fileInvalid: key(
    'file.invalid',
    oneOf('refuse', 'skip'),
    'refuse',
    'for a file with invalid lines: refuse sends nothing; skip sends the other lines and writes the invalid ones to REJECTED- and the name of the file, in the working directory',
  ),
  fileAllowEmpty: key(
    'file.allowEmpty',
    {
      allowed: 'true or false',
      parse: text =>
        (({ true: true, false: false }) as Record<string, boolean>)[text.toLowerCase()],
    },
    'false',
    'whether a file without bets finishes the agency',
  ),
  winnersFile: optional(
    'winners.file',
    PATH,
    "file for the documents of the agency's winners, one per line, with mode 0600; the acta de cierre is written beside it, with .acta after its name",
  ),
  protocol: key(
    'protocol',
    {
      allowed: `${AGENCY_PROTOCOLS.join(', ')}; tp0 is another name of base`,
      parse: parseProtocol,
    },
    'resumable',
    'dialect of the central; only resumable uploads survive every failure',
  ),
  tlsCa: optional(
    'tls.ca',
    PATH,
    "authority of the server's certificate in PEM; turns TLS on, and the certificate must name the host of server.address",
  ),
  tlsCert: optional(
    'tls.cert',
    PATH,
    "the agency's certificate in PEM, if the server requires one",
  ),
  tlsKey: optional('tls.key', PATH, 'the key of tls.cert in PEM, without passphrase'),
  retryMaxElapsedMs: key(
    'retry.maxElapsed',
    { allowed: 'a duration such as 30s or 1h30m; 0 is for ever', parse: parseDuration },
    '0',
    'how long to try to reach the central before giving up',
  ),
} as const;

/** The variables of exercise 5 in both spellings, in the order of a bet's fields. */
export const BET_VARIABLES = [
  ['NOMBRE', 'CLI_BET_NAME'],
  ['APELLIDO', 'CLI_BET_SURNAME'],
  ['DOCUMENTO', 'CLI_BET_DNI'],
  ['NACIMIENTO', 'CLI_BET_BIRTH'],
  ['NUMERO', 'CLI_BET_NUMBER'],
] as const;

/** A duration and its text, which the configuration line of the log repeats. */
function parseConfiguredDuration(text: string) {
  const milliseconds = parseWait(text);
  return milliseconds === undefined ? undefined : { milliseconds, text };
}

/** The byte of the delimiter. */
function parseDelimiter(text: string): number | undefined {
  if (text === '\\t') return 0x09;
  return /^[^"\r\n\0\u0080-\u{10ffff}]$/u.test(text) ? text.charCodeAt(0) : undefined;
}
