import { describe, expect, test } from 'vitest';
import { readBatches } from '../../src/agency/batcher.ts';
import { CauseGuesses } from '../../src/agency/fault-causes.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';

const GOOD = 'Ana,Paz,11,1990-01-02,7574\n';
const LE = Buffer.from(GOOD.repeat(3), 'utf16le');
const BE = Buffer.from(LE).swap16();

/** The first words of each hint for a file with these bytes. */
async function hintsFor(content: Buffer | string, file = 'a.csv'): Promise<string[]> {
  const causes = new CauseGuesses();
  const { batch } = createResumableDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, 1);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(content);
  }
  const source = { delimiter: 0x2c, chunks };
  for await (const _ of readBatches(
    source,
    batch,
    () => 100,
    ({ faults, ...record }) => {
      for (const fault of faults) causes.add(fault, record);
    },
  ));
  return causes.hintsFor(file).map(({ hint }) => hint);
}

describe('CauseGuesses', () => {
  test.each<[string, Buffer | string, string | undefined]>([
    ['UTF-16LE', LE, 'utf-16le'],
    [
      'UTF-16BE with a byte order mark',
      Buffer.concat([Buffer.from([0xfe, 0xff]), BE]),
      'iconv -f UTF-16BE',
    ],
    ['UTF-16BE without a byte order mark', BE, 'iconv -f UTF-16BE'],
    ['a NUL byte in a name', `${GOOD}A\0na,Paz,1,1990-01-02,1\n`, 'zero bytes'],
    ['trailing zero bytes', Buffer.concat([Buffer.from(GOOD), Buffer.alloc(4096)]), 'zero bytes'],
    [
      'a zip',
      Buffer.from('504b03041400000008000000210062ee9d685e01000090040000130008025b436f6e74', 'hex'),
      'zip',
    ],
    ['a long line without quotes', 'x'.repeat(9000), 'longer than 8 kB'],
    ['an unclosed quote', `${GOOD}"Ana,Paz,1,1990-01-02,1\n`, 'that is not closed; sed'],
    [
      'unclosed quotes of first names',
      '"Ana,Paz,1,1990-01-02,1\n"Ágata,Sosa,2,1990-01-02,2\n',
      'that is not closed; sed',
    ],
    [
      'unclosed quotes of numbers',
      'Ana,Paz,1,1990-01-02,"1\r\nLuis,Sosa,2,1990-01-02,"2\r\n',
      'that is not closed; sed',
    ],
    [
      'an unclosed quote before a quoted name',
      '"Ana,Paz,1,1990-01-02,1\nLuis,"Sosa",2,1990-01-02,2\n',
      'that is not closed; sed',
    ],
    [
      'an unclosed quote and a quote after a name',
      'Ana,"Paz,1,1990-01-02,1\nLuis,Sosa",2,1990-01-02,2\n',
      'that is not closed; sed',
    ],
    ['a line break in a name', '"Ana, 1\nMaría",Paz,1,1990-01-02,1\n', 'has a line break'],
    ['a line break after a name', 'Ana,"Paz\r\n",1,1990-01-02,1\r\n', 'has a line break'],
    ['a line break after a number', 'Ana,Paz,1,1990-01-02,"1\n"\n', 'has a line break'],
    ['a line break beside a quote', '"Ana ""la\n1""",Paz,1,1990-01-02,1\n', 'has a line break'],
    ['a line break in a sixth field', 'Ana,Paz,1,1990-01-02,1,"no\nta"\n', 'has a line break'],
    [
      'MM/DD/YYYY dates',
      'Ana,Paz,1,12/31/1990,1\nAna,Paz,1,01/02/1990,1\n',
      String.raw`MM/DD/YYYY; sed -i.bak -E 's#([0-9]{2})/([0-9]{2})/([0-9]{4})#\3-\1-\2#' a.csv`,
    ],
    ['ambiguous dates', 'Ana,Paz,1,01/02/1990,1\n', 'dates may be DD/MM/YYYY or MM/DD/YYYY'],
    ['an unrelated fault', 'Ana,Paz,x,1990-01-02,1\n', undefined],
  ])('gives at most one hint, and the right one, for %s', async (_, content, hint) => {
    const hints = await hintsFor(content);
    expect(hints).toHaveLength(hint === undefined ? 0 : 1);
    if (hint !== undefined) expect(hints[0]).toContain(hint);
  });

  test.each([
    ['my bets.csv', "'my bets.csv'"],
    ["it's.csv", String.raw`'it'\''s.csv'`],
    ['-n.csv', './-n.csv'],
    ['$(id)/FILE.csv', "'$(id)/FILE.csv'"],
  ])('quotes the file name %s for the shell', async (file, quoted) => {
    const [hint] = await hintsFor('Ana,Paz,1,31/12/1990,1\n', file);
    expect(hint).toContain(` ${quoted} converts them`);
  });
});
