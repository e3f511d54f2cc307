/** Python's log levels, in ascending order. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** A level, and its text in the configuration, which the log repeats. */
export interface ConfiguredLevel {
  readonly level: LogLevel;
  readonly text: string;
}

const ALIASES: Readonly<Record<string, LogLevel>> = {
  NOTSET: 'DEBUG',
  NOTICE: 'INFO',
  WARN: 'WARNING',
  FATAL: 'CRITICAL',
};

export const LOG_LEVELS_ALLOWED = `${LOG_LEVELS.join(', ')} (also NOTICE, WARN)`;

export function parseLogLevel(text: string): ConfiguredLevel | undefined {
  const name = text.toUpperCase();
  const level = LOG_LEVELS.find(known => known === name) ?? ALIASES[name];
  return level && { level, text };
}
