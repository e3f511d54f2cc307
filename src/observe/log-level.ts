/** Levels of the log, as Python names them, from the most to the least talkative. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** A level and the text by which the configuration named it: the configuration line repeats it as it was given. */
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
