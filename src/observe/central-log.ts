import type { ByHand } from '../lottery/fact.ts';
import { NEXT_LOTTERY } from '../wire/refusal.ts';
import { AGENCIES_LISTED_MAX, type CentralEvent, type Emit } from './events.ts';
import type { Log, Result } from './log.ts';
import { asDebug, asError, asInfo, asWarning, logBy, type LogTable } from './log-table.ts';

const TOO_LARGE =
  'the client needs a smaller batch.maxAmount, or the server a higher PAYLOAD_BYTES_MAX';
const NO_BETS = `no bet is taken after a draw; ${NEXT_LOTTERY}`;

/** The server's log lines. The assignment fixes its own actions, in Spanish. */
const LINES: LogTable<CentralEvent> = {
  'agency-identified': ({ ip, agency }) => asDebug('identify', 'success', { ip, agency }),
  'bet-stored': ({ document: dni, number: numero }) =>
    asInfo('apuesta_almacenada', 'success', { dni, numero }),
  'batch-stored': ({ count }) => asInfo('apuesta_recibida', 'success', { cantidad: count }),
  'upload-resumed': ({ agency, upload, bets }) =>
    asInfo('resume_upload', 'success', { agency, upload, bets }),
  'batch-repeated': ({ agency, seq }) => asDebug('repeat_batch', 'success', { agency, batch: seq }),
  'bets-refused': ({ single, count }) =>
    single
      ? asError('apuesta_almacenada', 'fail')
      : asError('apuesta_recibida', 'fail', { cantidad: count }),
  'message-refused': ({ ip, listener, agency, refusal }) =>
    asError('refuse', 'fail', {
      ip,
      ...listener,
      agency,
      ...refusal,
      ...(refusal.code === 'payload-too-large' && { hint: TOO_LARGE }),
    }),
  'done-by-hand': ({ fact }) => {
    const { reason, by, time: at } = fact.intervention;
    const [action, subject] = interventionOf(fact);
    return asWarning(action, 'success', { ...subject, reason, by, at });
  },
  'agency-finished': ({ agency, missing, waitingFor }) =>
    asInfo('agency_finished', 'success', {
      agency,
      missing,
      waiting_for: listed(waitingFor, missing),
    }),
  closed: ({ acta: { bets, number }, sha256 }) =>
    asInfo('cierre', 'success', { apuestas: bets, sha256, acta: number }),
  'draw-waits': ({ acta, wait }) => {
    const waits = 'until' in wait ? { until: wait.until } : { waiting_for: wait.signature };
    return asInfo('sorteo', 'in_progress', { acta, ...waits });
  },
  'signature-refused': ({ acta, file, error }) => asError('firma', 'fail', { acta, file, error }),
  'acta-disputed': ({ agency, acta, detail }) =>
    asError('acta', 'fail', { agency, acta, error: detail }),
  'draw-held': ({ bets, winners, seal, durationMs }) => [
    asInfo('sorteo', 'success'),
    asInfo('draw', 'success', { bets, winners, ms: Math.round(durationMs), sha256: seal }),
  ],
  'draw-followed': ({ bets, winners, seal }) =>
    asInfo('follow_draw', 'success', { bets, winners, sha256: seal }),
  'draw-delayed': ({ error }) => asWarning('sorteo', 'in_progress', { error }),
  'log-dropped': ({ lines }) => asWarning('write_log', 'in_progress', { dropped: lines }),
  echo: ({ ip, text: msg }) => asInfo('receive_message', 'success', { ip, msg }),
  listening: ({ address, port, dialect }) =>
    asInfo('listen', 'success', { address, port, dialect }),
  'http-listening': ({ url }) => asInfo('listen_http', 'success', { url }),
  'http-refused': ({ ip, host }) =>
    asWarning('answer_http', 'fail', { ip, host, error: 'HTTP_NAMES does not include it' }),
  accepting: () => asInfo('accept_connections', 'in_progress'),
  'connection-accepted': ({ ip }) => asInfo('accept_connections', 'success', { ip }),
  'connection-refused': ({ ip, listener, refusal }) =>
    asWarning('accept_connections', 'fail', { ip, ...listener, ...refusal }),
  'tls-opened': ({ subject, validities, mutual }) =>
    asInfo('open_tls', 'success', {
      certificate: subject,
      valid_to: dayOf(validities[0]!.validTo),
      client_certificates: mutual ? 'required' : 'none',
    }),
  'tls-kept': ({ error }) =>
    asError('open_tls', 'fail', { error, kept: 'the files that were read before' }),
  'certificate-trouble': ({ file, validFrom, validTo, trouble }) => {
    const days = { valid_from: dayOf(validFrom), valid_to: dayOf(validTo) };
    const result = trouble === 'expires soon' ? 'in_progress' : 'fail';
    const error = `the certificate ${trouble}`;
    return asWarning('check_certificate', result, { file, ...days, error });
  },
  'handshake-done': ({ ip, protocol, agency }) =>
    asDebug('tls_handshake', 'success', { ip, protocol, agency }),
  'handshake-failed': ({ ip, error }) => asWarning('tls_handshake', 'fail', { ip, error }),
  'connection-cut': ({ ip, listener, agency, reason, resumable }) => {
    const details = { ip, ...listener, agency, reason };
    // An idle agency has done nothing wrong.
    return reason === 'idle'
      ? asInfo('cut_connection', 'success', details)
      : asWarning('cut_connection', failedUnless(resumable), details);
  },
  'connection-error': ({ ip, listener, error, resumable }) =>
    asWarning('receive_message', failedUnless(resumable), { ip, ...listener, error }),
  'connection-closed': ({ ip, agency, unfinished, resumable }) => {
    // The only trace of a peer that leaves before its end of the bets.
    const asLine = unfinished && !resumable ? asWarning : asInfo;
    return asLine('close_socket', 'success', {
      ip,
      agency,
      all_sent: unfinished ? 'no' : undefined,
    });
  },
  'listener-error': ({ error }) => asError('accept_connections', 'fail', { error }),
  'listener-closed': ({ port }) => asInfo('close_listener', 'success', { port }),
  'timer-closed': ({ timer }) => asInfo('close_timer', 'success', { timer }),
  'tail-cut': ({ file, bytes, kept }) =>
    asWarning('cut_torn_tail', 'success', { file, bytes, kept }),
  'store-opened': ({ file, bets, finished, expected, state }) => {
    const of = `${finished.length} of ${expected} agencies`;
    const finished_ids = listed(finished, finished.length);
    const hint = state === 'drawn' ? { hint: NO_BETS } : {};
    const details = { file, bets, finished: of, finished_ids, state, ...hint };
    return asInfo('open_store', 'success', details);
  },
  'engine-unavailable': ({ error }) => asWarning('reach_engine', 'in_progress', { error }),
  'engine-available': ({ awayMs }) => asInfo('reach_engine', 'success', { ms: Math.round(awayMs) }),
  'engine-single': () => asWarning('check_engine', 'success', { sync: 'single' }),
  'store-warning': ({ file, warning }) =>
    asWarning('watch_files', 'in_progress', { file, warning }),
  'file-closed': ({ file }) => asInfo('close_file', 'success', { file }),
  failed: ({ action, error }) => asError(action, 'fail', { error }),
  stopping: ({ signal }) => asInfo('shutdown', 'in_progress', { signal }),
  stopped: () => asInfo('shutdown', 'success'),
};

export function logCentral(log: Log): Emit<CentralEvent> {
  const emit = logBy(log, LINES);
  return event => {
    emit(event);
    // Before any agency receives its winners.
    if (event.event === 'draw-held' || event.event === 'draw-followed') log.flush();
  };
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

const failedUnless = (resumable: boolean | undefined): Result =>
  resumable ? 'in_progress' : 'fail';

/** The first of `count` agencies. */
function listed(agencies: readonly number[], count: number): string {
  const first = agencies.slice(0, AGENCIES_LISTED_MAX);
  const more = count > first.length ? ` and ${count - first.length} more` : '';
  return `${first.join(',') || 'none'}${more}`;
}

function interventionOf(fact: ByHand) {
  switch (fact.kind) {
    case 'agencies':
      return ['set_agencies', { agencies: fact.agencies }] as const;
    case 'reopened':
      return ['reopen_agency', { agency: fact.agency }] as const;
    case 'voided':
      return [
        'void_agency',
        { agency: fact.agency, upload: fact.upload, bets: fact.bets },
      ] as const;
  }
}
