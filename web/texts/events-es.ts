/** Parameters of an event, as text; some may be missing. */
export type EventParams = Readonly<Record<string, string>>;

const CUT_REASONS: EventParams = {
  'first-message-timeout': 'no dijo nada',
  'message-timeout': 'dejó un mensaje por la mitad',
  idle: 'no dijo nada más',
  'unread-answers': 'no leyó las respuestas',
  'too-much-held': 'retenía demasiada memoria',
  truncated: 'terminó en medio de un mensaje',
};

const peer = ({ agency, ip }: EventParams): string =>
  agency === undefined ? String(ip) : `la agencia ${agency} (${ip})`;

const via = ({ dialect, port }: EventParams): string =>
  dialect === undefined ? '' : ` en el puerto ${port} (${dialect})`;

const remedy = ({ code }: EventParams): string =>
  code === 'payload-too-large' ? ' Ayudan lotes más chicos o un PAYLOAD_BYTES_MAX mayor.' : '';

function byHand({ kind, agency, agencies }: EventParams): string {
  if (kind === 'agencies') return `El sorteo espera a las agencias ${agencies}.`;
  return kind === 'reopened'
    ? `Se reabrió la agencia ${agency}.`
    : `Se anuló lo que envió la agencia ${agency}.`;
}

const finished = (count: string | undefined): string =>
  count === '1' ? 'había terminado 1 agencia' : `habían terminado ${count} agencias`;

/** The events in Spanish. */
export const eventsEs = {
  'store-opened': (p: EventParams) =>
    `Archivos abiertos: ${p['bets']} apuestas, ${finished(p['finished'])}.`,
  'tail-cut': (p: EventParams) =>
    `Se cortaron de ${p['file']} ${p['bytes']} bytes que nunca se habían confirmado.`,
  listening: (p: EventParams) => `Escuchando en el puerto ${p['port']} (${p['dialect']}).`,
  'upload-resumed': (p: EventParams) =>
    `La agencia ${p['agency']} retomó su envío, del que hay ${p['bets']} apuestas guardadas.`,
  'message-refused': (p: EventParams) =>
    `Mensaje de ${peer(p)}${via(p)} rechazado: ${p['code']}.${remedy(p)}`,
  'done-by-hand': (p: EventParams) => `${byHand(p)} Motivo: ${p['reason']} (${p['by']}).`,
  'agency-finished': (p: EventParams) =>
    p['missing'] === '0'
      ? `Terminó la agencia ${p['agency']}; no falta ninguna.`
      : `Terminó la agencia ${p['agency']}; ${p['missing'] === '1' ? 'falta 1' : `faltan ${p['missing']}`}.`,
  closed: (p: EventParams) => `Apuestas cerradas: acta ${p['acta']} de ${p['bets']} apuestas.`,
  'draw-waits': (p: EventParams) => `El sorteo del acta ${p['acta']} espera.`,
  'signature-refused': (p: EventParams) => `${p['file']} no es una firma del acta ${p['acta']}.`,
  'acta-disputed': (p: EventParams) =>
    `La agencia ${p['agency']} envió otra cosa que lo que dice el acta ${p['acta']}.`,
  'draw-held': (p: EventParams) =>
    `Sorteo realizado: ${p['bets']} apuestas, ${p['winners']} ganadores.`,
  'draw-followed': (p: EventParams) =>
    `Otro servidor realizó el sorteo: ${p['bets']} apuestas, ${p['winners']} ganadores.`,
  'draw-delayed': () => 'El sorteo espera: todavía no se pudo guardar.',
  'disk-full': () => 'El disco está lleno: se rechaza toda apuesta.',
  'disk-has-room': () => 'Otra vez hay lugar en el disco.',
  'engine-unavailable': () => 'No se puede guardar nada: las agencias esperan.',
  'engine-available': () => 'Otra vez se puede guardar.',
  'engine-single': () => 'Lo que se confirma está en el disco de una sola máquina (STORE_SYNC).',
  'connection-refused': (p: EventParams) => `Conexión de ${p['ip']} rechazada: ${p['code']}.`,
  'connection-cut': (p: EventParams) =>
    `Conexión de ${peer(p)} cerrada: ${CUT_REASONS[p['reason']!] ?? p['reason']}.`,
  'connection-error': (p: EventParams) => `Se cortó la conexión de ${p['ip']}: ${p['error']}.`,
  'listener-error': (p: EventParams) => `No se pudo aceptar una conexión: ${p['error']}.`,
  failed: (p: EventParams) => `Falla (${p['action']}): ${p['error']}.`,
  stopping: (p: EventParams) => `Apagándose, por ${p['signal']}.`,
};
