import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { betWith, rowOf } from '../lottery/bets.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  betsPath,
  drawIn,
  journalPath,
  killedFolder,
  linesOf,
  openFilesIn,
  readFiles,
  refusalOf,
  start,
  writeFiles,
} from './store-folder.ts';

/** Files in the store's folder that it has not written, or not completely. */

const NO_ROW = 'is not a row of a bet';
const NEXT_ROW = rowOf(betWith({ agency: 3, document: '29' }));

describe('a bets.journal.new', () => {
  test.each(['x', 'notes\n', '{"n":2,"type":"group"}\n'])(
    'from another program (%j) stops the start and stays unchanged',
    async left => {
      const folder = await temporaryFolder();
      const path = join(folder, 'bets.journal.new');
      await writeFile(path, left);
      expect(await refusalOf(folder)).toBe(`${path} was not written by this program; move it away`);
      expect(readFileSync(path, 'utf8')).toBe(left);
      expect(openFilesIn(folder)).toEqual([]);
    },
  );
});

describe('a bets.csv without a journal', () => {
  const adopted = (...bets: [number, number][]): unknown => [
    { kind: 'adopted', bets: new Map(bets) },
  ];

  test('is adopted with its bets per agency, and takes part in the draw', async () => {
    const folder = await temporaryFolder();
    const rows = `3,"a, b",Paz,1,2000-02-29,7\r\n1,Ana,"x""y",2,1999-01-01,7574\r\n3,Eva,Gil,3,2000-01-01,7574\r\n`;
    await writeFile(betsPath(folder), rows);
    const started = await start(folder);
    expect(started.facts).toEqual(adopted([3, 2], [1, 1]));
    expect(started.cuts).toEqual([]);
    expect(started.bets.toString()).toBe(rows);
    expect((await start(folder)).facts).toEqual(adopted([3, 2], [1, 1]));
    await drawIn(folder);
    const { draw } = await verifyStore(folder, hasWon);
    expect(draw).toMatchObject({
      bets: 3,
      winners: [
        [1, ['2']],
        [3, ['3']],
      ],
    }); // prettier-ignore
  });

  test('begins a lottery without bets when it is empty', async () => {
    const folder = await temporaryFolder();
    await writeFile(betsPath(folder), '');
    const { facts, cuts, journal } = await start(folder);
    expect([facts, cuts, linesOf(journal).length]).toEqual([[], [], 1]);
  });

  test('is refused with the line number, unchanged, if its last row has no line end', async () => {
    const row = NEXT_ROW.length;
    for (let length = 1; length < row; length += 1) {
      const folder = await temporaryFolder();
      const content = `${NEXT_ROW}${NEXT_ROW.slice(0, length)}`;
      await writeFile(betsPath(folder), content);
      expect(await refusalOf(folder)).toBe(
        `cannot use DATA_DIR ${folder}, line 2 of bets.csv has no line end; add it, or remove the row`,
      );
      expect(readFileSync(betsPath(folder), 'utf8')).toBe(content);
    }
  });

  test.each([1, 2, 3])(
    'is refused with the line number when its torn row has about %i blocks of 64 kB',
    async blocks => {
      for (let around = -2; around <= 2; around += 1) {
        const folder = await temporaryFolder();
        const content = `${NEXT_ROW}${'x'.repeat(blocks * 64 * 1024 + around)}`;
        await writeFile(betsPath(folder), content);
        expect(await refusalOf(folder)).toContain('line 2 of bets.csv has no line end');
        expect(readFileSync(betsPath(folder), 'utf8')).toBe(content);
      }
    },
  );

  test.each(['x'.repeat(70_000), 'my notes', NEXT_ROW.trimEnd()])(
    'is refused, unchanged, when it is one line without a line end',
    async content => {
      const folder = await temporaryFolder();
      await writeFile(betsPath(folder), content);
      expect(await refusalOf(folder)).toContain('line 1 of bets.csv has no line end');
      expect(readFileSync(betsPath(folder), 'utf8')).toBe(content);
    },
  );

  test.each([
    ['a header', 'agency,first_name,last_name,document,birthdate,number\r\n', NO_ROW],
    ['a torn row after it', `no bet\r\n${NEXT_ROW}1,An`, NO_ROW],
    ['no such date', '1,Ana,Paz,1,2000-02-30,7\r\n', 'is no valid bet, birthdate not-a-date'],
    ['quotes', '"1",Ana,Paz,1,2000-02-29,7\r\n', 'does not begin with 1 and a comma'],
  ])(
    'is refused with file and line, unchanged, when a line is no bet (%s)',
    async (_, line, why) => {
      const folder = await temporaryFolder();
      const content = `${NEXT_ROW}${NEXT_ROW}${line}`;
      await writeFile(betsPath(folder), content);
      expect(await refusalOf(folder)).toBe(
        `cannot use DATA_DIR ${folder}, line 3 of bets.csv ${why}`,
      );
      expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal.new', 'bets.lock']);
      expect(statSync(betsPath(folder)).size).toBe(content.length);
    },
  );
});

