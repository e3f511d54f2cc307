import { agencias, apuestas, eventsEs } from './events-es.ts';

/** Formatted numbers and times of the summary of the chart. */
interface RateTexts {
  readonly from: string;
  readonly to: string;
  readonly bets: string;
  readonly most: string;
  readonly at: string;
}

/** The Spanish texts, which define the type of the other languages. */
export const es = {
  language: 'Idioma',
  locale: 'es-AR',

  connecting: 'Conectando…',
  live: (time: string) => `En vivo · ${time}`,
  linkLost: 'Sin conexión',
  lostNever: 'No se pudo conectar con la central. Reintentando…',
  lostSince: (time: string) =>
    `Se perdió la conexión con la central. Los datos son de las ${time}. Reintentando…`,
  linkBack: 'Se restableció la conexión con la central.',
  otherVersion: 'La central cambió de versión. Hay que recargar la página.',
  notReady: (reason: string) => `La central no puede aceptar apuestas: ${reason}.`,
  notReadyReasons: {
    'disk-full': 'el disco está lleno. Volverá a aceptarlas cuando haya espacio',
    'engine-away': 'la base de datos no responde. Las agencias esperan o reciben un rechazo',
    'engine-unsafe': 'la base de datos no replica en otra máquina lo que confirma (STORE_SYNC)',
  },

  waitingForData: 'Esperando los datos de la central',
  states: {
    recovering: 'Recuperando los datos',
    open: 'Recibiendo apuestas',
    complete: 'Cerrando',
    closed: 'Apuestas cerradas',
    drawn: 'Sorteo realizado',
    stopping: 'Deteniéndose',
  },
  stateDetails: {
    recovering: 'La central lee los datos guardados antes de recibir apuestas.',
    complete: 'Terminaron todas las agencias.',
    closed: 'El sorteo está en curso.',
    drawn: 'Cada agencia puede consultar sus ganadores.',
    stopping: 'La central responde los pedidos ya aceptados y se detiene.',
  },
  waitingFor: (ids: string, count: number) =>
    count === 1 ? `Falta la agencia ${ids}.` : `Faltan las agencias ${ids}.`,
  andMore: (count: string) => (count === '1' ? 'y una más' : `y otras ${count}`),
  waitingForNobody: 'No se espera a ninguna agencia.',
  finishedOf: (finished: string, all: string) =>
    `${finished === '1' ? 'Terminó' : 'Terminaron'} ${finished} de ${agencias(all)}`,
  agenciesFinished: (ids: string, count: number) =>
    count === 1 ? `Terminó la agencia ${ids}.` : `Terminaron las agencias ${ids}.`,
  drawIn: (time: string) => `Faltan ${time} para el sorteo.`,
  awaitsSignature: (file: string) => `El sorteo espera la firma del auditor en ${file}.`,
  acta: 'Acta de cierre',
  actaNumber: (number: string) => `Acta ${number}`,
  withdrawn: (numbers: string, count: number) =>
    `${count === 1 ? 'retirada' : 'retiradas'}: ${numbers}`,
  actaSha256: 'SHA-256 del acta',
  disputed: (ids: string, count: number) =>
    count === 1
      ? `Lo que envió la agencia ${ids} no coincide con el acta.`
      : `Lo que enviaron las agencias ${ids} no coincide con el acta.`,
  drawHeld: 'Realizado',
  winners: 'Ganadores',
  seal: 'Sello (SHA-256 de las apuestas)',

  figures: 'Cifras',
  bets: 'Apuestas',
  betsPerSecond: 'Por segundo',
  refused: 'Rechazadas',
  connections: 'Conexiones',
  syncTime: 'Sincronización a disco',
  syncDetail: (p99: string, last: string) => `mediana, p99\u00a0${p99}, última\u00a0${last}`,
  diskLeft: 'Espacio en disco',
  diskDetail: (total: string, share: string) => `libres, ${share} de ${total}`,
  none: '–',

  rate: 'Apuestas por segundo',
  rateSummary: ({ from, to, bets, most, at }: RateTexts) =>
    `De ${from} a ${to}: ${apuestas(bets)}. Máximo: ${most} por segundo, a las ${at}.`,
  rateNothing: 'Ninguna apuesta en los últimos cinco minutos.',
  asTable: 'Ver como tabla',
  from: 'Desde',
  mean: 'Promedio por segundo',
  most: 'Máximo por segundo',

  agencies: 'Agencias',
  agenciesCaption: 'Lo que envió cada agencia, y si terminó',
  agency: 'Agencia',
  connected: 'Conectada',
  finishedColumn: 'Terminó',
  yes: 'sí',
  yesTimes: (count: string) => `sí (${count})`,
  no: 'no',

  events: 'Eventos recientes',
  noEvents: 'Todavía no hay eventos.',
  olderEvents: 'Eventos anteriores',
  eventTexts: eventsEs,
  eventTimes: (count: string) => `(${count}\u00a0veces)`,
  since: (time: string) => `En funcionamiento desde el ${time}.`,
};

export type Texts = typeof es;
