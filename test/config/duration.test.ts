import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration, parseWait } from '../../src/config/duration.ts';

/**
 * From Go's `TestParseDuration` and its documentation; without signs, because no duration is
 * negative here.
 */
const ACCEPTED = `
  0=0 0s=0 5s=5000 30s=30000 1478s=1478000 5.0s=5000 5.6s=5600 5.s=5000 .5s=500 1.0s=1000
  1.00s=1000 1.004s=1004 1.0040s=1004 100.00100s=100001 10ns=0.00001 11us=0.011 12µs=0.012
  12μs=0.012 13ms=13 14s=14000 15m=900000 16h=57600000 3h30m=12600000 10.5s4m=250500
  2m3.4s=123400 1h2m3s4ms5us6ns=3723004.005006 39h9m14.425s=140954425 1h1h=7200000 150ms=150
  1h30m=5400000 0.3333333333333333333h=1200000 52763797000ns=52763.797
`
  .trim()
  .split(/\s+/)
  .map(pair => pair.split('=') as [text: string, milliseconds: string]);

const REFUSED = [
  ...'3 5 - s . -. .s +.s -5s +5s 5S 5sec 1d 1w 1e3s 0x10s 5s, 1h30 30m1 1..5s 1.2.3s 1,5s ٥s P5S infinity'.split(
    ' ',
  ),
  '',
  '5 s',
  ' 5s',
  '5s ',
  '5s\n',
  '1h 30m',
];

describe('parseDuration', () => {
  test.each(ACCEPTED)('accepts %s like Go', (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(Number(milliseconds), 6);
  });

  test.each(REFUSED.map(text => [text]))('refuses %j like Go', text => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test.each(['3000000h', '10000000000s', '99999999999999999999h'])(
    'refuses %s: Go counts nanoseconds in 64 bits, some 292 years',
    text => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test('accepts the longest duration of Go in whole hours', () => {
    expect(parseDuration('2562047h')).toBe(2_562_047 * 3_600_000);
  });

  test('returns the sum of the parts in any order', () => {
    const unit = fc.constantFrom<[string, number]>(
      ['ms', 1],
      ['s', 1_000],
      ['m', 60_000],
      ['h', 3_600_000],
    );
    const part = fc.tuple(fc.nat(1_000), unit);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), parts => {
        const text = parts.map(([amount, [name]]) => `${amount}${name}`).join('');
        const sum = parts.reduce(
          (total, [amount, [, milliseconds]]) => total + amount * milliseconds,
          0,
        );
        expect(parseDuration(text)).toBe(sum);
      }),
    );
  });

  test('refuses any character but digits, points and unit letters', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 1 }),
        fc.string(),
        (before, middle, after) => {
          fc.pre(/[^0-9.nuµμmsh]/u.test(middle));
          expect(parseDuration(`${before}${middle}${after}`)).toBeUndefined();
        },
      ),
    );
  });
});

describe('parseWait', () => {
  test('accepts 1 ms to 168 h, which leaves a timer a quarter more', () => {
    expect(parseWait('1ms')).toBe(1);
    expect(parseWait('168h')).toBe(604_800_000);
    expect(604_800_000 * 1.25).toBeLessThan(2 ** 31);
  });

  test.each(['0', '0s', '999us', '168h1ms', '1000h', '5', 'soon'])('refuses %s', text => {
    expect(parseWait(text)).toBeUndefined();
  });
});