describe('a bets.csv added to a journal without bets', () => {
  test.each([`${NEXT_ROW}${NEXT_ROW}`, NEXT_ROW.trimEnd(), 'my notes'])(
    'is copied before it is truncated, and the cut event names the copy (%j)',
    async content => {
      const folder = await temporaryFolder();
      await start(folder);
      for (const copy of ['bets.csv.cut', 'bets.csv.cut-2']) {
        await writeFile(betsPath(folder), content);
        const { cuts, facts } = await start(folder);
        expect(facts).toEqual([]);
        const kept = join(folder, copy);
        expect(cuts).toEqual([{ file: 'bets.csv', bytes: content.length, kept }]);
        expect(readFileSync(kept, 'utf8')).toBe(content);
        expect(statSync(kept).mode & 0o777).toBe(0o600);
      }
      expect(openFilesIn(folder)).toEqual([]);
    },
  );
});

describe('a bets.csv whose journal was removed', () => {
  const missing = (folder: string): string =>
    `bets.csv has rows and bets.journal is missing, although a server has used ${folder} before; move bets.journal back there. Only to begin a new lottery with the rows of bets.csv, without what the journal said (finished agencies, uploads, a draw), remove bets.lock as well`;

  test.each([
    ['before the draw', async (): Promise<void> => {}],
    ['after the draw', drawIn],
  ])('%s stops the start and stays unchanged', async (_, prepare) => {
    const { folder, bets } = await killedFolder();
    await prepare(folder);
    const { journal } = readFiles(folder);
    await rm(journalPath(folder));
    expect(await refusalOf(folder)).toBe(missing(folder));
    expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.lock']);
    writeFiles(folder, { journal });
    expect((await start(folder)).bets.equals(bets)).toBe(true);
    await verifyStore(folder, hasWon);
  });

  test('is adopted when bets.lock was removed as well', async () => {
    const { folder } = await killedFolder();
    await rm(journalPath(folder));
    await rm(join(folder, 'bets.lock'));
    expect((await start(folder)).facts).toEqual([
      {
        kind: 'adopted',
        bets: new Map([
          [1, 4],
          [2, 2],
        ]),
      },
    ]);
  });

  test('begins a new lottery when it is empty', async () => {
    const { folder } = await killedFolder();
    await rm(journalPath(folder));
    writeFiles(folder, { bets: Buffer.alloc(0) });
    expect((await start(folder)).facts).toEqual([]);
  });
});

describe('a symbolic link', () => {
  test.each(['bets.csv', 'bets.journal', 'bets.journal.new', 'bets.lock'])(
    'in place of %s is refused by name and not followed',
    async name => {
      for (const target of ['there', 'missing']) {
        const folder = await temporaryFolder();
        await writeFile(join(folder, 'there'), 'content');
        if (name !== 'bets.csv') await writeFile(betsPath(folder), '');
        symlinkSync(join(folder, target), join(folder, name));
        expect(await refusalOf(folder)).toBe(
          `cannot use ${join(folder, name)}, it is a symbolic link, which the store does not follow; put the file itself there`,
        );
        expect(readFileSync(join(folder, 'there'), 'utf8')).toBe('content');
        expect(existsSync(join(folder, 'missing'))).toBe(false);
        expect(openFilesIn(folder)).toEqual([]);
      }
    },
  );
});
