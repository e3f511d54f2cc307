import type { ByHand } from '../lottery/fact.ts';
import type { StoreEvent } from '../store/store.ts';
import {
  AGENCIES_LISTED_MAX,
  type CentralEvent,
  type DrawEvent,
  type Emit,
  type ResourceEvent,
} from './events.ts';
import type { Log, Result } from './log.ts';

const NO_BETS =
  "no bet is taken after a draw; the next lottery begins with 'loteria draw new', or another STORE_LOTTERY";

/** The server's log: one place for all its lines. The assignment's own actions are in Spanish, as it fixes them. */
export function logCentral(log: Log): Emit<CentralEvent> {
  return event => {
    switch (event.event) {
      case 'agency-identified':
        log.debug('identify', 'success', { ip: event.ip, agency: event.agency });
        return;
      case 'bet-stored':
        log.info('apuesta_almacenada', 'success', { dni: event.document, numero: event.number });
        return;
      case 'batch-stored':
        log.info('apuesta_recibida', 'success', { cantidad: event.count });
        return;
      case 'upload-resumed': {
        const { agency, upload, bets } = event;
        log.info('resume_upload', 'success', { agency, upload, bets });
        return;
      }
      case 'batch-repeated':
        log.debug('repeat_batch', 'success', { agency: event.agency, batch: event.seq });
        return;
      case 'bets-refused':
        if (event.single) log.error('apuesta_almacenada', 'fail');
        else log.error('apuesta_recibida', 'fail', { cantidad: event.count });
        return;
      case 'message-refused':
        log.error('refuse', 'fail', {
          ip: event.ip,
          ...event.listener,
          agency: event.agency,
          ...event.refusal,
        });
        return;
      case 'done-by-hand':
        logByHand(log, event.fact);
        return;
      case 'agency-finished': {
        const { agency, missing, waitingFor } = event;
        log.info('agency_finished', 'success', {
          agency,
          missing,
          waiting_for: listed(waitingFor, missing),
        });
        return;
      }
      case 'closed':
      case 'draw-waits':
      case 'signature-refused':
      case 'acta-disputed':
      case 'draw-held':
      case 'draw-followed':
      case 'draw-delayed':
        logDraw(log, event);
        return;
      case 'log-dropped':
        log.warning('write_log', 'in_progress', { dropped: event.lines });
        return;
      case 'echo':
        log.info('receive_message', 'success', { ip: event.ip, msg: event.text });
        return;
      default:
        logResource(log, event);
    }
  };
}

function logDraw(log: Log, event: DrawEvent): void {
  switch (event.event) {
    case 'closed': {
      const { acta, sha256 } = event;
      log.info('cierre', 'success', { apuestas: acta.bets, sha256, acta: acta.number });
      return;
    }
    case 'draw-waits': {
      const { acta, wait } = event;
      const waits = 'until' in wait ? { until: wait.until } : { waiting_for: wait.signature };
      log.info('sorteo', 'in_progress', { acta, ...waits });
      return;
    }
    case 'signature-refused': {
      const { acta, file, error } = event;
      log.error('firma', 'fail', { acta, file, error });
      return;
    }
    case 'acta-disputed': {
      const { agency, acta, detail } = event;
      log.error('acta', 'fail', { agency, acta, error: detail });
      return;
    }
    case 'draw-held': {
      const { bets, winners, seal, durationMs } = event;
      log.info('sorteo', 'success');
      log.info('draw', 'success', { bets, winners, ms: Math.round(durationMs), sha256: seal });
      // Before any agency is told its winners.
      log.flush();
      return;
    }
    case 'draw-followed': {
      const { bets, winners, seal } = event;
      log.info('follow_draw', 'success', { bets, winners, sha256: seal });
      log.flush();
      return;
    }
    case 'draw-delayed':
      log.warning('sorteo', 'in_progress', { error: event.error });
      return;
  }
}

function logResource(log: Log, event: ResourceEvent): void {
  switch (event.event) {
    case 'listening':
      log.info('listen', 'success', { address: event.address, port: event.port, dialect: event.dialect });
      return;
    case 'http-listening':
      log.info('listen_http', 'success', { url: event.url });
      return;
    case 'accepting':
      log.info('accept_connections', 'in_progress');
      return;
    case 'connection-accepted':
      log.info('accept_connections', 'success', { ip: event.ip });
      return;
    case 'connection-refused':
      log.warning('accept_connections', 'fail', { ip: event.ip, ...event.listener, ...event.refusal });
      return;
    case 'tls-opened':
    case 'tls-kept':
    case 'certificate-trouble':
    case 'handshake-done':
    case 'handshake-failed':
      logTls(log, event);
      return;
    case 'connection-cut':
    case 'connection-error':
    case 'connection-closed':
      logConnection(log, event);
      return;
    case 'listener-error':
      log.error('accept_connections', 'fail', { error: event.error });
      return;
    case 'listener-closed':
      log.info('close_listener', 'success', { port: event.port });
      return;
    case 'timer-closed':
      log.info('close_timer', 'success', { timer: event.timer });
      return;
    case 'tail-cut':
      log.warning('cut_torn_tail', 'success', { file: event.file, bytes: event.bytes, kept: event.kept });
      return;
    case 'store-opened': {
      const { file, bets, state, expected } = event;
      const finished = `${event.finished.length} of ${expected} agencies`;
      const finished_ids = listed(event.finished, event.finished.length);
      const hint = state === 'drawn' ? { hint: NO_BETS } : {};
      log.info('open_store', 'success', { file, bets, finished, finished_ids, state, ...hint });
      return;
    }
    case 'engine-unavailable':
    case 'engine-available':
    case 'engine-single':
    case 'store-warning':
      logStore(log, event);
      return;
    case 'file-closed':
      log.info('close_file', 'success', { file: event.file });
      return;
    case 'failed':
      log.error(event.action, 'fail', { error: event.error });
      return;
    case 'stopping':
      log.info('shutdown', 'in_progress', { signal: event.signal });
      return;
    case 'stopped':
      log.info('shutdown', 'success');
      return;
  }
}

