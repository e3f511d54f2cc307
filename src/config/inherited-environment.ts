/** A `CLI_LOG_LEVEL` of the user's shell, for example, must not reach a child process. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

/** The environment of a child process, without the configuration of this program. */
export function inheritedEnvironment(): Record<string, string> {
  const entries = INHERITED.map(name => [name, process.env[name]] as const);
  return Object.fromEntries(entries.filter(entry => entry[1] !== undefined)) as Record<
    string,
    string
  >;
}

/** The whole environment, for the command line of Docker and the scripts that use it. */
export function wholeEnvironment(): Readonly<Record<string, string | undefined>> {
  return { ...process.env };
}

/** Whether the locale has UTF-8, or none is set. */
export function isUtf8Locale(): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  const locale = [LC_ALL, LC_CTYPE, LANG].find(Boolean);
  return locale === undefined || /utf-?8/i.test(locale);
}
