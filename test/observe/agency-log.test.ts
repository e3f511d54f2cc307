import { describe, expect, test } from 'vitest';
import { logAgency } from '../../src/observe/agency-log.ts';
import type { AgencyEvent } from '../../src/observe/events.ts';
import { Log } from '../../src/observe/log.ts';

/** The line of an event without its time. */
function lineOf(event: AgencyEvent): string {
  let written = '';
  const log = new Log({
    level: 'DEBUG',
    format: 'text',
    write: line => (written += line),
    clock: () => new Date(),
  });
  logAgency(log, 3)(event);
  return written.slice('2024-08-21 22:11:15 '.length, -1);
}

describe("the client's log", () => {
  test.each<[string, AgencyEvent]>([
    [
      'ERROR    action: read_bet | result: fail | file: agency-1.csv | line: 4 | field: birthdate | value: 31:12 | reason: not-a-date',
      {
        event: 'line-refused',
        file: 'agency-1.csv',
        line: 4,
        field: 'birthdate',
        value: '31:12',
        reason: 'not-a-date',
      },
    ],
    [
      'INFO     action: upload | result: in_progress | client_id: 3 | bets: 130 | of: 2000',
      { event: 'upload-progress', bets: 130, fileBets: 2000 },
    ],
    [
      'INFO     action: upload | result: success | client_id: 3 | batches: 2 | bets: 131',
      { event: 'upload-done', batches: 2, bets: 131 },
    ],
    [
      "INFO     action: upload | result: success | client_id: 3 | batches: 0 | bets: 131 | hint: an earlier run has sent all of them; the next lottery begins with 'loteria draw new' while no server runs; with containers, 'make docker-compose-down', or 'down --volumes' of a cluster; with a database, another STORE_LOTTERY",
      { event: 'upload-done', batches: 0, bets: 131 },
    ],
    [
      'INFO     action: resume_upload | result: success | client_id: 3 | bets: 7',
      { event: 'upload-resumed', bets: 7 },
    ],
    [
      'ERROR    action: upload | result: fail | client_id: 3 | bets: 4 | reason: refused earlier',
      { event: 'bets-refused', count: 4, reason: 'refused earlier' },
    ],
    [
      'ERROR    action: upload | result: fail | client_id: 3 | first_bet: 131 | bets: 130 | from_line: 131 | index: 4 | field: document | reason: not-digits',
      {
        event: 'batch-refused',
        seq: 131,
        count: 130,
        firstLine: 131,
        index: 4,
        field: 'document',
        reason: 'not-digits',
      },
    ],
    [
      'WARNING  action: reconnect | result: in_progress | client_id: 3 | error: ECONNRESET | next_try_ms: 100',
      { event: 'reconnecting', error: 'ECONNRESET', waitMs: 99.6 },
    ],
    [
      'WARNING  action: reconnect | result: in_progress | client_id: 3 | error: ECONNRESET',
      { event: 'reconnecting', error: 'ECONNRESET' },
    ],
    [
      'WARNING  action: reconnect | result: in_progress | client_id: 3 | error: ECONNRESET | next_try_ms: 0 | address: b:2',
      { event: 'reconnecting', error: 'ECONNRESET', waitMs: 0, address: 'b:2' },
    ],
    [
      'WARNING  action: connect | result: in_progress | client_id: 3 | attempt: 1 | error: ECONNREFUSED | next_try_ms: 100',
      { event: 'connecting', attempt: 1, waitMs: 100.4, error: 'ECONNREFUSED' },
    ],
    [
      'INFO     action: consulta_ganadores | result: in_progress | client_id: 3',
      { event: 'waiting-for-draw' },
    ],
    [
      'INFO     action: consulta_ganadores | result: in_progress | client_id: 3 | next_try_ms: 100',
      { event: 'waiting-for-draw', waitMs: 99.6 },
    ],
    [
      'INFO     action: upload | result: in_progress | client_id: 3 | bets: 1',
      { event: 'upload-progress', bets: 1, fileBets: undefined },
    ],
    [
      'ERROR    action: upload | result: fail | client_id: 3 | batches: 2 | bets: 260 | in_doubt: 130 | next_start: would send these bets again, the central must void them first',
      { event: 'upload-stopped', batches: 2, bets: 260, inDoubt: 130, resumable: false },
    ],
    [
      'WARNING  action: upload | result: in_progress | client_id: 3 | batches: 2 | bets: 260 | in_doubt: 130 | next_start: resumes',
      { event: 'upload-stopped', batches: 2, bets: 260, inDoubt: 130, resumable: true },
    ],
    [
      'WARNING  action: await_turn | result: in_progress | client_id: 3 | silent_ms: 60000 | error: no answer yet, the server may be serving or awaiting other agencies; is it right?',
      { event: 'waiting-for-turn', silentMs: 60_000, hint: '; is it right?' },
    ],
    [
      'WARNING  action: finish | result: in_progress | client_id: 3 | error: the repeated end of the bets was refused, so the first one counts; asking for the winners',
      { event: 'finish-in-doubt' },
    ],
    [
      'INFO     action: shutdown | result: in_progress | client_id: 3 | signal: SIGTERM',
      { event: 'stopping', signal: 'SIGTERM' },
    ],
    [
      'INFO     action: close_file | result: success | client_id: 3 | file: a.csv',
      { event: 'file-closed', file: 'a.csv' },
    ],
    ['INFO     action: shutdown | result: success | client_id: 3', { event: 'stopped' }],
  ])('has the line: %s', (line, event) => {
    expect(lineOf(event)).toBe(line);
  });
});
