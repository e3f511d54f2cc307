import type { Snapshot, SnapshotEvent } from '../src/http/snapshot.ts';
import type { Language } from './language.ts';
import { en } from './texts/en.ts';
import { type Texts, es } from './texts/es.ts';
import type { EventParams } from './texts/events-es.ts';

/** Numbers that are names, and are not formatted. */
const NAMES = new Set(['agency', 'port']);

/** Keeps a number and its unit on one line. */
const NO_BREAK = '\u00a0';

const BYTE_UNITS = ['kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** A language of the page: its texts and formats, with times in the browser's zone. */
export class Locale {
  readonly language: Language;
  readonly texts: Texts;
  readonly #tag: string;
  readonly #whole: Intl.NumberFormat;
  readonly #share: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #minute: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;

  constructor(language: Language) {
    this.language = language;
    this.texts = { es, en }[language];
    const { locale: tag } = this.texts;
    this.#tag = tag;
    this.#whole = new Intl.NumberFormat(tag, { maximumFractionDigits: 0, useGrouping: 'always' });
    this.#share = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 });
    this.#time = new Intl.DateTimeFormat(tag, { timeStyle: 'medium', hourCycle: 'h23' });
    this.#minute = new Intl.DateTimeFormat(tag, { timeStyle: 'short', hourCycle: 'h23' });
    this.#moment = new Intl.DateTimeFormat(tag, {
      dateStyle: 'medium',
      timeStyle: 'medium',
      hourCycle: 'h23',
    });
  }

  /** A bound function, so that it can be passed to `map`. */
  readonly whole = (number: number): string => this.#whole.format(number);

  share(part: number, whole: number): string {
    return this.#share.format(whole === 0 ? 0 : part / whole);
  }

  /** @param time a number is Unix time in milliseconds */
  time(time: Date | number): string {
    return this.#time.format(time);
  }

  /** Without seconds. */
  minute(ms: number): string {
    return this.#minute.format(ms);
  }

  /** With the date. */
  moment(date: Date): string {
    return this.#moment.format(date);
  }

  /** Three digits: 0.42 ms, 4.20 ms, 1,230 ms. */
  milliseconds(ms: number): string {
    return this.#unit('millisecond', ms);
  }

  bytes(bytes: number): string {
    let unit = 0;
    let amount = bytes / 1000;
    for (; amount >= 1000 && unit < BYTE_UNITS.length - 1; unit += 1) amount /= 1000;
    return this.#unit(BYTE_UNITS[unit]!, amount);
  }

  /** Why the central is not ready; undefined if it is, or if its state already shows that. */
  notReady({ state, ready: { ok, reason = '?' } }: Snapshot): string | undefined {
    if (ok || reason === state) return undefined;
    const { notReady, notReadyReasons } = this.texts;
    return notReady(isKnown(reason, notReadyReasons) ? notReadyReasons[reason] : reason);
  }

  /** An event as a sentence; an unknown event of a newer central as its kind only. */
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
    return new Intl.NumberFormat(this.#tag, {
      style: 'unit',
      unit,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      useGrouping: 'always',
    })
      .format(amount)
      .replace(' ', NO_BREAK);
  }
}

function isKnown<Named extends object>(name: string, texts: Named): name is string & keyof Named {
  return Object.hasOwn(texts, name);
}
