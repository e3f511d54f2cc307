import type { Emit } from './events.ts';
import type { Details, Log, Result } from './log.ts';

type Line = readonly [
  level: 'debug' | 'info' | 'warning' | 'error',
  action: string,
  result: Result,
  details?: Details,
];

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
    const isOne = typeof found[0] === 'string';
    for (const [level, action, result, details] of isOne ? [found as Line] : (found as Line[]))
      log[level](action, result, details);
  };
}
