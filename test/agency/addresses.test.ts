import { describe, expect, test } from 'vitest';
import { Addresses } from '../../src/agency/addresses.ts';

const addressesOf = (count: number, agency: number): Addresses =>
  new Addresses(
    Array.from({ length: count }, (_, index) => ({
      host: `s${index + 1}`,
      port: 1,
      text: `s${index + 1}:1`,
    })),
    agency,
  );

describe('Addresses', () => {
  test('starts at a server chosen by the agency id, to spread the agencies', () => {
    const first = (agency: number): string => addressesOf(3, agency).current.text;
    expect([1, 2, 3, 4, 5, 65_535].map(first)).toEqual([
      's1:1',
      's2:1',
      's3:1',
      's1:1',
      's2:1',
      's3:1',
    ]);
  });

  test('fails over round-robin and keeps the current server otherwise', () => {
    const addresses = addressesOf(3, 2);
    const turns = Array.from({ length: 5 }, () => {
      const { text } = addresses.current;
      expect(addresses.current.text).toBe(text);
      addresses.failOver();
      return text;
    });
    expect(turns).toEqual(['s2:1', 's3:1', 's1:1', 's2:1', 's3:1']);
    expect(addresses.currentForLog).toBe('s1:1');
  });

  test('fails over to the same single server and omits it from the log', () => {
    const addresses = addressesOf(1, 7);
    addresses.failOver();
    expect(addresses.current.text).toBe('s1:1');
    expect(addresses.several).toBe(false);
    expect(addresses.currentForLog).toBeUndefined();
  });
});
