import { ConfigError } from './errors.ts';
import { oneOf } from './keys.ts';
import { ADDRESSES_MAX, type HostPort, parseHostPort } from './server-address.ts';

/** A replicated engine. */
export interface EngineAddress {
  readonly hosts: readonly HostPort[];
  readonly database: string;
  /** Undefined: the user of the process. */
  readonly user: string | undefined;
  /** Undefined: `PGPASSWORD`, else the file `.pgpass`. */
  readonly password: string | undefined;
  readonly tls: EngineTls | undefined;
}

/** TLS to the engine; paths of files in PEM. */
interface EngineTls {
  /** Whether certificate and host name are verified. */
  readonly verify: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export const SYNC_MODES = ['quorum', 'single'] as const;

export type StoreSync = (typeof SYNC_MODES)[number];

export type StoreChoice =
  | { readonly kind: 'csv' }
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'postgres';
      readonly engine: EngineAddress;
      /** Name of the lottery in the database. */
      readonly lottery: string;
      readonly sync: StoreSync;
    };

export const STORE_ALLOWED =
  'csv, memory, or postgres://user@host:port,host:port,…/database, with ?sslmode=verify-full&sslrootcert=ca.pem for TLS';

const ENGINE_PORT = 5432;

const LOTTERY = 'LOTERIA';

/** As in `libpq`: no TLS, TLS without verification of the server, TLS with it. */
const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
const SSL_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

const { parse: parseKind } = oneOf('csv', 'memory');

export function parseStore(text: string): 'csv' | 'memory' | EngineAddress | undefined {
  return (parseKind(text) as 'csv' | 'memory' | undefined) ?? parseEngine(text);
}

/** `postgres://user:password@host:port,host:port/database?parameters` */
function parseEngine(text: string): EngineAddress | undefined {
  const [, user, password, list = '', database, query = ''] =
    /^postgres(?:ql)?:\/\/(?:([^:@/?,]+)(?::([^@/?]*))?@)?([^@/?]+)\/([^@/?]+)(?:\?(.*))?$/.exec(
      text,
    ) ?? [];
  const hosts = list.split(',').map(host => parseHostPort(host.trim(), ENGINE_PORT));
  const tls = parseTls(new URLSearchParams(query));
  if (database === undefined || tls === 'wrong' || hosts.length > ADDRESSES_MAX) return undefined;
  try {
    const [name, word, base] = [user, password, database].map(
      part => part && decodeURIComponent(part),
    );
    const found = hosts.filter(host => host !== undefined);
    if (found.length < hosts.length) return undefined;
    return { hosts: found, database: base!, user: name, password: word, tls };
  } catch {
    // An invalid % escape.
    return undefined;
  }
}

function parseTls(parameters: URLSearchParams): EngineTls | 'wrong' | undefined {
  const [caFile, certFile, keyFile] = ['sslrootcert', 'sslcert', 'sslkey'].map(
    name => parameters.get(name) ?? undefined,
  );
  const isUsed = (caFile ?? certFile ?? keyFile) !== undefined;
  const text = parameters.get('sslmode') ?? (isUsed ? 'verify-full' : 'disable');
  const mode = SSL_MODES.find(word => word === text);
  const isKnown = [...parameters.keys()].every(name => SSL_PARAMETERS.includes(name));
  const isWhole =
    (certFile === undefined) === (keyFile === undefined) && !(mode === 'disable' && isUsed);
  if (mode === undefined || !isKnown || !isWhole) return 'wrong';
  return mode === 'disable'
    ? undefined
    : { verify: mode === 'verify-full', caFile, certFile, keyFile };
}

export function parseLottery(text: string): string | undefined {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

/**
 * @param sync default: a quorum if there are several hosts, else one machine
 * @throws ConfigError if `lottery` or `sync` is given without an engine
 */
export function storeChoiceOf(
  store: 'csv' | 'memory' | EngineAddress,
  lottery: string | undefined,
  sync: StoreSync | undefined,
): StoreChoice {
  if (typeof store === 'object') {
    const usual = store.hosts.length > 1 ? 'quorum' : 'single';
    return { kind: 'postgres', engine: store, lottery: lottery ?? LOTTERY, sync: sync ?? usual };
  }
  for (const [key, value] of Object.entries({ STORE_SYNC: sync, STORE_LOTTERY: lottery })) {
    if (value === undefined) continue;
    throw new ConfigError(
      `${key} is set, and SERVER_STORE is ${store}, which has none: remove ${key}, or set SERVER_STORE to postgres://…`,
    );
  }
  return { kind: store };
}
