import type { AgencyEvent, Emit } from './events.ts';
import type { Log } from './log.ts';

/** The client's log: one place for all its lines. The assignment's own actions are in Spanish, as it fixes them. */
export function logAgency(log: Log, id: number): Emit<AgencyEvent> {
  return event => {
    switch (event.event) {
      case 'connecting':
        log.warning('connect', 'in_progress', {
          client_id: id,
          attempt: event.attempt,
          error: event.error,
          next_try_ms: Math.round(event.waitMs),
        });
        return;
      case 'connected':
        log.info('connect', 'success', { client_id: id, address: event.address });
        return;
      case 'reconnecting':
        log.warning('reconnect', 'in_progress', { client_id: id, error: event.error });
        return;
      case 'line-refused':
        log.error('read_bet', 'fail', {
          file: event.file,
          line: event.line,
          field: event.field,
          reason: event.reason,
        });
        return;
      case 'bet-sent':
        log.info('apuesta_enviada', 'success', { dni: event.document, numero: event.number });
        return;
      case 'upload-progress':
        log.info('upload', 'in_progress', {
          client_id: id,
          bets: event.bets,
          bytes: event.fileBytesRead,
          of: event.fileBytes,
        });
        return;
      case 'upload-done':
        log.info('upload', 'success', { client_id: id, batches: event.batches, bets: event.bets });
        return;
      case 'waiting-for-draw':
        log.info('consulta_ganadores', 'in_progress', {
          client_id: id,
          next_try_ms: Math.round(event.waitMs),
        });
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
      case 'failed':
        log.error(event.action, 'fail', { client_id: id, error: event.error });
        return;
      case 'lines-refused':
        log.error('exit', 'fail', { client_id: id, refused_lines: event.count });
        return;
      case 'stopping':
        log.info('shutdown', 'in_progress', { client_id: id, signal: event.signal });
        return;
      case 'file-closed':
        log.info('close_file', 'success', { client_id: id, file: event.file });
        return;
      case 'socket-closed':
        log.info('close_socket', 'success', { client_id: id, address: event.address });
        return;
      case 'stopped':
        log.info('shutdown', 'success', { client_id: id });
        return;
    }
  };
}
