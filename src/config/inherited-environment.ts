/** What a child process takes over from the caller: a `CLI_LOG_LEVEL` of the user's shell, say, is not for it. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

/** The part of the environment that is not configuration of this program. */
export function inheritedEnvironment(): Record<string, string> {
  const entries = INHERITED.map(name => [name, process.env[name]] as const);
  return Object.fromEntries(entries.filter(entry => entry[1] !== undefined)) as Record<string, string>;
}
