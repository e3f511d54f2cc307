import { parseAgencies } from '../lottery/agency-ranges.ts';
import { AGENCY_MAX } from '../lottery/bet-rules.ts';
import { type ConfiguredLevel, LOG_LEVELS_ALLOWED, parseLogLevel } from '../observe/log-level.ts';
import {
  LISTENER_DIALECTS,
  type ListenerDialect,
  parseListenerDialect,
} from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { parseDuration, parseWait, WAIT } from './duration.ts';
import { anyText, keysNamed, NotAllowed, oneOf, PATH, PORT, PORT_MAX, whole } from './keys.ts';
import { parseLottery, parseStore, STORE_ALLOWED, SYNC_MODES } from './store-choice.ts';

/** A port and its dialect. */
export interface ConfiguredListener {
  readonly dialect: ListenerDialect;
  readonly port: number;
}

const { key, optional } = keysNamed(name => name);
const seconds = (milliseconds: number): string => `${milliseconds / 1000}s`;
const COUNT = whole(1, 65_535);
const { progressBytesMin } = DEFAULT_LIMITS;
const DIALECTS = LISTENER_DIALECTS.join(', ');

/** The keys of `config.ini`; each is overridden by the environment variable of the same name. */
export const SERVER_KEYS = {
  port: optional('SERVER_PORT', PORT, 'port to listen on; required unless SERVER_LISTENERS is set'),
  listeners: optional(
    'SERVER_LISTENERS',
    {
      allowed: `dialect:port,dialect:port,… with ${DIALECTS}; base is another name of tp0`,
      parse: parseListeners,
    },
    'ports for other dialects, instead of SERVER_PORT, which is tp0; all of them share one draw',
  ),
  ip: key(
    'SERVER_IP',
    anyText('a name or address'),
    'server',
    'name by which clients find the server; not the address to bind to (see SERVER_HOST)',
  ),
  host: optional(
    'SERVER_HOST',
    anyText('an address of this machine'),
    'interface to bind to; all of them when not set',
  ),
  backlog: key(
    'SERVER_LISTEN_BACKLOG',
    COUNT,
    '511',
    'connections that may wait to be accepted; the system resets further ones',
  ),
  logLevel: key<ConfiguredLevel>(
    'LOGGING_LEVEL',
    { allowed: LOG_LEVELS_ALLOWED, parse: parseLogLevel },
    'INFO',
    'lowest level that is logged',
  ),
  logFormat: key(
    'LOG_FORMAT',
    oneOf('text', 'json'),
    'text',
    "the assignment's lines, or the same facts as JSON lines",
  ),
  mode: key('SERVER_MODE', oneOf('lottery', 'echo'), 'lottery', 'echo for exercises 1 to 4'),
  numberAgencies: key(
    'NUMBER_AGENCIES',
    whole(0, AGENCY_MAX),
    '5',
    'the draw waits for the agencies 1 to this number',
  ),
  agencies: optional(
    'AGENCIES',
    { allowed: 'ids and ranges of ids such as 1,2,7-9', parse: parseIds },
    'agencies that the draw waits for, instead of NUMBER_AGENCIES',
  ),
  dataDirectory: key(
    'DATA_DIR',
    anyText('an existing folder'),
    '.',
    'folder of bets.csv and bets.journal; every server needs its own',
  ),
  store: key(
    'SERVER_STORE',
    { allowed: STORE_ALLOWED, parse: parseStore },
    'csv',
    'where bets are stored: csv in DATA_DIR; postgres:// in a database that several servers share; memory, for experiments, loses them when the server ends',
  ),
  storeLottery: optional(
    'STORE_LOTTERY',
    { allowed: 'letters, digits, - and _, up to 64', parse: parseLottery },
    'name of the lottery in the database of SERVER_STORE, the same on each of its servers; LOTERIA when not set',
  ),
  storeSync: optional(
    'STORE_SYNC',
    oneOf(...SYNC_MODES),
    'meaning of an acknowledgement: synced by the primary and a synchronous standby, or by one machine; default: quorum if SERVER_STORE names several hosts',
  ),
  actaKey: optional(
    'ACTA_KEY',
    PATH,
    "the auditor's Ed25519 public key in PEM; the draw then waits for acta.sig, a signature of acta.txt in the same folder",
  ),
  closeHoldMs: key(
    'CLOSE_HOLD',
    {
      allowed: '0 or a duration such as 10m, at most 168h',
      parse: text => (parseDuration(text) === 0 ? 0 : parseWait(text)),
    },
    '0',
    'time between the close and the draw, in which operator and agencies can check the acta',
  ),
  tlsCert: optional(
    'TLS_CERT',
    PATH,
    "the server's certificate and its chain in PEM; every port then requires TLS",
  ),
  tlsKey: optional('TLS_KEY', PATH, 'the key of TLS_CERT in PEM, without passphrase'),
  tlsClientCa: optional(
    'TLS_CLIENT_CA',
    PATH,
    'authority of client certificates in PEM; agency N then needs a certificate with CN=agency-N',
  ),
  httpPort: optional(
    'HTTP_PORT',
    PORT,
    "port of the operator's page, of /metrics, /healthz and /readyz; off when not set",
  ),
  httpHost: key(
    'HTTP_HOST',
    anyText('an address of this machine'),
    '127.0.0.1',
    'interface that HTTP_PORT is bound to; the page has no login',
  ),
  httpNames: optional(
    'HTTP_NAMES',
    { allowed: 'names separated by commas, such as central.example,server1', parse: parseNames },
    'names under which HTTP_PORT is reached, besides localhost, addresses and HTTP_HOST; requests for others are refused (421), probes excepted',
  ),
  connectionsMax: key(
    'CONNECTIONS_MAX',
    COUNT,
    String(DEFAULT_LIMITS.connectionsMax),
    'open connections in total',
  ),
  agencyConnectionsMax: key(
    'AGENCY_CONNECTIONS_MAX',
    COUNT,
    String(DEFAULT_LIMITS.agencyConnectionsMax),
    'open connections of an agency',
  ),
  unansweredMax: key(
    'UNANSWERED_MAX',
    COUNT,
    String(DEFAULT_LIMITS.unansweredMax),
    'unanswered requests of a connection; reading from it pauses at this number',
  ),
  payloadBytesMax: key(
    'PAYLOAD_BYTES_MAX',
    whole(1024, 1_048_576),
    String(DEFAULT_LIMITS.payloadBytesMax),
    'longest payload of a message, in bytes',
  ),
  firstMessageTimeoutMs: key(
    'FIRST_MESSAGE_TIMEOUT',
    WAIT,
    seconds(DEFAULT_LIMITS.firstMessageTimeoutMs),
    `time for the first message of a connection, or for ${progressBytesMin} bytes of it`,
  ),
  messageTimeoutMs: key(
    'MESSAGE_TIMEOUT',
    WAIT,
    seconds(DEFAULT_LIMITS.messageTimeoutMs),
    `time for the rest of a message, or for ${progressBytesMin} bytes of it`,
  ),
  idleTimeoutMs: key('IDLE_TIMEOUT', WAIT, '5m', 'time without any message'),
  pingIntervalMs: key(
    'PING_INTERVAL',
    WAIT,
    seconds(DEFAULT_LIMITS.pingIntervalMs),
    'interval of PING to an agency that waits for the draw',
  ),
  unreadTimeoutMs: key(
    'UNREAD_TIMEOUT',
    WAIT,
    '5m',
    'time in which a peer must read 64 kB of its answers',
  ),
  stopTimeoutMs: key(
    'STOP_TIMEOUT',
    WAIT,
    seconds(DEFAULT_LIMITS.stopTimeoutMs),
    'time to answer accepted requests after SIGTERM',
  ),
} as const;

