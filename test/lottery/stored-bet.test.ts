import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { StoredBet } from '../../src/lottery/stored-bet.ts';
import { betWith, rowOf } from './bets.ts';

/** The second bet of a file. */
function stored(values: Parameters<typeof betWith>[0] = {}): StoredBet {
  const before = rowOf(betWith({ firstName: 'Íñigo' }));
  const bet = betWith(values);
  const rows = Buffer.from(before + rowOf(bet)).toString('latin1');
  return new StoredBet(rows, Buffer.byteLength(before), bet.agency, bet.number);
}

describe('a stored bet', () => {
  test('prints and serializes to JSON as a plain bet', () => {
    const bet = betWith({ firstName: 'Ñandú' });
    expect(inspect(stored(bet))).toBe(inspect(bet));
    expect(JSON.parse(JSON.stringify(stored(bet)))).toEqual(bet);
  });

  test('replaces invalid UTF-8 by U+FFFD, as any decoder does', () => {
    const row = Buffer.concat([
      Buffer.from('1,A'),
      Buffer.of(0xff, 0xc3),
      Buffer.from(',Paz,1,2000-02-29,7\r\n'),
    ]);
    expect(new StoredBet(row.toString('latin1'), 0, 1, 7).firstName).toBe('A\ufffd\ufffd');
  });
});
