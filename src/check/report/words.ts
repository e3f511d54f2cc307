import type { Language, TimelineEntry, Verdict } from '../finding.ts';

/** Texts of the report around the findings. */
export interface Words {
  readonly locale: string;
  readonly verdicts: Readonly<Record<Verdict, string>>;
  /** After a number of findings. */
  readonly counted: Readonly<Record<Verdict, (count: number) => string>>;
  readonly exercise: (number: string) => string;
  readonly hint: string;
  readonly why: string;
  readonly repeat: string;
  readonly seed: string;
  readonly sometimes: (failed: number, made: number) => string;
  readonly bytes: (count: number) => string;
  readonly hex: string;
  readonly fromByte: (offset: number) => string;
  readonly event: (entry: TimelineEntry) => string;
}

const es = (count: number): string => count.toLocaleString('es-AR');
const en = (count: number): string => count.toLocaleString('en');

const sender = (entry: TimelineEntry, client: string, server: string): string =>
  entry.direction === 'down' ? server : client;

export const WORDS: Readonly<Record<Language, Words>> = {
  es: {
    locale: 'es-AR',
    verdicts: { ok: 'ok', advice: 'consejo', fail: 'falla', 'not-checkable': 'no verificable' },
    counted: {
      ok: count => `${count} ok`,
      advice: count => (count === 1 ? '1 consejo' : `${count} consejos`),
      fail: count => (count === 1 ? '1 falla' : `${count} fallas`),
      'not-checkable': count => (count === 1 ? '1 no verificable' : `${count} no verificables`),
    },
    exercise: number => `Ejercicio ${number}`,
    hint: 'Pista',
    why: 'Por qué importa',
    repeat: 'Para repetirlo',
    seed: 'Semilla',
    sometimes: (failed, made) => `Con esta semilla falló ${failed} de ${made} veces.`,
    bytes: count => (count === 1 ? '1 byte' : `${es(count)} bytes`),
    hex: 'hexadecimal',
    fromByte: offset => `desde el byte ${es(offset)}`,
    event: entry => {
      const client = `cliente ${entry.client}`;
      switch (entry.kind) {
        case 'open':
          return `${client} abre la conexión ${entry.connection}`;
        case 'data':
          return entry.direction === 'down' ? `servidor → ${client}` : `${client} → servidor`;
        case 'end':
          return `${sender(entry, client, 'el servidor')} no manda nada más`;
        case 'close':
          return `se cierra la conexión ${entry.connection} (${client})`;
        case 'omitted':
          return `se omiten ${es(entry.entryCount ?? 0)} sucesos, ${es(entry.byteCount ?? 0)} bytes`;
      }
    },
  },
  en: {
    locale: 'en',
    verdicts: { ok: 'ok', advice: 'advice', fail: 'fail', 'not-checkable': 'not checkable' },
    counted: {
      ok: count => `${count} ok`,
      advice: count => `${count} advice`,
      fail: count => `${count} failed`,
      'not-checkable': count => `${count} not checkable`,
    },
    exercise: number => `Exercise ${number}`,
    hint: 'Hint',
    why: 'Why it matters',
    repeat: 'To repeat it',
    seed: 'Seed',
    sometimes: (failed, made) => `With this seed it failed ${failed} of ${made} times.`,
    bytes: count => (count === 1 ? '1 byte' : `${en(count)} bytes`),
    hex: 'hexadecimal',
    fromByte: offset => `from byte ${en(offset)} on`,
    event: entry => {
      const client = `client ${entry.client}`;
      switch (entry.kind) {
        case 'open':
          return `${client} opens connection ${entry.connection}`;
        case 'data':
          return entry.direction === 'down' ? `server → ${client}` : `${client} → server`;
        case 'end':
          return `${sender(entry, client, 'the server')} sends no more`;
        case 'close':
          return `connection ${entry.connection} is closed (${client})`;
        case 'omitted':
          return `${en(entry.entryCount ?? 0)} events left out, ${en(entry.byteCount ?? 0)} bytes`;
      }
    },
  },
};

/** In the order of a summary. */
export const VERDICTS = [
  'fail',
  'advice',
  'ok',
  'not-checkable',
] as const satisfies readonly Verdict[];

/** A time in a recording: `12.345 s`. */
export const moment = (ms: number, { locale }: Words): string =>
  `${(ms / 1000).toLocaleString(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 })} s`;
