import { eventsEs } from './events-es.ts';

/** The Spanish texts, which define the type of the other languages. */
export const es = {
  language: 'Idioma',
  locale: 'es-AR',

  connecting: 'Conectando…',
  live: (time: string) => `En vivo · ${time}`,
  linkLost: 'Sin conexión',
  lostNever: 'No se puede llegar a la central. Se reintenta sin pausa.',
  lostSince: (time: string) =>
    `Se cortó la conexión con la central. Lo que se ve es de las ${time}. Se reintenta sin pausa.`,
  linkBack: 'Otra vez conectado con la central.',
  otherVersion: 'La central ya no habla la versión de esta página: hay que recargarla.',
  notReady: (reason: string) => `La central no puede trabajar ahora: ${reason}.`,
  notReadyReasons: {
    'disk-full': 'no queda lugar en el disco, y rechaza toda apuesta hasta que lo haya',
    'engine-away':
      'el almacén replicado no responde, y las agencias esperan o son rechazadas hasta que vuelva',
    'engine-unsafe':
      'la base de datos no guarda en otra máquina lo que confirma, como STORE_SYNC lo pide',
  },

  waitingForData: 'Esperando los datos de la central',
  states: {
    recovering: 'Recuperando lo guardado',
    open: 'Recibiendo apuestas',
    complete: 'Cerrando',
    closed: 'Apuestas cerradas',
    drawn: 'Sorteo realizado',
    stopping: 'Apagándose',
  },
  stateDetails: {
    recovering: 'La central lee lo guardado antes de atender.',
    complete: 'Terminaron todas las agencias.',
    closed: 'Se está haciendo el sorteo.',
    drawn: 'Cada agencia puede pedir sus ganadores.',
    stopping: 'La central responde lo que ya aceptó y se detiene.',
  },
  waitingFor: (ids: string, count: number) =>
    count === 1 ? `Falta la agencia ${ids}.` : `Faltan las agencias ${ids}.`,
  andMore: (count: string) => `y otras ${count}`,
  waitingForNobody: 'No se espera a ninguna agencia.',
  finishedOf: (finished: string, all: string) => `${finished} de ${all} agencias terminaron`,
  agenciesFinished: (ids: string, count: number) =>
    count === 1 ? `Terminó la agencia ${ids}.` : `Terminaron las agencias ${ids}.`,
  drawIn: (time: string) => `El sorteo se hace en ${time}.`,
  awaitsSignature: (file: string) => `El sorteo espera la firma del auditor en ${file}.`,
  acta: 'Acta de cierre',
  actaNumber: (number: string) => `Acta ${number}`,
  withdrawn: (numbers: string) => `retiradas: ${numbers}`,
  actaSha256: 'SHA-256 del acta',
  disputed: (agencies: string) =>
    `Agencias que enviaron otra cosa que lo que dice el acta: ${agencies}.`,
  drawHeld: 'Realizado',
  winners: 'Ganadores',
  seal: 'Sello (SHA-256 de las apuestas)',

  figures: 'Cifras',
  bets: 'Apuestas',
  betsPerSecond: 'Por segundo',
  refused: 'Rechazadas',
  connections: 'Conexiones',
  syncTime: 'Sincronizar el disco',
  syncDetail: (p99: string, last: string) => `mediana, p99 ${p99}, última ${last}`,
  diskLeft: 'Disco libre',
  diskDetail: (total: string, share: string) => `${share} de ${total}`,
  none: '–',

  rate: 'Apuestas por segundo',
  rateSummary: (most: string, time: string, bets: string) =>
    `Últimos cinco minutos: ${bets} apuestas, como máximo ${most} por segundo, a las ${time}.`,
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

  events: 'Últimos sucesos',
  noEvents: 'Todavía no pasó nada.',
  eventTexts: eventsEs,
  eventTimes: (count: string) => `(${count} veces)`,
  since: (time: string) => `En marcha desde ${time}.`,
};

export type Texts = typeof es;