type ConnectionEvent = Extract<
  ResourceEvent,
  { event: 'connection-cut' | 'connection-error' | 'connection-closed' }
>;

function logConnection(log: Log, event: ConnectionEvent): void {
  const { ip } = event;
  switch (event.event) {
    case 'connection-cut': {
      const { agency, reason, listener } = event;
      const details = { ip, ...listener, agency, reason };
      // An agency that only waits is sent away without having done anything wrong.
      if (reason === 'idle') log.info('cut_connection', 'success', details);
      else log.warning('cut_connection', givenUp(event), details);
      return;
    }
    case 'connection-error':
      log.warning('receive_message', givenUp(event), { ip, ...event.listener, error: event.error });
      return;
    case 'connection-closed': {
      const { agency, unfinished, resumable } = event;
      // A peer that leaves before it has said that its bets were all would leave no other trace.
      const level = unfinished && !resumable ? 'warning' : 'info';
      log[level]('close_socket', 'success', { ip, agency, all_sent: unfinished ? 'no' : undefined });
      return;
    }
  }
}

function logStore(log: Log, event: StoreEvent): void {
  switch (event.event) {
    case 'engine-unavailable':
      log.warning('reach_engine', 'in_progress', { error: event.error });
      return;
    case 'engine-available':
      log.info('reach_engine', 'success', { ms: Math.round(event.awayMs) });
      return;
    case 'engine-single':
      log.warning('check_engine', 'success', { sync: 'single' });
      return;
    case 'store-warning':
      log.warning('watch_files', 'in_progress', { file: event.file, warning: event.warning });
      return;
  }
}

type TlsEvent = Extract<
  ResourceEvent,
  { event: 'tls-opened' | 'tls-kept' | 'certificate-trouble' | 'handshake-done' | 'handshake-failed' }
>;

function logTls(log: Log, event: TlsEvent): void {
  switch (event.event) {
    case 'tls-opened': {
      const { subject, validities, mutual } = event;
      log.info('open_tls', 'success', {
        certificate: subject,
        valid_to: dayOf(validities[0]!.validTo),
        client_certificates: mutual ? 'required' : 'none',
      });
      return;
    }
    case 'tls-kept':
      log.error('open_tls', 'fail', { error: event.error, kept: 'the files that were read before' });
      return;
    case 'certificate-trouble': {
      const { file, validFrom, validTo, trouble } = event;
      const days = { valid_from: dayOf(validFrom), valid_to: dayOf(validTo) };
      const result = trouble === 'expires soon' ? 'in_progress' : 'fail';
      log.warning('check_certificate', result, { file, ...days, error: `the certificate ${trouble}` });
      return;
    }
    case 'handshake-done':
      log.debug('tls_handshake', 'success', { ip: event.ip, protocol: event.protocol, agency: event.agency });
      return;
    case 'handshake-failed':
      log.warning('tls_handshake', 'fail', { ip: event.ip, error: event.error });
      return;
  }
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

function givenUp({ resumable }: { readonly resumable?: boolean }): Result {
  return resumable === true ? 'in_progress' : 'fail';
}

/** The first of so many agencies. */
function listed(agencies: readonly number[], count: number): string {
  const first = agencies.slice(0, AGENCIES_LISTED_MAX);
  const more = count > first.length ? ` and ${count - first.length} more` : '';
  return `${first.join(',') || 'none'}${more}`;
}

function logByHand(log: Log, fact: ByHand): void {
  const { reason, by, time: at } = fact.intervention;
  const how = { reason, by, at };
  switch (fact.kind) {
    case 'agencies':
      log.warning('set_agencies', 'success', { agencies: fact.agencies, ...how });
      return;
    case 'reopened':
      log.warning('reopen_agency', 'success', { agency: fact.agency, ...how });
      return;
    case 'voided': {
      const { agency, upload, bets } = fact;
      log.warning('void_agency', 'success', { agency, upload, bets, ...how });
    }
  }
}
