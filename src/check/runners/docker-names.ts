/**
 * Translates the `docker` commands of a subject's script, which uses the names of its own compose
 * file, to the names of a run. Everything that the script creates has names and labels of the run,
 * so that other objects are not affected and nothing is left behind.
 */
export interface ShimConfig {
  readonly docker: string;
  /** Prefix of the names of what the script creates. */
  readonly run: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Networks by name; also replaced within an argument. */
  readonly networks: Readonly<Record<string, string>>;
  /** Containers by name; whole arguments only. */
  readonly containers: Readonly<Record<string, string>>;
  /** A file with a line for each created name and each refused command. */
  readonly journal: string;
}

/** Prefix of a refused command in the journal. */
export const REFUSED = 'refused';

/** Commands that create something, and the options that name it. */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  run: ['--name'],
  create: ['--name'],
  build: ['-t', '--tag'],
};

/** Commands that only read, or create something with a name of the run. */
const HARMLESS = new Set(
  'attach build cp create exec history image images info inspect logs network port ps pull run start top version wait'.split(
    ' ',
  ),
);
const HARMLESS_OF_OBJECTS = new Set(['inspect', 'ls', 'list', 'pull', 'connect', 'disconnect']);

/** Commands that end or remove something, allowed for objects of the run only. */
const ENDING = new Set(['kill', 'rm', 'stop']);

/**
 * Whether a command can affect objects of others: never, or unless its targets are the run's.
 * `compose down` is refused, because the user may run the same project.
 */
export function effectOf([command = '', object = '']: readonly string[]):
  | 'none'
  | 'ends'
  | 'refused' {
  if (ENDING.has(command)) return 'ends';
  if (!HARMLESS.has(command)) return 'refused';
  const isOfObjects = command === 'network' || command === 'image';
  return isOfObjects && !HARMLESS_OF_OBJECTS.has(object) ? 'refused' : 'none';
}

export function translate(
  args: readonly string[],
  config: ShimConfig,
  ownNames: readonly string[],
): string[] {
  const [command = ''] = args;
  const flags = MAKERS[command] ?? [];
  const own = new Set([...ownNames, ...namesGiven(args)]);
  const translated = args.map((arg, index) => {
    if (index === 0) return arg;
    if (own.has(arg)) return `${config.run}-${arg}`;
    const [flag, value] = arg.split('=', 2) as [string, string | undefined];
    if (value !== undefined && flags.includes(flag)) return `${flag}=${config.run}-${value}`;
    return withNetworks(config.containers[arg] ?? arg, config);
  });
  const labels = Object.entries(config.labels).flatMap(([key, value]) => [
    '--label',
    `${key}=${value}`,
  ]);
  return flags.length > 0 ? [command, ...labels, ...translated.slice(1)] : translated;
}

/** Names of containers and images in a command. */
export function namesGiven([command = '', ...args]: readonly string[]): string[] {
  const flags = MAKERS[command] ?? [];
  return args.flatMap((arg, index) => {
    const [flag, value] = arg.split('=', 2) as [string, string | undefined];
    if (!flags.includes(flag)) return [];
    const name = value ?? args[index + 1];
    return name === undefined ? [] : [name];
  });
}

function withNetworks(arg: string, { networks, containers }: ShimConfig): string {
  const [kind, name] = arg.split(':', 2) as [string, string | undefined];
  if (kind.endsWith('container') && name !== undefined && containers[name] !== undefined) {
    return `${kind}:${containers[name]}`;
  }
  return Object.entries(networks).reduce((text, [from, to]) => text.replaceAll(from, to), arg);
}
