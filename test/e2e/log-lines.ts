/** A log line without its time, with varying values replaced. */
export const fixed = (text: string): string =>
  text
    .slice(20)
    .replace(/\| (port|ms): \d+/g, '| $1: N')
    // The acta contains times.
    .replace(/(?<=cierre .*sha256: )\w+/, 'ACTA');

export const ACCEPTING = 'INFO     action: accept_connections | result: in_progress';
export const ACCEPTED = 'INFO     action: accept_connections | result: success | ip: 127.0.0.1';

export const LISTENING =
  'INFO     action: listen | result: success | address: 127.0.0.1 | port: N | dialect: tp0';

export const configured = (backlog = 511): string =>
  `DEBUG    action: config | result: success | port: N | listen_backlog: ${backlog} | logging_level: DEBUG`;

/** A lottery in which no agency has finished was opened. */
export const opened = (file: string, agencies: number, bets = 0): string =>
  `INFO     action: open_store | result: success | file: ${file} | bets: ${bets} | finished: 0 of ${agencies} agencies | finished_ids: none | state: open`;

export const identified = (agency: number): string =>
  `DEBUG    action: identify | result: success | ip: 127.0.0.1 | agency: ${agency}`;

export const stored = (bets: number): string =>
  `INFO     action: apuesta_recibida | result: success | cantidad: ${bets}`;

/** The last agency finishes, and the draw is held over the rows. */
export const drawn = (bets: number, sha256: string): string[] => [
  'INFO     action: agency_finished | result: success | agency: 1 | missing: 0 | waiting_for: none',
  `INFO     action: cierre | result: success | apuestas: ${bets} | sha256: ACTA | acta: 1`,
  'INFO     action: sorteo | result: success',
  `INFO     action: draw | result: success | bets: ${bets} | winners: 1 | ms: N | sha256: ${sha256}`,
];

export const closed = (agency?: number): string =>
  `INFO     action: close_socket | result: success | ip: 127.0.0.1${agency ? ` | agency: ${agency}` : ''}`;

/** A server without open connections stops. */
export const stopped = (...files: readonly string[]): string[] => [
  'INFO     action: shutdown | result: in_progress | signal: SIGTERM',
  'INFO     action: close_timer | result: success | timer: deadlines',
  'INFO     action: close_listener | result: success | port: N',
  ...files.map(file => `INFO     action: close_file | result: success | file: ${file}`),
  'INFO     action: shutdown | result: success',
];
