import type {
  AgencyEvent,
  AgencyFileEvent,
  AgencyProcessEvent,
  Emit,
  UploadEvent,
} from './events.ts';
import { NEXT_LOTTERY } from '../wire/refusal.ts';
import type { Log } from './log.ts';
import { logBy, type LogTable } from './log-table.ts';

/** A second run in the same folder or containers shows the winners of the first. */
const SENT_BEFORE = `an earlier run has sent all of them; ${NEXT_LOTTERY}`;

/** The client's log lines. The assignment fixes its own actions, in Spanish. */
const uploadLines = (client_id: number): LogTable<UploadEvent> => ({
  'bet-sent': ({ document: dni, number: numero }) => [
    'info',
    'apuesta_enviada',
    'success',
    { dni, numero },
  ],
  'upload-progress': ({ bets, fileBets: of }) => [
    'info',
    'upload',
    'in_progress',
    { client_id, bets, of },
  ],
  'upload-resumed': ({ bets }) => ['info', 'resume_upload', 'success', { client_id, bets }],
  'batch-refused': event => {
    const { seq: first_bet, count: bets, firstLine: from_line, index, field, reason } = event;
    const details = { client_id, first_bet, bets, from_line, index, field, reason };
    return ['error', 'upload', 'fail', details];
  },
  'bets-refused': ({ count: bets, firstLine: from_line, reason }) => [
    'error',
    'upload',
    'fail',
    { client_id, bets, from_line, reason },
  ],
  'upload-stopped': ({ batches, bets, inDoubt: in_doubt, resumable }) => {
    const details = { client_id, batches, bets, in_doubt };
    if (resumable)
      return ['warning', 'upload', 'in_progress', { ...details, next_start: 'resumes' }];
    const next_start = 'would send these bets again, the central must void them first';
    return ['error', 'upload', 'fail', { ...details, next_start }];
  },
  'upload-done': ({ batches, bets }) => {
    const hint = batches === 0 && bets > 0 ? { hint: SENT_BEFORE } : {};
    return ['info', 'upload', 'success', { client_id, batches, bets, ...hint }];
  },
  'finish-in-doubt': () => [
    'warning',
    'finish',
    'in_progress',
    {
      client_id,
      error:
        'the repeated end of the bets was refused, so the first one counts; asking for the winners',
    },
  ],
  'waiting-for-draw': ({ waitMs }) => [
    'info',
    'consulta_ganadores',
    'in_progress',
    { client_id, next_try_ms: waitMs === undefined ? undefined : Math.round(waitMs) },
  ],
  'acta-checked': ({ acta, bets, sha256, error }) =>
    error === undefined
      ? ['info', 'acta', 'success', { client_id, acta, bets, sha256 }]
      : ['error', 'acta', 'fail', { client_id, acta, error }],
  'acta-unchecked': ({ acta, error }) => [
    'warning',
    'acta',
    'in_progress',
    { client_id, acta, error },
  ],
  winners: ({ documents }) => [
    'info',
    'consulta_ganadores',
    'success',
    { cant_ganadores: documents.length },
  ],
  echo: ({ text: msg }) => ['info', 'receive_message', 'success', { client_id, msg }],
  'echo-finished': () => ['info', 'loop_finished', 'success', { client_id }],
});

const processLines = (client_id: number): LogTable<AgencyProcessEvent | AgencyFileEvent> => ({
  connecting: ({ attempt, error, waitMs, address }) => [
    'warning',
    'connect',
    'in_progress',
    { client_id, attempt, error, next_try_ms: Math.round(waitMs), address },
  ],
  'tls-kept': ({ error }) => [
    'error',
    'open_tls',
    'fail',
    { client_id, error, kept: 'the files that were read before' },
  ],
  connected: ({ address }) => ['info', 'connect', 'success', { client_id, address }],
  'waiting-for-turn': ({ silentMs: silent_ms, hint }) => {
    const error = `no answer yet, the server may be serving or awaiting other agencies${hint}`;
    return ['warning', 'await_turn', 'in_progress', { client_id, silent_ms, error }];
  },
  reconnecting: ({ error, waitMs, address }) => [
    'warning',
    'reconnect',
    'in_progress',
    { client_id, error, next_try_ms: waitMs && Math.round(waitMs), address },
  ],
  'socket-closed': ({ address }) => ['info', 'close_socket', 'success', { client_id, address }],
  'file-closed': ({ file }) => ['info', 'close_file', 'success', { client_id, file }],
  'timer-closed': ({ timer }) => ['info', 'close_timer', 'success', { client_id, timer }],
  'lines-refused': ({ count }) => ['error', 'exit', 'fail', { client_id, refused_lines: count }],
  failed: ({ action, error }) => ['error', action, 'fail', { client_id, error }],
  stopping: ({ signal }) => ['info', 'shutdown', 'in_progress', { client_id, signal }],
  stopped: () => ['info', 'shutdown', 'success', { client_id }],
  // The value of a faulty field is logged: without it the fault cannot be found.
  'line-refused': ({ file, line, lastLine: last_line, field, value, reason }) => [
    'error',
    'read_bet',
    'fail',
    { file, line, last_line, field, value, reason },
  ],
  'more-refused': ({ file, field, reason, count: more }) => [
    'error',
    'read_bet',
    'fail',
    { file, field, reason, more },
  ],
  'cause-guessed': ({ file, count: faults, hint }) => [
    'error',
    'check_file',
    'fail',
    { file, faults, hint },
  ],
  'heading-skipped': ({ file }) => ['info', 'skip_heading', 'success', { file, line: 1 }],
  'lines-skipped': ({ count: lines, rejected: file }) => [
    'warning',
    'skip_lines',
    'success',
    { client_id, lines, file },
  ],
  'winners-delayed': ({ file, error, waitMs }) => [
    'warning',
    'write_winners',
    'in_progress',
    { client_id, file, error, next_try_ms: Math.round(waitMs) },
  ],
  'file-checked': ({ file, bets }) => ['info', 'check_file', 'success', { client_id, file, bets }],
});

export function logAgency(log: Log, id: number): Emit<AgencyEvent> {
  return logBy<AgencyEvent>(log, { ...uploadLines(id), ...processLines(id) });
}
