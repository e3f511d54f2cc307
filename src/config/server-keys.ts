import { parseAgencies } from '../lottery/agency-ranges.ts';
import { AGENCY_MAX } from '../lottery/bet-rules.ts';
import { LISTENER_DIALECTS, type ListenerDialect, parseListenerDialect } from '../wire/dialect-names.ts';
import { DEFAULT_LIMITS } from '../wire/limits.ts';
import { parseDuration, parseWait, WAIT_ALLOWED } from './duration.ts';
import { anyText, choice, integer, type Key, NotAllowed } from './keys.ts';
import { parseLottery, parseStore, STORE_ALLOWED, SYNC_MODES } from './store-choice.ts';
import { type ConfiguredLevel, LOG_LEVELS_ALLOWED, parseLogLevel } from '../observe/log-level.ts';

/** A port, and what is spoken there. */
export interface ConfiguredListener {
  readonly dialect: ListenerDialect;
  readonly port: number;
}

const PORT_MAX = 65_535;
const seconds = (milliseconds: number): string => `${milliseconds / 1000}s`;

/** What `config.ini` may hold; each is overridden by the environment variable of the same name. */
export const SERVER_KEYS = {
  port: optionalKey('SERVER_PORT', {
    allowed: `0 to ${PORT_MAX}; 0 takes any free port`,
    about: 'the port to listen on, which must be given unless SERVER_LISTENERS is',
    parse: integer(0, PORT_MAX),
  }),
  listeners: optionalKey('SERVER_LISTENERS', {
    allowed: `dialect:port,dialect:port,… with ${LISTENER_DIALECTS.join(', ')}; base is another name of tp0`,
    about:
      'ports for agencies that speak other dialects, in place of SERVER_PORT, which is tp0; one draw over all of them',
    parse: parseListeners,
  }),
  ip: key('SERVER_IP', {
    default: 'server',
    allowed: 'a name or address',
    about: 'the name by which clients find the server; not what it binds to (see SERVER_HOST)',
    parse: anyText,
  }),
  host: optionalKey('SERVER_HOST', {
    allowed: 'an address of this machine',
    about: 'the interface to bind to; every one when not set',
    parse: anyText,
  }),
  backlog: key('SERVER_LISTEN_BACKLOG', {
    default: '511',
    allowed: '1 to 65535',
    about: 'connections that may wait to be accepted; many that come at once are reset beyond it',
    parse: integer(1, 65_535),
  }),
  logLevel: key<ConfiguredLevel>('LOGGING_LEVEL', {
    default: 'INFO',
    allowed: LOG_LEVELS_ALLOWED,
    about: 'the least important lines to log',
    parse: parseLogLevel,
  }),
  logFormat: key('LOG_FORMAT', {
    default: 'text',
    allowed: 'text or json',
    about: "the assignment's lines, or the same facts as JSON lines",
    parse: choice('text', 'json'),
  }),
  mode: key('SERVER_MODE', {
    default: 'lottery',
    allowed: 'lottery or echo',
    about: 'echo for exercises 1 to 4',
    parse: choice('lottery', 'echo'),
  }),
  numberAgencies: key('NUMBER_AGENCIES', {
    default: '5',
    allowed: `0 to ${AGENCY_MAX}`,
    about: 'the draw waits for the agencies 1 to this number',
    parse: integer(0, AGENCY_MAX),
  }),
  agencies: optionalKey('AGENCIES', {
    allowed: 'ids and ranges of ids such as 1,2,7-9',
    about: 'the agencies that the draw waits for, in place of NUMBER_AGENCIES',
    parse: parseIds,
  }),
  dataDirectory: key('DATA_DIR', {
    default: '.',
    allowed: 'an existing folder',
    about: 'where bets.csv and bets.journal are kept: of one server alone',
    parse: anyText,
  }),
  store: key('SERVER_STORE', {
    default: 'csv',
    allowed: STORE_ALLOWED,
    about:
      'where bets are kept: csv in DATA_DIR; postgres:// in a database, which several servers share; memory forgets them when the server ends and is for trying things out',
    parse: parseStore,
  }),
  storeLottery: key('STORE_LOTTERY', {
    default: 'LOTERIA',
    allowed: 'letters, digits, - and _, up to 64',
    about: 'name of this lottery in the database, the same for every server of it',
    parse: parseLottery,
  }),
  storeSync: optionalKey('STORE_SYNC', {
    allowed: 'quorum or single',
    about:
      'what an acknowledgement means: synced by the primary and its synchronous standbys, which is refused where it waits for none, or by one machine; quorum where SERVER_STORE names several hosts',
    parse: choice(...SYNC_MODES),
  }),
  actaKey: optionalKey('ACTA_KEY', {
    allowed: 'a path',
    about:
      "the auditor's Ed25519 public key in PEM; with it the draw waits for a signature of acta.txt, in acta.sig beside it",
    parse: anyText,
  }),
  closeHoldMs: key('CLOSE_HOLD', {
    default: '0',
    allowed: '0 or a duration such as 10m, at most 168h',
    about: 'how long the draw waits after the close, so that operator and agencies can look at the acta',
    parse: text => (parseDuration(text) === 0 ? 0 : parseWait(text)),
  }),
  tlsCert: optionalKey('TLS_CERT', {
    allowed: 'a path',
    about:
      "the server's certificate in PEM, with those that lead to its signer; with it every port speaks TLS",
    parse: anyText,
  }),
  tlsKey: optionalKey('TLS_KEY', {
    allowed: 'a path',
    about: 'the key of TLS_CERT in PEM, without passphrase',
    parse: anyText,
  }),
  tlsClientCa: optionalKey('TLS_CLIENT_CA', {
    allowed: 'a path',
    about:
      'who signs the certificates of agencies, in PEM; with it an agency must show one, CN=agency-N for agency N',
    parse: anyText,
  }),
  httpPort: optionalKey('HTTP_PORT', {
    allowed: `0 to ${PORT_MAX}; 0 takes any free port`,
    about: "the port of the operator's page, of /metrics, /healthz and /readyz; there is none when not set",
    parse: integer(0, PORT_MAX),
  }),
  httpHost: key('HTTP_HOST', {
    default: '127.0.0.1',
    allowed: 'an address of this machine',
    about: 'the interface that HTTP_PORT is bound to: whoever reaches it may see the page',
    parse: anyText,
  }),
  connectionsMax: key('CONNECTIONS_MAX', {
    default: String(DEFAULT_LIMITS.connectionsMax),
    allowed: '1 to 65535',
    about: 'open connections in all',
    parse: integer(1, 65_535),
  }),
  agencyConnectionsMax: key('AGENCY_CONNECTIONS_MAX', {
    default: String(DEFAULT_LIMITS.agencyConnectionsMax),
    allowed: '1 to 65535',
    about: 'open connections of one agency',
    parse: integer(1, 65_535),
  }),
  unansweredMax: key('UNANSWERED_MAX', {
    default: String(DEFAULT_LIMITS.unansweredMax),
    allowed: '1 to 65535',
    about: 'unanswered requests of one connection; beyond, it is not read from',
    parse: integer(1, 65_535),
  }),
  payloadBytesMax: key('PAYLOAD_BYTES_MAX', {
    default: String(DEFAULT_LIMITS.payloadBytesMax),
    allowed: '1024 to 1048576',
    about: 'longest payload of a message, in bytes',
    parse: integer(1024, 1_048_576),
  }),
  firstMessageTimeoutMs: durationKey(
    'FIRST_MESSAGE_TIMEOUT',
    seconds(DEFAULT_LIMITS.firstMessageTimeoutMs),
    `time for the first message of a connection, or for ${DEFAULT_LIMITS.progressBytesMin} bytes of it`,
  ),
  messageTimeoutMs: durationKey(
    'MESSAGE_TIMEOUT',
    seconds(DEFAULT_LIMITS.messageTimeoutMs),
    `time for the rest of a message that has begun, or for ${DEFAULT_LIMITS.progressBytesMin} bytes of it`,
  ),
  idleTimeoutMs: durationKey('IDLE_TIMEOUT', '5m', 'time without any message'),
  pingIntervalMs: durationKey(
    'PING_INTERVAL',
    seconds(DEFAULT_LIMITS.pingIntervalMs),
    'how often an agency that waits for the draw is told that the central is there',
  ),
  unreadTimeoutMs: durationKey(
    'UNREAD_TIMEOUT',
    '5m',
    'time in which a peer takes 64 kB of the answers that wait for it',
  ),
  stopTimeoutMs: durationKey(
    'STOP_TIMEOUT',
    seconds(DEFAULT_LIMITS.stopTimeoutMs),
    'time for accepted requests to be answered when the server is asked to stop',
  ),
} as const;

