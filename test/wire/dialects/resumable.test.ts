import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { PlainBetReader } from '../../../src/kernel/plain-bet-reader.ts';
import { fieldsOf } from '../../../src/lottery/bet-rules.ts';
import type { CentralCodec } from '../../../src/wire/dialect.ts';
import { createResumableDialect } from '../../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/limits.ts';
import type { ServerMessage } from '../../../src/wire/message.ts';
import { REFUSAL_CODES } from '../../../src/wire/refusal.ts';
import { outcomeOf } from '../../contract/decoding.ts';
import { frame } from '../../support/base-frames.ts';

const dialect = createResumableDialect(new PlainBetReader());
const SEQ_MAX = 999_999_999_999_999;
const bare = (type: string): Buffer => Buffer.from(type.padEnd(4, '\0'), 'latin1');

/** The central's codec, after the peer has sent these frames. */
function centralAfter(...frames: readonly Uint8Array[]): CentralCodec {
  const central = dialect.central(DEFAULT_LIMITS);
  outcomeOf(central, frames);
  return central;
}

describe('a refusal', () => {
  const REFUSED: ServerMessage = {
    kind: 'refused',
    refusal: { code: 'storage', detail: 'no room' },
  };
  const encoded = (central: CentralCodec): string =>
    Buffer.concat(central.encode(REFUSED)).toString('latin1');
  const FAIL = 'FAIL\0\0\0\x11storage|1|no room';

  test.each([
    ['nothing', []],
    ['CONN', [frame('CONN', '1')]],
    ['every base message', [frame('CONN', '1'), frame('NBET', '0|'), bare('END'), bare('GWIN')]],
    ['a malformed CONN', [frame('CONN', 'x')]],
    ['an unknown type', [frame('HELP', '1|u')]],
  ])('is NOK to a peer that has sent %s', (_, sent) => {
    expect(encoded(centralAfter(...sent))).toBe('NOK\0');
  });

  test.each([
    ['HELO', frame('HELO', '1|u')],
    ['a malformed HELO', frame('HELO', 'x')],
    ['an oversized HELO', frame('HELO', 'x'.repeat(87))],
    ['SBET', frame('SBET', '1|0|')],
    ['a malformed SBET', frame('SBET', '')],
    ['an oversized SBET', frame('SBET', 'x'.repeat(8185))],
    ['DONE', frame('DONE', '0|0')],
    ['WAIT', bare('WAIT')],
  ])('is FAIL to a peer that has sent %s, with or without CONN before it', (_, sent) => {
    expect(encoded(centralAfter(sent))).toBe(FAIL);
    expect(encoded(centralAfter(frame('CONN', '1'), sent))).toBe(FAIL);
  });

  test('stays FAIL whatever the peer sends later', () => {
    const central = centralAfter(
      frame('HELO', '1|u'),
      bare('GWIN'),
      frame('NBET', '0|'),
      bare('XXXX'),
    );
    expect(encoded(central)).toBe(FAIL);
  });

  const detail = fc.string({ unit: fc.constantFrom(...Array.from('a|: ñ\0\n')), maxLength: 50 });

  test.prop([fc.constantFrom(...REFUSAL_CODES), detail])(
    'has three fields, whatever its detail contains',
    (code, text) => {
      const reply: ServerMessage = { kind: 'refused', refusal: { code, detail: text } };
      const [fail] = centralAfter(bare('WAIT')).encode(reply);
      const fields = Buffer.from(fail!.subarray(8)).toString().split('|');
      expect(fields).toEqual([code, '1', text.replaceAll('|', '/')]);
    },
  );

  test.each([2000, 5000])(
    'with a detail of %i characters is shortened to what an agency accepts',
    length => {
      const reply: ServerMessage = {
        kind: 'refused',
        refusal: { code: 'storage', detail: 'ñ'.repeat(length) },
      };
      const frames = centralAfter(bare('WAIT')).encode(reply);
      const { messages } = outcomeOf(dialect.agency(DEFAULT_LIMITS, 1), frames);
      const refusal = { code: 'storage', detail: 'ñ'.repeat(500) };
      expect(messages).toEqual([{ kind: 'refused', refusal }]);
    },
  );
});

describe('a numbered batch', () => {
  const lengths = fc.tuple(
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 1, max: 10 }),
  );
  const limit = fc.oneof(fc.constant(8184), fc.integer({ min: 1024, max: 8184 }));

  test.prop([limit, fc.array(lengths, { minLength: 10, maxLength: 100, size: 'max' })], {
    numRuns: 100,
  })(
    'ends at the same bet for any sequence number, and never exceeds the limit',
    (payloadBytesMax, all) => {
      const bets = all.map(([first, last, digits]) =>
        fieldsOf(['x'.repeat(first), 'y'.repeat(last), '1'.repeat(digits), '1999-03-17', '1']),
      );
      const cuts = [1, 9_999, SEQ_MAX - 200].map(first => {
        const { batch } = dialect.agency({ ...DEFAULT_LIMITS, payloadBytesMax }, 1);
        const counts: number[] = [];
        const take = (): void => {
          const seq = first + counts.length;
          const { count } = batch;
          const sbet = Buffer.from(batch.takeNumbered(seq));
          expect(sbet.length).toBeLessThanOrEqual(8 + payloadBytesMax);
          expect(sbet.subarray(8).toString()).toMatch(`${seq}|${count}|x`);
          counts.push(count);
        };
        for (const bet of bets) {
          if (batch.add(bet) === 'added') continue;
          take();
          batch.add(bet);
        }
        take();
        return counts;
      });
      expect([cuts[1], cuts[2]]).toEqual([cuts[0], cuts[0]]);
    },
  );

  test('has room for the longest bet with the largest number in the smallest payload', () => {
    const longest = ['x'.repeat(255), 'ñ'.repeat(127), '0123456789', '2000-02-29', '0000009999'];
    const { batch } = dialect.agency({ ...DEFAULT_LIMITS, payloadBytesMax: 1024 }, 1);
    expect(batch.add(fieldsOf(longest))).toBe('added');
    const expected = frame('SBET', `${SEQ_MAX}|1|${longest.join('|')}`);
    expect(Buffer.from(batch.takeNumbered(SEQ_MAX)).equals(expected)).toBe(true);
  });
});