/** `tp0:12345,push-codes:12346`. Ports must differ, except 0. */
function parseListeners(text: string): ConfiguredListener[] | NotAllowed {
  const listeners: ConfiguredListener[] = [];
  for (const part of text.split(',')) {
    const [name = '', digits = '', ...rest] = part.trim().split(':');
    const dialect = parseListenerDialect(name);
    const port = PORT.parse(digits);
    if (dialect === undefined || typeof port !== 'number' || rest.length > 0) {
      return new NotAllowed(
        `'${part.trim()}' is not dialect:port with one of ${DIALECTS} (base is another name of tp0) and a port from 0 to ${PORT_MAX}`,
      );
    }
    if (port !== 0 && listeners.some(other => other.port === port)) {
      return new NotAllowed(`port ${port} is there twice: each port has one dialect`);
    }
    listeners.push({ dialect, port });
  }
  return listeners;
}

function parseNames(text: string): string[] | undefined {
  const names = text.split(',').map(name => name.trim());
  return names.every(name => /^[a-z\d_.-]+$/i.test(name)) ? names : undefined;
}

/** `1,2,7-9` as the ids 1, 2, 7, 8, 9. */
function parseIds(text: string): number[] | NotAllowed | undefined {
  const agencies = parseAgencies(text);
  if (typeof agencies === 'string') return new NotAllowed(agencies);
  return agencies?.length === 0 ? undefined : agencies;
}
