/**
 * `docker` for a script of the subject, which knows its network and its containers by the names of
 * its own compose file: the names become those of a run, and what the script makes gets names and
 * labels of the run, so that nothing of others is touched and nothing is left.
 */
export interface ShimConfig {
  readonly docker: string;
  /** In front of the names of what the script makes. */
  readonly run: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Parts of arguments: the networks. */
  readonly networks: Readonly<Record<string, string>>;
  /** Whole arguments: the containers. */
  readonly containers: Readonly<Record<string, string>>;
  /** A line for each name that the script has given, and for each command that was refused. */
  readonly journal: string;
}

/** In the journal, in front of a command. */
export const REFUSED = 'refused';

/** Commands that make something, and the options that name it. */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  run: ['--name'],
  create: ['--name'],
  build: ['-t', '--tag'],
};

/** Commands that only look, or make something of which the names are the run's. */
const HARMLESS = new Set(
  'attach build cp create exec history image images info inspect logs network port ps pull run start top version wait'.split(
    ' ',
  ),
);
const HARMLESS_OF_OBJECTS = new Set(['inspect', 'ls', 'list', 'pull', 'connect', 'disconnect']);

/** Commands that end something: only what the run has made. */
const ENDING = new Set(['kill', 'rm', 'stop']);

/**
 * What a command may do to what others have: nothing, or something unless its targets are the
 * run's. A `compose down` is refused, because the user may have the same project running.
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

/** Names of containers and images that a command gives. */
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
