import type {
  AgencyEvent,
  AgencyFileEvent,
  AgencyProcessEvent,
  Emit,
  UploadEvent,
} from './events.ts';
import { NEXT_LOTTERY } from '../wire/refusal.ts';
import type { Log } from './log.ts';
import { asError, asInfo, asWarning, logBy, type LogTable } from './log-table.ts';

/** A second run in the same folder or containers shows the winners of the first. */
const SENT_BEFORE = `an earlier run has sent all of them; ${NEXT_LOTTERY}`;

/** The client's log lines. The assignment fixes its own actions, in Spanish. */
const uploadLines = (client_id: number): LogTable<UploadEvent> => ({
  'bet-sent': ({ document: dni, number: numero }) =>
    asInfo('apuesta_enviada', 'success', { dni, numero }),
  'upload-progress': ({ bets, fileBets: of }) =>
    asInfo('upload', 'in_progress', { client_id, bets, of }),
  'upload-resumed': ({ bets }) => asInfo('resume_upload', 'success', { client_id, bets }),
  'batch-refused': event => {
    const { seq: first_bet, count: bets, firstLine: from_line, index, field, reason } = event;
    const details = { client_id, first_bet, bets, from_line, index, field, reason };
    return asError('upload', 'fail', details);
  },
  'bets-refused': ({ count: bets, firstLine: from_line, reason }) =>
    asError('upload', 'fail', { client_id, bets, from_line, reason }),
  'upload-stopped': ({ batches, bets, inDoubt: in_doubt, resumable }) => {
    const details = { client_id, batches, bets, in_doubt };
    if (resumable) return asWarning('upload', 'in_progress', { ...details, next_start: 'resumes' });
    const next_start = 'would send these bets again, the central must void them first';
    return asError('upload', 'fail', { ...details, next_start });
  },
  'upload-done': ({ batches, bets }) => {
    const hint = batches === 0 && bets > 0 ? { hint: SENT_BEFORE } : {};
    return asInfo('upload', 'success', { client_id, batches, bets, ...hint });
  },
  'finish-in-doubt': () =>
    asWarning('finish', 'in_progress', {
      client_id,
      error:
        'the repeated end of the bets was refused, so the first one counts; asking for the winners',
    }),
  'waiting-for-draw': ({ waitMs }) =>
    asInfo('consulta_ganadores', 'in_progress', {
      client_id,
      next_try_ms: waitMs === undefined ? undefined : Math.round(waitMs),
    }),
  'acta-checked': ({ acta, bets, sha256, error }) =>
    error === undefined
      ? asInfo('acta', 'success', { client_id, acta, bets, sha256 })
      : asError('acta', 'fail', { client_id, acta, error }),
  'acta-unchecked': ({ acta, error }) =>
    asWarning('acta', 'in_progress', { client_id, acta, error }),
  winners: ({ documents }) =>
    asInfo('consulta_ganadores', 'success', { cant_ganadores: documents.length }),
  echo: ({ text: msg }) => asInfo('receive_message', 'success', { client_id, msg }),
  'echo-finished': () => asInfo('loop_finished', 'success', { client_id }),
});

const processLines = (client_id: number): LogTable<AgencyProcessEvent | AgencyFileEvent> => ({
  connecting: ({ attempt, error, waitMs, address }) =>
    asWarning('connect', 'in_progress', {
      client_id,
      attempt,
      error,
      next_try_ms: Math.round(waitMs),
      address,
    }),
  'tls-kept': ({ error }) =>
    asError('open_tls', 'fail', { client_id, error, kept: 'the files that were read before' }),
  connected: ({ address }) => asInfo('connect', 'success', { client_id, address }),
  'waiting-for-turn': ({ silentMs: silent_ms, hint }) => {
    const error = `no answer yet, the server may be serving or awaiting other agencies${hint}`;
    return asWarning('await_turn', 'in_progress', { client_id, silent_ms, error });
  },
  reconnecting: ({ error, waitMs, address }) =>
    asWarning('reconnect', 'in_progress', {
      client_id,
      error,
      next_try_ms: waitMs && Math.round(waitMs),
      address,
    }),
  'socket-closed': ({ address }) => asInfo('close_socket', 'success', { client_id, address }),
  'file-closed': ({ file }) => asInfo('close_file', 'success', { client_id, file }),
  'timer-closed': ({ timer }) => asInfo('close_timer', 'success', { client_id, timer }),
  'lines-refused': ({ count }) => asError('exit', 'fail', { client_id, refused_lines: count }),
  failed: ({ action, error }) => asError(action, 'fail', { client_id, error }),
  stopping: ({ signal }) => asInfo('shutdown', 'in_progress', { client_id, signal }),
  stopped: () => asInfo('shutdown', 'success', { client_id }),
  // The value of a faulty field is logged: without it the fault cannot be found.
  'line-refused': ({ file, line, lastLine: last_line, field, value, reason }) =>
    asError('read_bet', 'fail', { file, line, last_line, field, value, reason }),
  'more-refused': ({ file, field, reason, count: more }) =>
    asError('read_bet', 'fail', { file, field, reason, more }),
  'cause-guessed': ({ file, count: faults, hint }) =>
    asError('check_file', 'fail', { file, faults, hint }),
  'heading-skipped': ({ file }) => asInfo('skip_heading', 'success', { file, line: 1 }),
  'lines-skipped': ({ count: lines, rejected: file }) =>
    asWarning('skip_lines', 'success', { client_id, lines, file }),
  'winners-delayed': ({ file, error, waitMs }) =>
    asWarning('write_winners', 'in_progress', {
      client_id,
      file,
      error,
      next_try_ms: Math.round(waitMs),
    }),
  'file-checked': ({ file, bets }) => asInfo('check_file', 'success', { client_id, file, bets }),
});

export function logAgency(log: Log, id: number): Emit<AgencyEvent> {
  return logBy<AgencyEvent>(log, { ...uploadLines(id), ...processLines(id) });
}
