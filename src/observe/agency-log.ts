import type { AgencyEvent, AgencyFileEvent, AgencyProcessEvent, Emit } from './events.ts';
import type { Log } from './log.ts';

/** The client's log: one place for all its lines. The assignment's own actions are in Spanish, as it fixes them. */
export function logAgency(log: Log, id: number): Emit<AgencyEvent> {
  return event => {
    switch (event.event) {
      case 'bet-sent':
        log.info('apuesta_enviada', 'success', { dni: event.document, numero: event.number });
        return;
      case 'upload-progress': {
        const { bets, fileBytesRead: bytes, fileBytes: of } = event;
        log.info('upload', 'in_progress', { client_id: id, bets, bytes, of });
        return;
      }
      case 'upload-resumed':
        log.info('resume_upload', 'success', { client_id: id, bets: event.bets });
        return;
      case 'batch-refused': {
        const { seq: first_bet, count: bets, firstLine: from_line, index, field, reason } = event;
        log.error('upload', 'fail', { client_id: id, first_bet, bets, from_line, index, field, reason });
        return;
      }
      case 'bets-refused': {
        const { count: bets, firstLine: from_line, reason } = event;
        log.error('upload', 'fail', { client_id: id, bets, from_line, reason });
        return;
      }
      case 'upload-stopped': {
        const { batches, bets, inDoubt: in_doubt, resumable } = event;
        const details = { client_id: id, batches, bets, in_doubt };
        if (resumable) log.warning('upload', 'in_progress', { ...details, next_start: 'resumes' });
        else
          log.error('upload', 'fail', {
            ...details,
            next_start: 'would send these bets again, the central must void them first',
          });
        return;
      }
      case 'upload-done':
        log.info('upload', 'success', { client_id: id, batches: event.batches, bets: event.bets });
        return;
      case 'finish-in-doubt':
        log.warning('finish', 'in_progress', {
          client_id: id,
          error: 'the repeated end of the bets was refused, so the first one counts; asking for the winners',
        });
        return;
      case 'waiting-for-draw':
        log.info('consulta_ganadores', 'in_progress', {
          client_id: id,
          next_try_ms: event.waitMs === undefined ? undefined : Math.round(event.waitMs),
        });
        return;
      case 'acta-checked': {
        const { acta, bets, sha256, error } = event;
        if (error === undefined) log.info('acta', 'success', { client_id: id, acta, bets, sha256 });
        else log.error('acta', 'fail', { client_id: id, acta, error });
        return;
      }
      case 'acta-unchecked':
        log.warning('acta', 'in_progress', { client_id: id, acta: event.acta, error: event.error });
        return;
      case 'winners':
        log.info('consulta_ganadores', 'success', { cant_ganadores: event.documents.length });
        return;
      case 'echo':
        log.info('receive_message', 'success', { client_id: id, msg: event.text });
        return;
      case 'echo-finished':
        log.info('loop_finished', 'success', { client_id: id });
        return;
      default:
        logProcess(log, id, event);
    }
  };
}

function logProcess(log: Log, id: number, event: AgencyProcessEvent | AgencyFileEvent): void {
  switch (event.event) {
    case 'connecting': {
      const { attempt, error, waitMs, address } = event;
      log.warning('connect', 'in_progress', {
        client_id: id,
        attempt,
        error,
        next_try_ms: Math.round(waitMs),
        address,
      });
      return;
    }
    case 'tls-kept':
      log.error('open_tls', 'fail', {
        client_id: id,
        error: event.error,
        kept: 'the files that were read before',
      });
      return;
    case 'connected':
      log.info('connect', 'success', { client_id: id, address: event.address });
      return;
    case 'waiting-for-turn': {
      const { silentMs: silent_ms, hint } = event;
      log.warning('await_turn', 'in_progress', {
        client_id: id,
        silent_ms,
        error: `no answer yet, the server may be serving or awaiting other agencies${hint}`,
      });
      return;
    }
    case 'reconnecting':
      log.warning('reconnect', 'in_progress', {
        client_id: id,
        error: event.error,
        next_try_ms: event.waitMs && Math.round(event.waitMs),
        address: event.address,
      });
      return;
    case 'socket-closed':
      log.info('close_socket', 'success', { client_id: id, address: event.address });
      return;
    case 'file-closed':
      log.info('close_file', 'success', { client_id: id, file: event.file });
      return;
    case 'timer-closed':
      log.info('close_timer', 'success', { client_id: id, timer: event.timer });
      return;
    case 'lines-refused':
      log.error('exit', 'fail', { client_id: id, refused_lines: event.count });
      return;
    case 'failed':
      log.error(event.action, 'fail', { client_id: id, error: event.error });
      return;
    case 'stopping':
      log.info('shutdown', 'in_progress', { client_id: id, signal: event.signal });
      return;
    case 'stopped':
      log.info('shutdown', 'success', { client_id: id });
      return;
    default:
      logFile(log, id, event);
  }
}

/** The values of fields at fault are logged: without them the fault cannot be found. */
function logFile(log: Log, id: number, event: AgencyFileEvent): void {
  switch (event.event) {
    case 'line-refused': {
      const { file, line, lastLine: last_line, field, value, reason } = event;
      log.error('read_bet', 'fail', { file, line, last_line, field, value, reason });
      return;
    }
    case 'more-refused': {
      const { file, field, reason, count: more } = event;
      log.error('read_bet', 'fail', { file, field, reason, more });
      return;
    }
    case 'cause-guessed':
      log.error('check_file', 'fail', { file: event.file, faults: event.count, hint: event.hint });
      return;
    case 'heading-skipped':
      log.info('skip_heading', 'success', { file: event.file, line: 1 });
      return;
    case 'lines-skipped':
      log.warning('skip_lines', 'success', { client_id: id, lines: event.count, file: event.rejected });
      return;
    case 'winners-delayed': {
      const { file, error, waitMs } = event;
      const next_try_ms = Math.round(waitMs);
      log.warning('write_winners', 'in_progress', { client_id: id, file, error, next_try_ms });
      return;
    }
    case 'file-checked':
      log.info('check_file', 'success', { client_id: id, file: event.file, bets: event.bets });
      return;
  }
}
