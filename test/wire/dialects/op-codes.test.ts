import { afterEach, describe, expect, test, vi } from 'vitest';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import { ByteQueue } from '../../../src/wire/byte-queue.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import { outcomeOf } from '../../contract/decoding.ts';
import { spoken } from '../../contract/spoken-dialects.ts';
import { LORCA } from '../../golden/golden.ts';
import { betWith, textsOf } from '../../lottery/bets.ts';

const { dialect, batch } = spoken('op-codes');

afterEach(() => {
  vi.restoreAllMocks();
});

test('the scan of a batch reads each length a bounded number of times', () => {
  const lengthsRead = vi.spyOn(ByteQueue.prototype, 'u16At');
  const bytes = batch(1, ...Array.from({ length: 200 }, () => ({ ...LORCA, firstName: 'a' })));
  const bytewise = Array.from(bytes, byte => Uint8Array.of(byte));
  const limits = { ...DEFAULT_LIMITS, payloadBytesMax: 20_000 };
  expect(outcomeOf(dialect.central(limits), bytewise).messages).toHaveLength(1);
  expect(lengthsRead.mock.calls.length).toBeLessThan(10 * bytes.length);
});

describe('a number that the original server refuses', () => {
  const lorca = fieldsOf(textsOf(betWith()));

  test.each(['9998', '9999', '0000009998'])('%s is alone in its batch', text => {
    const { batch: encoder } = dialect.agency(DEFAULT_LIMITS, 1);
    const alone = fieldsOf(textsOf(betWith()).with(4, text));
    expect([encoder.add(lorca), encoder.add(alone)]).toEqual(['added', 'full']);
    expect(Buffer.from(encoder.take()).equals(batch(1, LORCA))).toBe(true);
    expect([encoder.add(alone), encoder.add(alone), encoder.add(lorca)]).toEqual([
      'added',
      'full',
      'full',
    ]);
    const expected = batch(1, { ...LORCA, number: String(Number(text)) });
    expect(Buffer.from(encoder.take()).equals(expected)).toBe(true);
    expect([encoder.add(lorca), encoder.add(lorca)]).toEqual(['added', 'added']);
  });

  test.each(['0', '9', '9998', '9999'])('our central accepts %s', number => {
    const central = dialect.central(DEFAULT_LIMITS);
    expect(outcomeOf(central, [batch(1, { ...LORCA, number })]).refusal).toBeUndefined();
  });
});
