import { counted } from './count.ts';

/** Parameters of an event, as text; some may be missing. */
export type EventParams = Readonly<Record<string, string>>;

const CUT_REASONS: EventParams = {
  'first-message-timeout': 'no envió ningún mensaje',
  'message-timeout': 'no completó un mensaje',
  idle: 'estuvo demasiado tiempo sin actividad',
  'unread-answers': 'no leyó las respuestas',
  'too-much-held': 'ocupaba demasiada memoria',
  truncated: 'terminó en medio de un mensaje',
};

export const apuestas = counted('apuesta', 'apuestas');
export const agencias = counted('agencia', 'agencias');
const ganadores = counted('ganador', 'ganadores');
const bytes = counted('byte', 'bytes');

const peer = ({ agency, ip }: EventParams): string =>
  agency === undefined ? String(ip) : `la agencia ${agency} (${ip})`;

const via = ({ dialect, port }: EventParams): string =>
  dialect === undefined ? '' : ` en el puerto ${port} (${dialect})`;

const remedy = ({ code }: EventParams): string =>
  code === 'payload-too-large' ? ' Solución: lotes más chicos o un PAYLOAD_BYTES_MAX mayor.' : '';

function byHand({ kind, agency, agencies = '' }: EventParams): string {
  if (kind === 'agencies') {
    const several = /\D/.test(agencies) ? 'a las agencias' : 'a la agencia';
    return `El sorteo espera ${several} ${agencies}.`;
  }
  return kind === 'reopened'
    ? `Se reabrió la agencia ${agency}.`
    : `Se anuló lo que envió la agencia ${agency}.`;
}

function missing({ missing: count }: EventParams): string {
  if (count === '0') return 'no falta ninguna';
  return `${count === '1' ? 'falta' : 'faltan'} ${agencias(count)}`;
}

/** The events in Spanish. */
export const eventsEs = {
  'store-opened': (p: EventParams) =>
    `Archivos abiertos: ${apuestas(p['bets'])}; agencias que ya terminaron: ${p['finished']}.`,
  'tail-cut': (p: EventParams) =>
    `Se descartó el final de ${p['file']}: ${bytes(p['bytes'])} sin confirmar.`,
  listening: (p: EventParams) => `Escuchando en el puerto ${p['port']} (${p['dialect']}).`,
  'upload-resumed': (p: EventParams) =>
    `La agencia ${p['agency']} retomó su envío; ya tenía guardado: ${apuestas(p['bets'])}.`,
  'message-refused': (p: EventParams) =>
    `Mensaje de ${peer(p)}${via(p)} rechazado: ${p['code']}.${remedy(p)}`,
  'done-by-hand': (p: EventParams) => `${byHand(p)} Motivo: ${p['reason']} (${p['by']}).`,
  'agency-finished': (p: EventParams) => `Terminó la agencia ${p['agency']}; ${missing(p)}.`,
  closed: (p: EventParams) => `Apuestas cerradas: acta ${p['acta']}, ${apuestas(p['bets'])}.`,
  'draw-waits': (p: EventParams) => `El sorteo del acta ${p['acta']} está en espera.`,
  'signature-refused': (p: EventParams) =>
    `${p['file']} no es una firma válida del acta ${p['acta']}.`,
  'acta-disputed': (p: EventParams) =>
    `Lo que envió la agencia ${p['agency']} no coincide con el acta ${p['acta']}.`,
  'draw-held': (p: EventParams) =>
    `Sorteo realizado: ${apuestas(p['bets'])}, ${ganadores(p['winners'])}.`,
  'draw-followed': (p: EventParams) =>
    `Otro servidor realizó el sorteo: ${apuestas(p['bets'])}, ${ganadores(p['winners'])}.`,
  'draw-delayed': () => 'El sorteo está en espera: todavía no se pudo guardar.',
  'disk-full': () => 'Disco lleno: se rechazan todas las apuestas.',
  'disk-has-room': () => 'Vuelve a haber espacio en el disco.',
  'engine-unavailable': () => 'No se puede guardar nada: las agencias esperan.',
  'engine-available': () => 'Se puede volver a guardar apuestas.',
  'engine-single': () => 'Lo confirmado se guarda en el disco de una sola máquina (STORE_SYNC).',
  'connection-refused': (p: EventParams) => `Conexión de ${p['ip']} rechazada: ${p['code']}.`,
  'connection-cut': (p: EventParams) =>
    `Conexión de ${peer(p)} cerrada: ${CUT_REASONS[p['reason']!] ?? p['reason']}.`,
  'connection-error': (p: EventParams) => `Se cortó la conexión de ${p['ip']}: ${p['error']}.`,
  'listener-error': (p: EventParams) => `No se pudo aceptar una conexión: ${p['error']}.`,
  failed: (p: EventParams) => `Falla (${p['action']}): ${p['error']}.`,
  stopping: (p: EventParams) => `Deteniéndose por ${p['signal']}.`,
};
