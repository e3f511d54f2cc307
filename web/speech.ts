import type { Snapshot, SnapshotEvent } from '../src/http/snapshot.ts';
import type { Language } from './language.ts';
import { en } from './texts/en.ts';
import { type Texts, es } from './texts/es.ts';
import type { EventParams } from './texts/events-es.ts';

/** Numbers that name something and count nothing. */
const NAMES = new Set(['agency', 'port']);

/** Between a number and its unit, which stay on a line. */
const NO_BREAK = '\u00a0';

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** A language, as the page uses it: its texts, and its ways to write numbers and times. Times are those of the browser's zone. */
export class Speech {
  readonly language: Language;
  readonly texts: Texts;
  readonly #locale: string;
  readonly #whole: Intl.NumberFormat;
  readonly #share: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #minute: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;

  constructor(language: Language) {
    this.language = language;
    this.texts = { es, en }[language];
    const { locale } = this.texts;
    this.#locale = locale;
    this.#whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.#share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
    this.#time = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', hourCycle: 'h23' });
    this.#minute = new Intl.DateTimeFormat(locale, { timeStyle: 'short', hourCycle: 'h23' });
    this.#moment = new Intl.DateTimeFormat(locale, {
      dateStyle: 'medium',
      timeStyle: 'medium',
      hourCycle: 'h23',
    });
  }

  /** A number, whole. By itself too, without the object. */
  readonly whole = (number: number): string => this.#whole.format(number);

  share(part: number, whole: number): string {
    return this.#share.format(whole === 0 ? 0 : part / whole);
  }

  time(date: Date): string {
    return this.#time.format(date);
  }

  /** Without its seconds. */
  minute(date: Date): string {
    return this.#minute.format(date);
  }

  /** With its day. */
  moment(date: Date): string {
    return this.#moment.format(date);
  }

  /** Three digits: 0.42 ms, 4.20 ms, 1,230 ms. */
  milliseconds(ms: number): string {
    return this.#unit('millisecond', ms);
  }

  bytes(bytes: number): string {
    let unit = 0;
    let amount = bytes;
    for (; amount >= 1000 && unit < BYTE_UNITS.length - 1; unit += 1) amount /= 1000;
    return this.#unit(BYTE_UNITS[unit]!, amount);
  }

  /** Why the central cannot work now; undefined when it can, or when the state says it already. */
  notReady({ state, ready: { ok, reason = '?' } }: Snapshot): string | undefined {
    if (ok || reason === state) return undefined;
    const { notReady, notReadyReasons } = this.texts;
    return notReady(isKnown(reason, notReadyReasons) ? notReadyReasons[reason] : reason);
  }

  /**
   * What happened, in a sentence. Of an event that this page does not know it says the kind alone: what a later central puts
   * beside it was not meant for it.
   */
  event(kind: string, params: SnapshotEvent['params']): string {
    const { eventTexts, eventTimes } = this.texts;
    const entries = Object.entries(params).map(([name, value]) => [name, this.#param(name, value)]);
    const known: EventParams = Object.fromEntries(entries);
    const text = isKnown(kind, eventTexts) ? eventTexts[kind](known) : kind;
    return known['times'] === undefined ? text : `${text} ${eventTimes(known['times'])}`;
  }

  #param(name: string, value: string | number): string {
    return typeof value === 'number' && !NAMES.has(name) ? this.whole(value) : String(value);
  }

  #unit(unit: string, amount: number): string {
    const digits = amount >= 100 || amount === 0 ? 0 : amount >= 10 ? 1 : 2;
    return new Intl.NumberFormat(this.#locale, {
      style: 'unit',
      unit,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    })
      .format(amount)
      .replace(' ', NO_BREAK);
  }
}

function isKnown<Named extends object>(name: string, texts: Named): name is string & keyof Named {
  return Object.hasOwn(texts, name);
}
