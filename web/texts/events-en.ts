import type { EventParams, eventsEs } from './events-es.ts';

const CUT_REASONS: EventParams = {
  'first-message-timeout': 'it said nothing',
  'message-timeout': 'it left a message half said',
  idle: 'it said nothing more',
  'unread-answers': 'it did not read its answers',
  'too-much-held': 'it held too much memory',
  truncated: 'it ended within a message',
};

const peer = ({ agency, ip }: EventParams): string =>
  agency === undefined ? String(ip) : `agency ${agency} (${ip})`;

const via = ({ dialect, port }: EventParams): string =>
  dialect === undefined ? '' : ` on port ${port} (${dialect})`;

const remedy = ({ code }: EventParams): string =>
  code === 'payload-too-large' ? ' Smaller batches or a higher PAYLOAD_BYTES_MAX help.' : '';

function byHand({ kind, agency, agencies: list }: EventParams): string {
  if (kind === 'agencies') return `The draw waits for the agencies ${list}.`;
  return kind === 'reopened'
    ? `Agency ${agency} was reopened.`
    : `What agency ${agency} sent was voided.`;
}

const agencies = (count: string | undefined): string =>
  count === '1' ? '1 agency' : `${count} agencies`;

/** The events in English. */
export const eventsEn: typeof eventsEs = {
  'store-opened': p => `Files opened: ${p['bets']} bets, ${agencies(p['finished'])} had finished.`,
  'tail-cut': p => `${p['bytes']} bytes that were never acknowledged were cut off ${p['file']}.`,
  listening: p => `Listening on port ${p['port']} (${p['dialect']}).`,
  'upload-resumed': p =>
    `Agency ${p['agency']} went on with its upload, of which ${p['bets']} bets are stored.`,
  'message-refused': p => `A message of ${peer(p)}${via(p)} was refused: ${p['code']}.${remedy(p)}`,
  'done-by-hand': p => `${byHand(p)} Reason: ${p['reason']} (${p['by']}).`,
  'agency-finished': p =>
    p['missing'] === '0'
      ? `Agency ${p['agency']} has finished; none is missing.`
      : `Agency ${p['agency']} has finished; ${p['missing']} missing.`,
  closed: p => `Bets closed: acta ${p['acta']} of ${p['bets']} bets.`,
  'draw-waits': p => `The draw of acta ${p['acta']} waits.`,
  'signature-refused': p => `${p['file']} is no signature of acta ${p['acta']}.`,
  'acta-disputed': p =>
    `Agency ${p['agency']} has sent something else than acta ${p['acta']} says.`,
  'draw-held': p => `Draw held: ${p['bets']} bets, ${p['winners']} winners.`,
  'draw-followed': p => `Another server held the draw: ${p['bets']} bets, ${p['winners']} winners.`,
  'draw-delayed': () => 'The draw waits: it could not be stored yet.',
  'disk-full': () => 'The disk is full: every bet is refused.',
  'disk-has-room': () => 'The disk has room again.',
  'engine-unavailable': () => 'Nothing can be stored: agencies wait.',
  'engine-available': () => 'Bets can be stored again.',
  'engine-single': () => 'An acknowledgement means the disk of one machine (STORE_SYNC).',
  'connection-refused': p => `A connection of ${p['ip']} was refused: ${p['code']}.`,
  'connection-cut': p =>
    `Connection of ${peer(p)} closed: ${CUT_REASONS[p['reason']!] ?? p['reason']}.`,
  'connection-error': p => `The connection of ${p['ip']} broke: ${p['error']}.`,
  'listener-error': p => `A connection could not be accepted: ${p['error']}.`,
  failed: p => `Failure (${p['action']}): ${p['error']}.`,
  stopping: p => `Stopping, after ${p['signal']}.`,
};
