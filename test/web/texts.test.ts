import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/http/snapshot.ts';
import { CLOSE_REASONS } from '../../src/observe/events.ts';
import { Locale } from '../../web/locale.ts';
import { en } from '../../web/texts/en.ts';
import { es } from '../../web/texts/es.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../web/index.html'), 'utf8');

describe.each([es, en])('$locale', texts => {
  test('has every fixed text of the page', () => {
    const names = [...PAGE.matchAll(/data-(?:text|name)="(\w+)"/g)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(20);
    const missing = names.filter(name => typeof texts[name as keyof typeof texts] !== 'string');
    expect(missing).toEqual([]);
  });
});

/** Every kind of event in a central's snapshots. */
function kindsOfEvents(): string[] {
  const source = (name: string): string =>
    readFileSync(join(import.meta.dirname, '../../src/observe', name), 'utf8');
  const readable = source('recent-events.ts').matchAll(/case '([a-z-]+)':/g);
  const added = source('monitor.ts').matchAll(/recent\.add\('([a-z-]+)'/g);
  return [...readable, ...added].map(([, kind]) => kind!).toSorted();
}

describe('the sentence of an event', () => {
  test('exists for exactly the kinds that the central emits', () => {
    expect(Object.keys(es.eventTexts).toSorted()).toEqual(kindsOfEvents());
  });

  const [spanish, english] = (['es', 'en'] as const).map(language => {
    const locale = new Locale(language);
    // A number and its noun stay on one line.
    const event = (kind: string, params: Snapshot['events'][number]['params']): string =>
      locale.event(kind, params).replaceAll('\u00a0', ' ');
    return { event };
  }) as [Pick<Locale, 'event'>, Pick<Locale, 'event'>];

  test('has localised numbers, except in identifiers', () => {
    const params = { bets: 1_234_567, winners: 1_000 };
    expect(spanish.event('draw-held', params)).toBe(
      'Sorteo realizado: 1.234.567 apuestas, 1.000 ganadores.',
    );
    expect(english.event('listening', { port: 12_345, dialect: 'tp0' })).toBe(
      'Listening on port 12345 (tp0).',
    );
    expect(english.event('agency-finished', { agency: 65_535, missing: 0 })).toBe(
      'Agency 65535 finished; none missing.',
    );
  });

  test.each([
    [0, 'Terminó la agencia 2; no falta ninguna.', 'Agency 2 finished; none missing.'],
    [1, 'Terminó la agencia 2; falta 1 agencia.', 'Agency 2 finished; 1 agency missing.'],
    [3, 'Terminó la agencia 2; faltan 3 agencias.', 'Agency 2 finished; 3 agencies missing.'],
    [
      1_234,
      'Terminó la agencia 2; faltan 1.234 agencias.',
      'Agency 2 finished; 1,234 agencies missing.',
    ],
  ])('counts %i missing agencies', (missing, inSpanish, inEnglish) => {
    expect(spanish.event('agency-finished', { agency: 2, missing })).toBe(inSpanish);
    expect(english.event('agency-finished', { agency: 2, missing })).toBe(inEnglish);
  });

  test('has the singular form after 1', () => {
    const counts = ['bets', 'winners', 'missing', 'finished', 'bytes', 'acta', 'agency'];
    const params = { ...Object.fromEntries(counts.map(name => [name, 1])), agencies: '1' };
    for (const kind of kindsOfEvents()) {
      for (const kindOfFact of ['agencies', 'reopened', 'voided']) {
        const given = { ...params, kind: kindOfFact };
        const plural =
          /\b1 (?:apuestas|ganadores|agencias|bytes|bets|winners|agencies)\b|agenci\w+s 1\b/;
        expect(spanish.event(kind, given)).not.toMatch(plural);
        expect(english.event(kind, given)).not.toMatch(plural);
      }
    }
  });

  test('names the agency if it is known, else the address', () => {
    const cut = { ip: '10.0.0.7', reason: 'truncated' };
    expect(spanish.event('connection-cut', cut)).toBe(
      'Conexión de 10.0.0.7 cerrada: terminó en medio de un mensaje.',
    );
    expect(spanish.event('connection-cut', { ...cut, agency: 3 })).toContain(
      'la agencia 3 (10.0.0.7)',
    );
  });

  test('exists for every reason for a cut connection', () => {
    for (const locale of [spanish, english]) {
      const unknown = CLOSE_REASONS.filter(reason =>
        locale.event('connection-cut', { ip: '10.0.0.7', reason }).includes(reason),
      );
      expect(unknown).toEqual([]);
    }
  });

  test('names the listener, and a remedy for a message that is too long', () => {
    const params = { ip: '10.0.0.7', port: 12345, dialect: 'tp0', code: 'payload-too-large' };
    expect(english.event('message-refused', params)).toBe(
      'Message of 10.0.0.7 on port 12345 (tp0) refused: payload-too-large. Use smaller batches or a higher PAYLOAD_BYTES_MAX.',
    );
    expect(spanish.event('message-refused', { ip: '10.0.0.7', code: 'busy' })).toBe(
      'Mensaje de 10.0.0.7 rechazado: busy.',
    );
  });

  test('includes the number of repetitions', () => {
    expect(english.event('draw-delayed', { times: 3 })).toMatch(/ \(3 times\)$/);
  });

  test('is the kind alone when that is unknown, even constructor', () => {
    expect(english.event('constructor', { document: '30904465' })).toBe('constructor');
  });
});

/** The central's reasons for not being ready. */
function reasonsOfUnready(): string[] {
  const source = readFileSync(join(import.meta.dirname, '../../src/observe/monitor.ts'), 'utf8');
  const line = /type UnreadyReason =([^;]*);/.exec(source)![1]!;
  return [...line.matchAll(/'([a-z-]+)'/g)].map(([, reason]) => reason!);
}

describe('the reason of an unready central', () => {
  const snapshot = (state: string, reason: string) =>
    ({ state, ready: { ok: false, reason } }) as unknown as Snapshot;

  test.each(['es', 'en'] as const)(
    'is a sentence unless the state already expresses it, in %s',
    language => {
      const locale = new Locale(language);
      const reasons = reasonsOfUnready().filter(
        reason => !Object.hasOwn(locale.texts.states, reason),
      );
      expect(reasons).toEqual(['disk-full', 'engine-away', 'engine-unsafe']);
      for (const reason of reasons) {
        expect(locale.notReady(snapshot('recovering', reason))).toMatch(
          /^(?:La|The) central .{40,}\.$/,
        );
        expect(locale.notReady(snapshot('open', reason))).not.toContain(reason);
      }
      expect(locale.notReady(snapshot('recovering', 'recovering'))).toBeUndefined();
    },
  );
});

describe('a count', () => {
  const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

  test('of agencies is in the singular where it is 1', () => {
    expect(plain(es.finishedOf('1', '1'))).toBe('Terminó 1 de 1 agencia');
    expect(plain(es.finishedOf('2', '5'))).toBe('Terminaron 2 de 5 agencias');
    expect(plain(en.finishedOf('1', '1'))).toBe('1 of 1 agency finished');
    expect(es.andMore('1')).toBe('y una más');
    expect(es.disputed('7', 1)).toBe('Lo que envió la agencia 7 no coincide con el acta.');
    expect(en.disputed('1, 3', 2)).toBe('What agencies 1, 3 sent differs from the acta.');
    expect(es.withdrawn('1, 2', 2)).toBe('retiradas: 1, 2');
  });

  test('has its thousands separated whatever it counts', () => {
    expect(new Locale('es').whole(1_234)).toBe('1.234');
    expect(plain(new Locale('es').milliseconds(1_234))).toBe('1.234 ms');
    expect(plain(new Locale('en').milliseconds(1_234))).toBe('1,234 ms');
    expect(plain(new Locale('es').bytes(0))).toBe('0 kB');
  });
});
