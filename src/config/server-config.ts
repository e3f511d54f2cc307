import { parse } from 'ini';
import { DEFAULT_LIMITS, type Limits } from '../wire/limits.ts';
import { ConfigError } from './errors.ts';
import { readOptionalFile } from './files.ts';
import { type Environment, type Given, missingKey, readKeys, type ValuesOf } from './keys.ts';
import { type ConfiguredListener, SERVER_KEYS } from './server-keys.ts';
import { type StoreChoice, storeChoiceOf } from './store-choice.ts';
import { identityFiles, namedFile, type ServerTls } from './tls-files.ts';

const SERVER_CONFIG_FILE = 'config.ini';

type ServerValues = ValuesOf<typeof SERVER_KEYS>;

type StoreKey = 'store' | 'storeLottery' | 'storeSync';

type TlsPath = 'tlsCert' | 'tlsKey' | 'tlsClientCa';

/** Keys that are combined into other properties. */
type Combined = 'numberAgencies' | 'agencies' | 'port' | 'listeners' | StoreKey | TlsPath;

/** The valid configuration of a server. */
export interface ServerConfig extends Omit<ServerValues, Combined | keyof Limits> {
  /** At least one. */
  readonly listeners: readonly ConfiguredListener[];
  /** Ids of the agencies that the draw waits for. */
  readonly agencies: readonly number[];
  /** Undefined: TLS is off. */
  readonly tls: ServerTls | undefined;
  readonly store: StoreChoice;
  readonly limits: Limits;
}

/**
 * Reads section `[DEFAULT]` of `config.ini` (names in any case, as in Python's `configparser`) and
 * the environment, which overrides it.
 *
 * @param path default: the file in the working directory, which may be missing
 * @throws ConfigError
 */
export function readServerConfig(
  path: string | undefined,
  environment: Environment = process.env,
): ServerConfig {
  const fileName = path ?? SERVER_CONFIG_FILE;
  const text = readOptionalFile(fileName, path !== undefined);
  const values = readKeys(SERVER_KEYS, readIni(text, fileName), environment, fileName);
  const { numberAgencies, agencies, port, listeners, ...others } = values;
  const { store, storeLottery, storeSync, tlsCert, tlsKey, tlsClientCa, ...rest } = others;
  if (port === undefined && listeners === undefined) throw missingKey(SERVER_KEYS.port, fileName);
  requireOwnHttpPort(values);
  return {
    ...rest,
    agencies: agencies ?? Array.from({ length: numberAgencies }, (_, index) => index + 1),
    listeners: listeners ?? [{ dialect: 'tp0', port: port! }],
    tls: tlsOf({ tlsCert, tlsKey, tlsClientCa }),
    store: storeChoiceOf(store, storeLottery, storeSync),
    limits: { ...DEFAULT_LIMITS, ...pickLimits(values) },
  };
}

/**
 * The store and the expected agencies of a server's configuration, in which the port may be
 * missing.
 *
 * @param directory a folder with files, instead of the configured store
 * @throws ConfigError
 */
export function readLotteryConfig(
  path: string | undefined,
  directory?: string,
): Pick<ServerConfig, 'agencies' | 'dataDirectory' | 'store' | 'limits'> {
  const { port } = SERVER_KEYS;
  const config = readServerConfig(path, {
    ...process.env,
    [port.name]: process.env[port.name] || '0',
  });
  return directory === undefined
    ? config
    : { ...config, store: { kind: 'csv' }, dataDirectory: directory };
}

/** Of the parser: words such as `true` and `null` are not texts. */
type IniValue = string | boolean | null | object;

function readIni(text: string, fileName: string): Map<string, Given> {
  requireAssignments(text, fileName);
  const outside = (name: string): ConfigError =>
    new ConfigError(
      `${fileName}: '${name}' is not part of section [DEFAULT], the only one that is read`,
    );
  const given = new Map<string, Given>();
  for (const [section, entries] of Object.entries(parse(text))) {
    if (section !== 'DEFAULT' || typeof entries !== 'object') throw outside(section);
    for (const [name, value] of Object.entries(entries as Record<string, IniValue>)) {
      // The parser nests a section [DEFAULT.X] in [DEFAULT].
      if (typeof value === 'object' && value !== null) throw outside(`${section}.${name}`);
      if (String(value) !== '')
        given.set(name.toUpperCase(), { text: String(value), source: fileName });
    }
  }
  return given;
}

/** The parser would take a line without `=` for a key with the value `true`. */
function requireAssignments(text: string, fileName: string): void {
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (/^\s*(?:$|[#;[])|=/.test(line)) continue;
    // Only the first word: the line may hold a password.
    const [, key] = /^\s*([^\s:]*)/.exec(line)!;
    throw new ConfigError(`${fileName}, line ${index + 1}: ${key} has no =, write KEY = VALUE`);
  }
}

/** Only two different addresses can share a port; SERVER_LISTENERS refuses its own duplicates. */
function requireOwnHttpPort({ port, listeners, host, httpPort, httpHost }: ServerValues): void {
  const ports = listeners?.map(listener => listener.port) ?? [port];
  if (httpPort === undefined || httpPort === 0 || !ports.includes(httpPort)) return;
  const areApart = ![host, httpHost].some(isAnyAddress) && host !== httpHost;
  if (areApart) return;
  const key = listeners === undefined ? SERVER_KEYS.port : SERVER_KEYS.listeners;
  throw new ConfigError(
    `port ${httpPort} is in ${key.name} and in ${SERVER_KEYS.httpPort.name}: each needs a port of its own`,
  );
}

const isAnyAddress = (host: string | undefined): boolean =>
  host === undefined || host === '0.0.0.0' || host === '::';

function tlsOf(paths: Pick<ServerValues, TlsPath>): ServerTls | undefined {
  const { tlsCert, tlsKey, tlsClientCa } = SERVER_KEYS;
  const identity = identityFiles([tlsCert, paths.tlsCert], [tlsKey, paths.tlsKey]);
  const clientAuthority = namedFile(tlsClientCa, paths.tlsClientCa);
  if (identity !== undefined) return { identity, clientAuthority };
  if (clientAuthority === undefined) return undefined;
  throw new ConfigError(
    `${tlsCert.name} is missing: ${clientAuthority.key} is set, and TLS needs a certificate of the server`,
  );
}

function pickLimits(values: ServerValues): Partial<Limits> {
  const names = Object.keys(DEFAULT_LIMITS).filter(name => name in values);
  return Object.fromEntries(names.map(name => [name, values[name as keyof ServerValues]]));
}
