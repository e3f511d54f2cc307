import { closest, distance } from 'fastest-levenshtein';
import { ConfigError } from './errors.ts';

/**
 * One thing that can be configured. The tables of keys (`server-keys.ts`, `client-keys.ts`) are the only description of
 * the configuration: values are read, refused, listed by `--help` and in `docs/CONFIG.md` from them.
 */
export interface Key<Value> {
  /** The name in the file. */
  readonly name: string;
  /** Environment variables that override the file, the first that is set. */
  readonly env: readonly string[];
  /** The text that is assumed where none is given; a key without one must be given, unless it is optional. */
  readonly default?: string;
  readonly optional?: boolean;
  /** What may stand there, in words. */
  readonly allowed: string;
  /** What it is for, in words. */
  readonly about: string;
  /** The value of a text; undefined when the text is not allowed, or the reason where `allowed` does not say it. */
  readonly parse: (text: string) => Value | NotAllowed | undefined;
}

/** Why a text is not allowed although it has the form that is asked for. */
export class NotAllowed {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A text and where it was found, for the error. */
export interface Given {
  readonly text: string;
  readonly source: string;
}

/** The default of a key, in words. */
export function describeDefault(key: Key<unknown>): string {
  if (key.default !== undefined) return `default ${key.default}`;
  return key.optional ? 'not set' : 'required';
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type ValuesOf<Keys extends Readonly<Record<string, Key<unknown>>>> = {
  readonly [Name in keyof Keys]: Keys[Name] extends Key<infer Value>
    ? Keys[Name] extends { readonly optional: true }
      ? Value | undefined
      : Value
    : never;
};

/**
 * The values of a table of keys, from the environment or else from a file.
 *
 * @throws ConfigError that names the key, the value, where it stands and what is allowed
 */
export function readKeys<Keys extends Readonly<Record<string, Key<unknown>>>>(
  keys: Keys,
  file: ReadonlyMap<string, Given>,
  environment: Environment,
  fileName: string,
): ValuesOf<Keys> {
  refuseUnknown(Object.values(keys), file);
  const values: Record<string, unknown> = {};
  for (const [property, key] of Object.entries(keys)) {
    values[property] = readKey(key, file, environment, fileName);
  }
  return values as ValuesOf<Keys>;
}

function readKey(
  key: Key<unknown>,
  file: ReadonlyMap<string, Given>,
  environment: Environment,
  fileName: string,
): unknown {
  const given = fromEnvironment(key, environment) ?? file.get(key.name) ?? fromDefault(key);
  if (given === undefined) {
    if (key.optional) return undefined;
    throw new ConfigError(
      `${key.name} is missing: set ${key.name} in ${fileName} or ${key.env[0]} in the environment (${key.allowed})`,
    );
  }
  const value = key.parse(given.text);
  if (value === undefined || value instanceof NotAllowed) {
    // What may be a password is not for a log.
    const text = given.text.replace(/(\/\/[^:@/]*:)[^@/]*@/, '$1***@');
    const why = value === undefined ? `allowed: ${key.allowed}` : value.reason;
    throw new ConfigError(`${given.source}: ${key.name} is '${text}', ${why}`);
  }
  return value;
}

/** An empty variable counts as not set, as compose files leave them. */
function fromEnvironment(key: Key<unknown>, environment: Environment): Given | undefined {
  const name = key.env.find(variable => (environment[variable] ?? '') !== '');
  return name === undefined
    ? undefined
    : { text: environment[name]!, source: `environment variable ${name}` };
}

function fromDefault(key: Key<unknown>): Given | undefined {
  return key.default === undefined ? undefined : { text: key.default, source: 'default' };
}

function refuseUnknown(keys: readonly Key<unknown>[], file: ReadonlyMap<string, Given>): void {
  const known = keys.map(key => key.name);
  for (const [name, { source }] of file) {
    if (known.includes(name)) continue;
    const near = closest(name, known);
    const hint = distance(name, near) <= 3 ? `did you mean ${near}?` : `known keys: ${known.join(', ')}`;
    throw new ConfigError(`${source}: unknown key ${name}; ${hint}`);
  }
}

/** Decimal digits with a value within the bounds. */
export function integer(min: number, max: number): (text: string) => number | undefined {
  return text => {
    if (!/^\d{1,15}$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  };
}

/** One of a few words, in any case of letters; the value is the word as it is listed. */
export function choice<Word extends string>(...words: readonly Word[]): (text: string) => Word | undefined {
  return text => words.find(word => word.toLowerCase() === text.toLowerCase());
}

/** Any text but the empty one. */
export function anyText(text: string): string | undefined {
  return text === '' ? undefined : text;
}
