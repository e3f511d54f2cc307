import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkFile } from '../../src/agency/file-check.ts';
import { RowDigester, type RowsDigest } from '../../src/agency/rows-digest.ts';
import type { Refuse } from '../../src/agency/batcher.ts';
import type { FileFormat } from '../../src/agency/csv-source.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import { betsFile, formatOf } from './start-agency.ts';

const AGENCY = 3;

async function digest(
  content: string | Uint8Array,
  format: Partial<FileFormat> = {},
): Promise<RowsDigest & { readonly refused: number[] }> {
  const path = join(await temporaryFolder(), 'agency.csv');
  await writeFile(path, content);
  return digestFile({ ...formatOf(path), ...format });
}

async function digestFile(
  format: FileFormat,
): Promise<RowsDigest & { readonly refused: number[] }> {
  const refused: number[] = [];
  const { batch } = createResumableDialect(new PlainBetReader()).agency(DEFAULT_LIMITS, AGENCY);
  const digester = new RowDigester(AGENCY, batch);
  const refuse: Refuse = ({ line }) => void refused.push(line);
  const { rows } = await checkFile(format, digester, refuse, new AbortController().signal);
  return { ...rows!, refused };
}

const sha256 = (rows: string): string => createHash('sha256').update(rows).digest('hex');

describe('RowDigester', () => {
  test('digests the rows as the central stores them', async () => {
    const found = await digest(
      'Ana,Paz,30904465,1999-03-17,7574\nJosé,"O, ""Z""",12,1980-02-29,0007',
    );
    const rows = '3,Ana,Paz,30904465,1999-03-17,7574\r\n3,José,"O, ""Z""",12,1980-02-29,7\r\n';
    expect(found).toEqual({ bets: 2, sha256: sha256(rows), refused: [] });
  });

  test.each(['0', '00', '0000', '007', '7', '9999'])(
    'digests the number %s the same beside a row with quotes',
    async number => {
      const line = `Ana,Paz,0030,1999-03-17,${number}\n`;
      const row = `3,Ana,Paz,0030,1999-03-17,${Number(number)}\r\n`;
      expect((await digest(line + line)).sha256).toBe(sha256(row + row));
      const quoted = '"O, Z",Paz,1,1999-03-17,1';
      expect((await digest(`${line}${quoted}\n${line}`)).sha256).toBe(
        sha256(`${row}3,${quoted}\r\n${row}`),
      );
    },
  );

  test('digests a file longer than its buffers', async () => {
    const path = await betsFile(27_000);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const rows = lines.map(line => `3,${line}\r\n`).join('');
    const found = await digestFile(formatOf(path));
    expect(found).toEqual({ bets: 27_000, sha256: sha256(rows), refused: [] });
  });
});
