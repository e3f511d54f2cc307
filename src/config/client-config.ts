import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { BET_FIELDS, type FieldRanges, fieldsOf, findFault } from '../lottery/bet-rules.ts';
import { BET_VARIABLES, CLIENT_KEYS } from './client-keys.ts';
import { ConfigError } from './errors.ts';
import { readOptionalFile } from './files.ts';
import { type Environment, type Given, readKeys, type ValuesOf } from './keys.ts';

const CLIENT_CONFIG_FILE = 'config.yaml';

/** Everything the client was told, valid. */
export interface ClientConfig extends ValuesOf<typeof CLIENT_KEYS> {
  /** The one bet of exercise 5, when the environment holds it: a valid bet. */
  readonly bet: FieldRanges | undefined;
}

/**
 * Reads `config.yaml` and the environment, which wins.
 *
 * @param path the file; undefined for the usual one in the working directory, which may be missing
 * @throws ConfigError
 */
export function readClientConfig(
  path: string | undefined,
  environment: Environment = process.env,
): ClientConfig {
  const fileName = path ?? CLIENT_CONFIG_FILE;
  const text = readOptionalFile(fileName, path !== undefined);
  const values = readKeys(CLIENT_KEYS, readYaml(text, fileName), environment, fileName);
  return { ...values, bet: values.mode === 'echo' ? undefined : readBet(environment) };
}

function readYaml(text: string, fileName: string): Map<string, Given> {
  const lines = new LineCounter();
  const document = parseDocument<Node>(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw new ConfigError(`${fileName}, line ${line}: ${error.message.split('\n')[0]}`, error);
  }
  const given = new Map<string, Given>();
  const sourceOf = (node: Node | null | undefined): string =>
    `${fileName}, line ${lines.linePos(node?.range?.[0] ?? 0).line}`;
  if (document.contents !== null) collect(document.contents, '', given, sourceOf);
  return given;
}

/** Flattens the maps of the document into names with dots. Values keep the text that they have in the file. */
function collect(
  node: Node | null,
  name: string,
  given: Map<string, Given>,
  sourceOf: (node: Node | null) => string,
): void {
  if (isMap<Node, Node>(node)) {
    for (const { key, value } of node.items) {
      collect(value, name === '' ? String(key) : `${name}.${String(key)}`, given, sourceOf);
    }
  } else if (isScalar(node) && node.value === null) {
    // `key:` without a value, or a document that holds nothing.
  } else if (isScalar(node) && name !== '') {
    const text = node.type === 'PLAIN' ? node.source : undefined;
    given.set(name, { text: text ?? (node.value as string), source: sourceOf(node) });
  } else if (node !== null) {
    throw new ConfigError(`${sourceOf(node)}: a single value or 'key: value' lines are expected here`);
  }
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
