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

/** Every kind of event that the central puts into a snapshot. */
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

  const spanish = new Locale('es');
  const english = new Locale('en');

  test('has localised numbers, except in identifiers', () => {
    const params = { bets: 1_234_567, winners: 1_000 };
    expect(spanish.event('draw-held', params)).toBe(
      'Sorteo realizado: 1.234.567 apuestas, 1.000 ganadores.',
    );
    expect(english.event('listening', { port: 12_345, dialect: 'tp0' })).toBe(
      'Listening on port 12345 (tp0).',
    );
    expect(english.event('agency-finished', { agency: 65_535, missing: 0 })).toBe(
      'Agency 65535 has finished; none is missing.',
    );
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
      'A message of 10.0.0.7 on port 12345 (tp0) was refused: payload-too-large. Smaller batches or a higher PAYLOAD_BYTES_MAX help.',
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

/** Why a central is not ready, as the central has it. */
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
