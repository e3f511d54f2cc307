import { expect, test } from 'vitest';
import { Reloading } from '../../src/tls/reloading.ts';
import { troubleOf, validityOf } from '../../src/tls/validity.ts';

test('Reloading takes a changed value and keeps the old one when reading fails', () => {
  let read = (): string => 'one';
  const reloading = new Reloading(() => read());
  const look = (now: () => string): unknown => {
    read = now;
    const outcome = reloading.look();
    return [outcome instanceof Error ? outcome.message : outcome, reloading.value];
  };
  const broken = (): never => {
    throw new Error('broken');
  };
  expect(look(() => 'one')).toEqual([undefined, 'one']);
  expect(look(() => 'two')).toEqual(['changed', 'two']);
  expect(look(broken)).toEqual(['broken', 'two']);
  expect(look(broken)).toEqual([undefined, 'two']);
  expect(look(() => 'two')).toEqual(['changed', 'two']);
  reloading.forget();
  expect(look(() => 'two')).toEqual(['changed', 'two']);
});

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = new Date('2026-01-31T12:00:00Z');
const after = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);

test.each([
  [-2, -1, 'has expired'],
  [-2, 0, 'has expired'],
  [1, 400, 'is not valid yet'],
  [-2, 29.9, 'expires soon'],
  [-2, 30, undefined],
])('troubleOf a certificate valid from day %d to day %d is %s', (from, to, trouble) => {
  expect(troubleOf({ validFrom: after(from), validTo: after(to) }, NOW)).toBe(trouble);
});

test('validityOf a file is the common validity of its certificates', () => {
  const certificates = [
    { validFrom: 'Jan 1 00:00:00 2026 GMT', validTo: 'Jan 1 00:00:00 2027 GMT' },
    { validFrom: 'Jun 1 00:00:00 2025 GMT', validTo: 'Dec 1 00:00:00 2026 GMT' },
  ];
  expect(validityOf('TLS_CERT', certificates)).toEqual({
    file: 'TLS_CERT',
    validFrom: new Date('2026-01-01T00:00:00Z'),
    validTo: new Date('2026-12-01T00:00:00Z'),
  });
});
