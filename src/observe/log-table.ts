import type { Emit } from './events.ts';
import type { Details, Log, Result } from './log.ts';
import type { LogLevel } from './log-level.ts';

type Line = Parameters<Log['line']>;

const lineOf =
  (level: LogLevel) =>
  (action: string, result: Result, details: Details = {}): Line => [level, action, result, details];

export const asDebug = lineOf('DEBUG');
export const asInfo = lineOf('INFO');
export const asWarning = lineOf('WARNING');
export const asError = lineOf('ERROR');

interface Named {
  readonly event: string;
}

/** The lines of each event, by its name. */
export type LogTable<Event extends Named> = {
  readonly [Name in Event['event']]: (
    event: Extract<Event, { event: Name }>,
  ) => Line | readonly Line[];
};

/** Logs each event as the table says. */
export function logBy<Event extends Named>(log: Log, table: LogTable<Event>): Emit<Event> {
  const lines = table as unknown as Readonly<
    Record<string, (event: Event) => Line | readonly Line[]>
  >;
  return event => {
    const found = lines[event.event]!(event);
    if (isLine(found)) log.line(...found);
    else for (const line of found) log.line(...line);
  };
}

function isLine(found: Line | readonly Line[]): found is Line {
  return typeof found[0] === 'string';
}
