import { isDeepStrictEqual } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { cutBothWays, type CutOptions } from '../fuzz/cut-both-ways.ts';
import { FileMaker } from '../fuzz/file-maker.ts';
import { cutAt, everyCut, places } from '../lottery/cuts.ts';

/**
 * The number of a batch is its idempotency key, so a file must be divided at the same places by the
 * fast and by the plain path: the same frames, first lines and faults.
 */

const BET = 'Santiago Lionel,Lorca,30904465,1999-03-17,7574';
const NUNEZ = 'Tiago Nicolás,Núñez,34407251,2000-02-29,0042';

const options: fc.Arbitrary<Required<CutOptions>> = fc.record({
  dialect: fc.constantFrom('base', 'resumable'),
  delimiter: fc.constantFrom(...Buffer.from(',,,,;\t|0-a x')),
  amountMax: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(20, 130, 100_000)),
  payloadBytesMax: fc.oneof(fc.integer({ min: 1024, max: 1200 }), fc.constantFrom(8184, 100_000)),
});

async function expectSame(
  chunks: readonly Uint8Array[],
  cutOptions: CutOptions = {},
): Promise<number> {
  const { plain, fast, linesCopied } = await cutBothWays(chunks, cutOptions);
  if (!isDeepStrictEqual(fast, plain)) expect(fast).toEqual(plain);
  return linesCopied;
}

describe('batches with and without the WebAssembly kernel', () => {
  test.prop([fc.integer(), options], { numRuns: 200 })(
    'are equal for fuzzed files',
    async (seed, cutOptions) => {
      const maker = new FileMaker(new SeededRandom(seed), cutOptions.delimiter);
      await expectSame(maker.chunks(maker.file()), cutOptions);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 300 }), places, options], { numRuns: 300 })(
    'are equal for random bytes between plain lines',
    async (bytes, cuts, cutOptions) => {
      const file = Buffer.concat([
        Buffer.from(`${BET}\n`),
        bytes,
        Buffer.from(`\n${NUNEZ}\n${BET}`),
      ]);
      await expectSame(cutAt(file, cuts), cutOptions);
    },
  );

  test.each([
    ['plain lines', `${BET}\n${NUNEZ}\n${BET}\n`],
    ['plain lines with CR LF', `${BET}\r\n${NUNEZ}\r\n${BET}\r\n`],
    ['lines with CR', `${BET}\r${NUNEZ}\r${BET}\r`],
    ['empty lines', `\n${BET}\n\n\r\n${NUNEZ}\r\n\r\n`],
    ['a multi-line record', `${BET}\n"a\nb","c\r\nd",1,2000-01-01,2\n${NUNEZ}\nx\n`],
    [
      'quoted lines',
      `"${BET.replaceAll(',', '","')}"\n${NUNEZ}\n"Juan ""Tito""",b,1,2000-01-01,2\n${BET}\n`,
    ],
    ['an unclosed quote', `${BET}\n"${NUNEZ}\n${BET}\n${BET}\n`],
    ['invalid lines', `${BET}\nx\n${NUNEZ},\na|b,c,1,2000-01-01,2\n${BET}\n`],
  ])('are equal for %s, cut at every place', async (_what, text) => {
    for (const chunks of everyCut(Buffer.from(text))) await expectSame(chunks, { amountMax: 2 });
  });

  test.each(['A', 'z'])(
    'are equal for a line with any byte replaced by any other, after %s',
    async letter => {
      for (const bet of [BET, NUNEZ].map(text => Buffer.from(letter + text))) {
        const lines = Array.from(bet, (_byte, place) =>
          Array.from({ length: 256 }, (_other, byte) =>
            Buffer.concat([
              bet.subarray(0, place),
              Buffer.of(byte),
              bet.subarray(place + 1),
              Buffer.from('\n'),
            ]),
          ),
        );
        for (const variants of lines) await expectSame(variants);
      }
    },
  );

  test('are equal for lines of any length around a kernel block', async () => {
    const lines = Array.from({ length: 80 }, (_, length) =>
      BET.replace('Lionel', 'l'.repeat(length)),
    );
    expect(await expectSame([Buffer.from(`${lines.join('\n')}\n`)])).toBeGreaterThan(20);
    expect(await expectSame([Buffer.from(`${lines.join('\r\n')}\r\n`)])).toBeGreaterThan(20);
  });

  test('are equal when lines follow an unclosed quote over the line limit', async () => {
    const lines = `${BET}\n`.repeat(400);
    await expectSame([Buffer.from(`${BET}\n"a${lines}${NUNEZ}\n`), Buffer.from(lines)]);
  });

  test('are equal at every payload limit around a bet boundary, in both dialects', async () => {
    const file = [Buffer.from(`${BET}\n${NUNEZ}\n`.repeat(60))];
    for (let payloadBytesMax = 1024; payloadBytesMax < 1124; payloadBytesMax += 1) {
      await expectSame(file, { payloadBytesMax, amountMax: 1000 });
      await expectSame(file, { payloadBytesMax, amountMax: 1000, dialect: 'resumable' });
    }
  });
});

describe('the fast path', () => {
  test.each(['\n', '\r\n'])('copies every plain line that ends with %j', async lineEnd => {
    const lines = Array.from(
      { length: 1000 },
      (_, index) => (index % 3 === 0 ? NUNEZ : BET) + lineEnd,
    );
    expect(await expectSame([Buffer.from(lines.join(''))])).toBe(1000);
  });

  test('resumes after each line that needs the slow path', async () => {
    const odd = [
      '"a","b",1,2000-01-01,2',
      'x',
      '',
      '"a\nb",c,1,2000-01-01,2',
      'a\rb,c',
      'Жанна,b,1,2000-01-01,2',
    ];
    const lines = odd.flatMap(line => [line, ...Array.from({ length: 8 }, () => BET)]);
    // A few lines after an unusual one take the plain path too, until no part of it is buffered.
    expect(await expectSame([Buffer.from(`${lines.join('\n')}\n`)])).toBeGreaterThanOrEqual(
      odd.length * 4,
    );
  });
});
