import { closest, distance } from 'fastest-levenshtein';
import { ConfigError } from './errors.ts';

/** The values of a key: what is allowed, in words, and how a text is parsed. */
export interface ValueType<Value> {
  readonly allowed: string;
  /** Returns undefined if the text is not allowed, or a reason that `allowed` does not state. */
  readonly parse: (text: string) => Value | NotAllowed | undefined;
}

/**
 * A configuration key. The tables of keys (`server-keys.ts`, `client-keys.ts`) are the only
 * description of the configuration: reading, errors, `--help` and `docs/CONFIG.md` derive from
 * them.
 */
export interface Key<Value> extends ValueType<Value> {
  /** The name in the file. */
  readonly name: string;
  /** Environment variables that override the file; the first one set wins. */
  readonly env: readonly string[];
  /** A key without a default is required, unless it is optional. */
  readonly default: string | undefined;
  readonly optional?: boolean;
  readonly about: string;
}

/** Why a text of the right form is not allowed. */
export class NotAllowed {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A text and its source, for errors. */
export interface Given {
  readonly text: string;
  readonly source: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type ValuesOf<Keys extends Readonly<Record<string, Key<unknown>>>> = {
  readonly [Name in keyof Keys]: Keys[Name] extends Key<infer Value>
    ? Keys[Name] extends { readonly optional: true }
      ? Value | undefined
      : Value
    : never;
};

/** Functions that make the keys of a table, whose names determine their environment variable. */
export function keysNamed(variableOf: (name: string) => string) {
  const key = <Value>(
    name: string,
    { allowed, parse }: ValueType<Value>,
    standard: string | undefined,
    about: string,
  ): Key<Value> => ({ name, env: [variableOf(name)], default: standard, allowed, about, parse });
  const optional = <Value>(name: string, type: ValueType<Value>, about: string) =>
    ({ ...key(name, type, undefined, about), optional: true }) as const;
  return { key, optional };
}

/** The default of a key, in words. */
export function describeDefault(key: Key<unknown>): string {
  if (key.default !== undefined) return `default ${key.default}`;
  return key.optional ? 'not set' : 'required';
}

/**
 * Reads the values of a table of keys from the environment or else from a file.
 *
 * @throws ConfigError that names the key, the value, its source and what is allowed
 */
export function readKeys<Keys extends Readonly<Record<string, Key<unknown>>>>(
  keys: Keys,
  file: ReadonlyMap<string, Given>,
  environment: Environment,
  fileName: string,
): ValuesOf<Keys> {
  refuseUnknown(Object.values(keys), file);
  const values = Object.entries(keys).map(([property, key]) => {
    const given = fromEnvironment(key, environment) ?? file.get(key.name) ?? fromDefault(key);
    if (given === undefined && !key.optional) throw missingKey(key, fileName);
    return [property, given && parseGiven(key, given)];
  });
  return Object.fromEntries(values) as ValuesOf<Keys>;
}

export function missingKey({ name, env, allowed }: Key<unknown>, fileName: string): ConfigError {
  const places = `set ${name} in ${fileName} or ${env[0]} in the environment`;
  return new ConfigError(`${name} is missing: ${places} (${allowed})`);
}

function parseGiven(key: Key<unknown>, { text, source }: Given): unknown {
  const value = key.parse(text);
  if (value !== undefined && !(value instanceof NotAllowed)) return value;
  // The password of an address must not reach a log, whatever it consists of.
  const shown = text
    .replace(/(\/\/[^:@/]*:).*@/, '$1***@')
    .replace(/([?&]password=)[^&]*/, '$1***');
  const why = value === undefined ? `allowed: ${key.allowed}` : value.reason;
  throw new ConfigError(`${source}: ${key.name} is '${shown}', ${why}`);
}

/** An empty variable counts as not set: compose files produce them. */
function fromEnvironment(key: Key<unknown>, environment: Environment): Given | undefined {
  const name = key.env.find(variable => environment[variable]);
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
    const likely = likelyKeys(name, known);
    const hint =
      likely.length > 0
        ? `did you mean ${likely.join(' or ')}?`
        : 'docs/CONFIG.md and --help list the keys';
    throw new ConfigError(`${source}: unknown key ${name}; ${hint}`);
  }
}

/** `server.address` for `server`, or the nearest key for a mistyped one. */
function likelyKeys(name: string, known: readonly string[]): readonly string[] {
  const near = closest(name, known);
  if (distance(name, near) <= 3) return [near];
  return known.filter(key => key.split(/[._]/).includes(name));
}

/** A decimal number without sign within the bounds. */
export function whole(min: number, max: number, note = ''): ValueType<number> {
  return {
    allowed: `${min} to ${max}${note}`,
    parse(text) {
      const value = Number(text);
      return /^\d{1,15}$/.test(text) && value >= min && value <= max ? value : undefined;
    },
  };
}

/** One of a few words, in any case; the value is the word as it is listed. */
export function oneOf<Word extends string>(...words: readonly Word[]): ValueType<Word> {
  return {
    allowed: words.join(words.length === 2 ? ' or ' : ', '),
    parse: text => words.find(word => word.toLowerCase() === text.toLowerCase()),
  };
}

/** Any text except the empty one. */
export function anyText(allowed: string): ValueType<string> {
  return { allowed, parse: text => (text === '' ? undefined : text) };
}

export const PATH = anyText('a path');

export const PORT_MAX = 65_535;
export const PORT = whole(0, PORT_MAX, '; 0 takes any free port');
