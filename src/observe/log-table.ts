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
    if (isLine(found)) write(log, found);
    else for (const line of found) write(log, line);
  };
}

function isLine(found: Line | readonly Line[]): found is Line {
  return typeof found[0] === 'string';
}

function write(log: Log, line: Line): void {
  log[line[0]](line[1], line[2], line[3]);
}
