import { describe, expect, test } from 'vitest';
import { logCentral } from '../../src/observe/central-log.ts';
import type { CentralEvent } from '../../src/observe/events.ts';
import { Log } from '../../src/observe/log.ts';

/** The line of an event without its time. */
function lineOf(event: CentralEvent): string {
  let written = '';
  const log = new Log({
    level: 'DEBUG',
    format: 'text',
    write: line => (written += line),
    clock: () => new Date(),
  });
  logCentral(log)(event);
  return written.slice('2024-08-21 22:11:15 '.length, -1);
}

const SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe("the server's log", () => {
  test.each<[string, CentralEvent]>([
    [
      'WARNING  action: sorteo | result: in_progress | error: cannot write bets.journal, the disk is full (ENOSPC)',
      { event: 'draw-delayed', error: 'cannot write bets.journal, the disk is full (ENOSPC)' },
    ],
    [
      `INFO     action: follow_draw | result: success | bets: 100 | winners: 2 | sha256: ${SHA256}`,
      { event: 'draw-followed', bets: 100, winners: 2, seal: SHA256 },
    ],
    [
      'WARNING  action: reach_engine | result: in_progress | error: 10.0.0.1 5432 does not answer',
      { event: 'engine-unavailable', error: '10.0.0.1:5432 does not answer', isUnsafe: false },
    ],
    [
      'INFO     action: reach_engine | result: success | ms: 2713',
      { event: 'engine-available', awayMs: 2712.6 },
    ],
    ['WARNING  action: check_engine | result: success | sync: single', { event: 'engine-single' }],
    [
      'WARNING  action: watch_files | result: in_progress | file: bets.lock | warning: the file was removed',
      { event: 'store-warning', file: 'bets.lock', warning: 'the file was removed' },
    ],
    [
      'INFO     action: open_store | result: success | file: bets.csv | bets: 7 | finished: 2 of 5 agencies | finished_ids: 1,3 | state: open',
      {
        event: 'store-opened',
        file: 'bets.csv',
        bets: 7,
        finished: [1, 3],
        expected: 5,
        state: 'open',
      },
    ],
    [
      'INFO     action: agency_finished | result: success | agency: 1 | missing: 65534 | waiting_for: 2,3 and 65532 more',
      { event: 'agency-finished', agency: 1, missing: 65_534, waitingFor: [2, 3] },
    ],
    [
      'ERROR    action: refuse | result: fail | ip: 10.0.0.1 | code: payload-too-large | detail: too long | hint: the client needs a smaller batch.maxAmount, or the server a higher PAYLOAD_BYTES_MAX',
      {
        event: 'message-refused',
        ip: '10.0.0.1',
        refusal: { code: 'payload-too-large', detail: 'too long' },
      },
    ],
    [
      'WARNING  action: answer_http | result: fail | ip: 10.0.0.1 | host: evil.example | error: HTTP_NAMES does not include it',
      { event: 'http-refused', ip: '10.0.0.1', host: 'evil.example' },
    ],
    [
      'INFO     action: close_socket | result: success | ip: 10.0.0.1 | agency: 1 | all_sent: no',
      { event: 'connection-closed', ip: '10.0.0.1', agency: 1, unfinished: true, resumable: true },
    ],
    [
      'WARNING  action: receive_message | result: fail | ip: 10.0.0.1 | error: ECONNRESET',
      { event: 'connection-error', ip: '10.0.0.1', error: 'ECONNRESET' },
    ],
    [
      'WARNING  action: receive_message | result: in_progress | ip: 10.0.0.1 | error: ECONNRESET',
      { event: 'connection-error', ip: '10.0.0.1', error: 'ECONNRESET', resumable: true },
    ],
    [
      'WARNING  action: cut_connection | result: in_progress | ip: 10.0.0.1 | agency: 1 | reason: truncated',
      { event: 'connection-cut', ip: '10.0.0.1', agency: 1, reason: 'truncated', resumable: true },
    ],
  ])('has the line: %s', (line, event) => {
    expect(lineOf(event)).toBe(line);
  });
});
