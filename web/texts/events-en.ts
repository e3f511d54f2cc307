import { counted } from './count.ts';
import type { EventParams, eventsEs } from './events-es.ts';

const CUT_REASONS: EventParams = {
  'first-message-timeout': 'it sent no message',
  'message-timeout': 'it did not complete a message',
  idle: 'it sent nothing for too long',
  'unread-answers': 'it did not read its answers',
  'too-much-held': 'it used too much memory',
  truncated: 'it ended within a message',
};

export const bets = counted('bet', 'bets');
export const agencies = counted('agency', 'agencies');
const winners = counted('winner', 'winners');
const bytes = counted('byte', 'bytes');

const peer = ({ agency, ip }: EventParams): string =>
  agency === undefined ? String(ip) : `agency ${agency} (${ip})`;

const via = ({ dialect, port }: EventParams): string =>
  dialect === undefined ? '' : ` on port ${port} (${dialect})`;

const remedy = ({ code }: EventParams): string =>
  code === 'payload-too-large' ? ' Use smaller batches or a higher PAYLOAD_BYTES_MAX.' : '';

function byHand({ kind, agency, agencies: list = '' }: EventParams): string {
  if (kind === 'agencies')
    return `The draw waits for ${/\D/.test(list) ? 'agencies' : 'agency'} ${list}.`;
  return kind === 'reopened'
    ? `Agency ${agency} was reopened.`
    : `The upload of agency ${agency} was voided.`;
}

/** The events in English. */
export const eventsEn: typeof eventsEs = {
  'store-opened': p => `Files opened: ${bets(p['bets'])}, ${agencies(p['finished'])} finished.`,
  'tail-cut': p => `Discarded the end of ${p['file']}: ${bytes(p['bytes'])}, not acknowledged.`,
  listening: p => `Listening on port ${p['port']} (${p['dialect']}).`,
  'upload-resumed': p =>
    `Agency ${p['agency']} resumed its upload; already stored: ${bets(p['bets'])}.`,
  'message-refused': p => `Message of ${peer(p)}${via(p)} refused: ${p['code']}.${remedy(p)}`,
  'done-by-hand': p => `${byHand(p)} Reason: ${p['reason']} (${p['by']}).`,
  'agency-finished': p => {
    const missing = p['missing'] === '0' ? 'none' : agencies(p['missing']);
    return `Agency ${p['agency']} finished; ${missing} missing.`;
  },
  closed: p => `Bets closed: acta ${p['acta']}, ${bets(p['bets'])}.`,
  'draw-waits': p => `The draw of acta ${p['acta']} is waiting.`,
  'signature-refused': p => `${p['file']} is not a valid signature of acta ${p['acta']}.`,
  'acta-disputed': p => `What agency ${p['agency']} sent differs from acta ${p['acta']}.`,
  'draw-held': p => `Draw held: ${bets(p['bets'])}, ${winners(p['winners'])}.`,
  'draw-followed': p =>
    `Another server held the draw: ${bets(p['bets'])}, ${winners(p['winners'])}.`,
  'draw-delayed': () => 'The draw is waiting: it could not be stored yet.',
  'disk-full': () => 'Disk full: every bet is refused.',
  'disk-has-room': () => 'There is space on the disk again.',
  'engine-unavailable': () => 'Nothing can be stored: agencies wait.',
  'engine-available': () => 'Bets can be stored again.',
  'engine-single': () => 'Acknowledged bets are on the disk of one machine only (STORE_SYNC).',
  'connection-refused': p => `Connection of ${p['ip']} refused: ${p['code']}.`,
  'connection-cut': p =>
    `Connection of ${peer(p)} closed: ${CUT_REASONS[p['reason']!] ?? p['reason']}.`,
  'connection-error': p => `The connection of ${p['ip']} broke: ${p['error']}.`,
  'listener-error': p => `A connection could not be accepted: ${p['error']}.`,
  failed: p => `Failure (${p['action']}): ${p['error']}.`,
  stopping: p => `Stopping after ${p['signal']}.`,
};
