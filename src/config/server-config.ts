import { parse } from 'ini';
import { DEFAULT_LIMITS, type Limits } from '../wire/limits.ts';
import { ConfigError } from './errors.ts';
import { readOptionalFile } from './files.ts';
import { type Environment, type Given as GivenText, readKeys, type ValuesOf } from './keys.ts';
import { type ConfiguredListener, SERVER_KEYS } from './server-keys.ts';
import { type StoreChoice, storeOf } from './store-choice.ts';
import { identityFiles, namedFile, type ServerTls } from './tls-files.ts';

const SERVER_CONFIG_FILE = 'config.ini';

type ServerValues = ValuesOf<typeof SERVER_KEYS>;

/** What is given in one of several ways. */
const GIVEN = [
  'numberAgencies',
  'agencies',
  'port',
  'listeners',
  'store',
  'storeLottery',
  'storeSync',
  'tlsCert',
  'tlsKey',
  'tlsClientCa',
] as const satisfies readonly (keyof ServerValues)[];

type Given = (typeof GIVEN)[number];

/** Everything the server was told, valid. */
export interface ServerConfig extends Omit<ServerValues, Given | keyof Limits> {
  /** One at least. */
  readonly listeners: readonly ConfiguredListener[];
  /** Ids of the agencies that the draw waits for. */
  readonly agencies: readonly number[];
  /** Undefined: TLS is off. */
  readonly tls: ServerTls | undefined;
  readonly store: StoreChoice;
  readonly limits: Limits;
}

/**
 * Reads `config.ini`, section `[DEFAULT]` (as Python's `configparser` would: names in any case of letters), and the
 * environment, which wins.
 *
 * @param path the file; undefined for the usual one in the working directory, which may be missing
 * @throws ConfigError
 */
export function readServerConfig(
  path: string | undefined,
  environment: Environment = process.env,
): ServerConfig {
  const fileName = path ?? SERVER_CONFIG_FILE;
  const text = readOptionalFile(fileName, path !== undefined);
  const values = readKeys(SERVER_KEYS, readIni(text, fileName), environment, fileName);
  const { numberAgencies, agencies, port, listeners } = values;
  return {
    ...withoutGiven(values),
    agencies: agencies ?? Array.from({ length: numberAgencies }, (_, index) => index + 1),
    listeners: listeners ?? [{ dialect: 'tp0', port: port ?? missingPort(fileName) }],
    tls: tlsOf(values),
    store: storeOf(values.store, values.storeLottery, values.storeSync),
    limits: { ...DEFAULT_LIMITS, ...pickLimits(values) },
  };
}

/**
 * The part of the server's configuration that says where its files are and whom the draw waits for, whatever the rest of it
 * is.
 *
 * @param directory a folder with files, in place of the store that is configured
 * @throws ConfigError
 */
export function readLotteryConfig(
  path: string | undefined,
  directory?: string,
  environment: Environment = process.env,
): Pick<ServerConfig, 'agencies' | 'dataDirectory' | 'store' | 'limits'> {
  const { port } = SERVER_KEYS;
  const config = readServerConfig(path, { ...environment, [port.name]: environment[port.name] || '0' });
  return directory === undefined ? config : { ...config, store: { kind: 'csv' }, dataDirectory: directory };
}

function readIni(text: string, fileName: string): Map<string, GivenText> {
  const given = new Map<string, GivenText>();
  for (const [section, entries] of Object.entries(parse(text))) {
    if (section !== 'DEFAULT' || typeof entries !== 'object') {
      throw new ConfigError(
        `${fileName}: '${section}' is not part of section [DEFAULT], the only one that is read`,
      );
    }
    for (const [name, value] of Object.entries(entries as Record<string, unknown>)) {
      if (String(value) !== '') given.set(name.toUpperCase(), { text: String(value), source: fileName });
    }
  }
  return given;
}

function tlsOf(paths: Pick<ServerValues, Given>): ServerTls | undefined {
  const { tlsCert: certificate, tlsKey: privateKey, tlsClientCa } = SERVER_KEYS;
  const keys = { certificate, privateKey };
  const identity = identityFiles(
    namedFile(certificate, paths.tlsCert),
    namedFile(privateKey, paths.tlsKey),
    keys,
  );
  const clientAuthority = namedFile(tlsClientCa, paths.tlsClientCa);
  if (identity !== undefined) return { identity, clientAuthority };
  if (clientAuthority === undefined) return undefined;
  throw new ConfigError(
    `${certificate.name} is missing: ${clientAuthority.key} is set, and TLS needs a certificate of the server`,
  );
}

function missingPort(fileName: string): never {
  const { name, allowed } = SERVER_KEYS.port;
  throw new ConfigError(
    `${name} is missing: set ${name} in ${fileName} or ${name} in the environment (${allowed})`,
  );
}

function pickLimits(values: ServerValues): Partial<Limits> {
  const names = Object.keys(DEFAULT_LIMITS).filter(name => name in values);
  return Object.fromEntries(names.map(name => [name, values[name as keyof ServerValues]]));
}

function withoutGiven(values: ServerValues): Omit<ServerValues, Given> {
  const rest: Partial<ServerValues> = { ...values };
  for (const name of GIVEN) delete rest[name];
  return rest as Omit<ServerValues, Given>;
}
