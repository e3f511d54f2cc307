import { ConfigError } from './errors.ts';
import { choice } from './keys.ts';

/** A replicated engine, as `SERVER_STORE` has it. */
export interface EngineAddress {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  /** Undefined: whoever the process runs as. */
  readonly user: string | undefined;
  /** Undefined: `PGPASSWORD`, else the file `.pgpass`. */
  readonly password: string | undefined;
  readonly tls: EngineTls | undefined;
}

/** How the engine is reached over TLS; paths of files in PEM. */
interface EngineTls {
  /** Whether certificate and host name are verified. */
  readonly verify: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export const SYNC_MODES = ['quorum', 'single'] as const;

export type StoreSync = (typeof SYNC_MODES)[number];

/** Where bets are kept. */
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
const ENGINE_HOSTS_MAX = 16;

/** As `libpq` has them: without TLS, without verifying whom it is spoken with, and with that. */
const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
const SSL_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

const parseFiles = choice('csv', 'memory');

/** What `SERVER_STORE` says; undefined when it is not allowed. */
export function parseStore(text: string): 'csv' | 'memory' | EngineAddress | undefined {
  return parseFiles(text) ?? parseEngine(text);
}

/** `postgres://user:password@host:port,host:port/database?parameters`: a host without a port is at 5432. */
function parseEngine(text: string): EngineAddress | undefined {
  const [, user, password, list = '', database, query = ''] =
    /^postgres(?:ql)?:\/\/(?:([^:@/?,]+)(?::([^@/?]*))?@)?([^@/?]+)\/([^@/?]+)(?:\?(.*))?$/.exec(text) ?? [];
  const hosts = list.split(',').map(parseHost);
  const tls = parseTls(new URLSearchParams(query));
  if (database === undefined || tls === 'wrong' || hosts.length > ENGINE_HOSTS_MAX) return undefined;
  try {
    const [name, word, base] = [user, password, database].map(part => part && decodeURIComponent(part));
    const found = hosts.filter(host => host !== undefined);
    if (found.length < hosts.length) return undefined;
    return { hosts: found, database: base!, user: name, password: word, tls };
  } catch {
    // A % that begins no character.
    return undefined;
  }
}

function parseHost(text: string): EngineAddress['hosts'][number] | undefined {
  const [, bracketed, plain, digits = String(ENGINE_PORT)] =
    /^(?:\[([\da-fA-F:]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

function parseTls(parameters: URLSearchParams): EngineTls | 'wrong' | undefined {
  const [caFile, certFile, keyFile] = ['sslrootcert', 'sslcert', 'sslkey'].map(
    name => parameters.get(name) ?? undefined,
  );
  const isUsed = (caFile ?? certFile ?? keyFile) !== undefined;
  const text = parameters.get('sslmode') ?? (isUsed ? 'verify-full' : 'disable');
  const mode = SSL_MODES.find(word => word === text);
  const isKnown = [...parameters.keys()].every(name => SSL_PARAMETERS.includes(name));
  const isWhole = (certFile === undefined) === (keyFile === undefined) && !(mode === 'disable' && isUsed);
  if (mode === undefined || !isKnown || !isWhole) return 'wrong';
  return mode === 'disable' ? undefined : { verify: mode === 'verify-full', caFile, certFile, keyFile };
}

/** The name of a lottery in the database. */
export function parseLottery(text: string): string | undefined {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

/**
 * The store of a configuration.
 *
 * @param sync undefined: a quorum where several hosts are named, else one machine
 * @throws ConfigError when `sync` is given for a store of one's own files
 */
export function storeOf(
  store: 'csv' | 'memory' | EngineAddress,
  lottery: string,
  sync: StoreSync | undefined,
): StoreChoice {
  if (typeof store === 'object') {
    const usual = store.hosts.length > 1 ? 'quorum' : 'single';
    return { kind: 'postgres', engine: store, lottery, sync: sync ?? usual };
  }
  if (sync !== undefined)
    throw new ConfigError('STORE_SYNC is set, and SERVER_STORE names no engine (postgres://)');
  return { kind: store };
}