function key<Value>(name: string, rest: Omit<Key<Value>, 'name' | 'env'>): Key<Value> {
  return { name, env: [name], ...rest };
}

function optionalKey<Value>(
  name: string,
  rest: Omit<Key<Value>, 'name' | 'env' | 'optional'>,
): Key<Value> & { readonly optional: true } {
  return { name, env: [name], optional: true, ...rest };
}

function durationKey(name: string, text: string, about: string): Key<number> {
  return key(name, {
    default: text,
    allowed: WAIT_ALLOWED,
    about,
    parse: parseWait,
  });
}

/** `tp0:12345,push-codes:12346`. A port has one dialect; 0 is another free one each time. */
function parseListeners(text: string): ConfiguredListener[] | NotAllowed | undefined {
  const listeners: ConfiguredListener[] = [];
  for (const part of text.split(',')) {
    const [name = '', digits = '', ...rest] = part.trim().split(':');
    const dialect = parseListenerDialect(name);
    const port = integer(0, PORT_MAX)(digits);
    if (dialect === undefined || port === undefined || rest.length > 0) {
      const names = LISTENER_DIALECTS.join(', ');
      return new NotAllowed(
        `'${part.trim()}' is not dialect:port with one of ${names} (base is another name of tp0) and a port from 0 to ${PORT_MAX}`,
      );
    }
    if (port !== 0 && listeners.some(other => other.port === port)) {
      return new NotAllowed(`port ${port} is there twice: each port has one dialect`);
    }
    listeners.push({ dialect, port });
  }
  return listeners;
}

/** `1,2,7-9` as the ids 1, 2, 7, 8, 9. */
function parseIds(text: string): number[] | NotAllowed | undefined {
  const agencies = parseAgencies(text);
  if (typeof agencies === 'string') return new NotAllowed(agencies);
  return agencies?.length === 0 ? undefined : agencies;
}
