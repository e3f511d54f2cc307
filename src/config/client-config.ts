import { BET_FIELDS, type FieldRanges, fieldsOf, findFault } from '../lottery/bet-rules.ts';
import { BET_VARIABLES, CLIENT_KEYS } from './client-keys.ts';
import { ConfigError } from './errors.ts';
import { readOptionalFile } from './files.ts';
import { type Environment, type Given, readKeys, type ValuesOf } from './keys.ts';
import { type ClientTls, identityFiles, namedFile } from './tls-files.ts';

const CLIENT_CONFIG_FILE = 'config.yaml';

type ClientValues = ValuesOf<typeof CLIENT_KEYS>;

type TlsPath = 'tlsCa' | 'tlsCert' | 'tlsKey';

/** The valid configuration of a client. */
export interface ClientConfig extends Omit<ClientValues, TlsPath> {
  /** Undefined: TLS is off. */
  readonly tls: ClientTls | undefined;
  /** The valid bet of exercise 5, if the environment has one. */
  readonly bet: FieldRanges | undefined;
}

/**
 * Reads `config.yaml` and the environment, which overrides it.
 *
 * @param path default: the file in the working directory, which may be missing
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
  const { tlsCa, tlsCert, tlsKey } = CLIENT_KEYS;
  const identity = identityFiles([tlsCert, paths.tlsCert], [tlsKey, paths.tlsKey]);
  const authority = namedFile(tlsCa, paths.tlsCa);
  if (authority !== undefined) return { authority, identity };
  if (identity === undefined) return undefined;
  throw new ConfigError(
    `${tlsCa.name} is missing: ${tlsCert.name} is set, and ${tlsCa.name} switches TLS on`,
  );
}

/** The YAML parser is the largest part of a client, so it is loaded only for a file. */
async function readYaml(text: string, fileName: string): Promise<Map<string, Given>> {
  const { parseClientYaml } = await import('./client-yaml.ts');
  return parseClientYaml(text, fileName);
}

function readBet(environment: Environment): FieldRanges | undefined {
  const given = BET_VARIABLES.map(names => names.find(name => environment[name]));
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
