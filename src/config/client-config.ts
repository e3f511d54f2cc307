import { BET_FIELDS, type FieldRanges, fieldsOf, findFault } from '../lottery/bet-rules.ts';
import { BET_VARIABLES, CLIENT_KEYS } from './client-keys.ts';
import { ConfigError } from './errors.ts';
import { readOptionalFile } from './files.ts';
import { type Environment, type Given, readKeys, type ValuesOf } from './keys.ts';
import { type ClientTls, identityFiles, namedFile } from './tls-files.ts';

const CLIENT_CONFIG_FILE = 'config.yaml';

type ClientValues = ValuesOf<typeof CLIENT_KEYS>;

type TlsPath = 'tlsCa' | 'tlsCert' | 'tlsKey';

/** Everything the client was told, valid. */
export interface ClientConfig extends Omit<ClientValues, TlsPath> {
  /** Undefined: TLS is off. */
  readonly tls: ClientTls | undefined;
  /** The one bet of exercise 5, when the environment holds it: a valid bet. */
  readonly bet: FieldRanges | undefined;
}

/**
 * Reads `config.yaml` and the environment, which wins.
 *
 * @param path the file; undefined for the usual one in the working directory, which may be missing
 * @throws ConfigError
 */
export async function readClientConfig(
  path: string | undefined,
  environment: Environment = process.env,
): Promise<ClientConfig> {
  const fileName = path ?? CLIENT_CONFIG_FILE;
  const text = readOptionalFile(fileName, path !== undefined);
  const given = text === '' ? new Map<string, Given>() : await readYaml(text, fileName);
  const { tlsCa, tlsCert, tlsKey, ...values } = readKeys(CLIENT_KEYS, given, environment, fileName);
  const tls = tlsOf({ tlsCa, tlsCert, tlsKey });
  return { ...values, tls, bet: values.mode === 'echo' ? undefined : readBet(environment) };
}

function tlsOf(paths: Pick<ClientValues, TlsPath>): ClientTls | undefined {
  const { tlsCa, tlsCert: certificate, tlsKey: privateKey } = CLIENT_KEYS;
  const keys = { certificate, privateKey };
  const identity = identityFiles(
    namedFile(certificate, paths.tlsCert),
    namedFile(privateKey, paths.tlsKey),
    keys,
  );
  const authority = namedFile(tlsCa, paths.tlsCa);
  if (authority !== undefined) return { authority, identity };
  if (identity === undefined) return undefined;
  throw new ConfigError(
    `${tlsCa.name} is missing: ${certificate.name} is set, and ${tlsCa.name} switches TLS on`,
  );
}

/** The parser of YAML is the largest part of a client's program: it is loaded when there is something to read. */
async function readYaml(text: string, fileName: string): Promise<Map<string, Given>> {
  const { parseClientYaml } = await import('./client-yaml.ts');
  return parseClientYaml(text, fileName);
}

function readBet(environment: Environment): FieldRanges | undefined {
  const given = BET_VARIABLES.map(names => names.find(name => (environment[name] ?? '') !== ''));
  if (given.every(name => name === undefined)) return undefined;
  const missing = given.indexOf(undefined);
  if (missing >= 0) {
    const [spanish, english] = BET_VARIABLES[missing]!;
    throw new ConfigError(
      `${spanish} (or ${english}) is missing: a bet from the environment needs all five variables`,
    );
  }
  const bet = fieldsOf(given.map(name => environment[name!]!));
  const fault = findFault(bet);
  if (fault === undefined) return bet;
  const variable = given[BET_FIELDS.indexOf(fault.field)]!;
  throw new ConfigError(
    `environment variable ${variable} is '${environment[variable]}': ${fault.field} ${fault.reason}`,
  );
}
