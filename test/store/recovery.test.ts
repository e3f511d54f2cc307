import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { StoreError } from '../../src/store/store.ts';
import { batchNamed, betsNamed } from '../contract/store-contract.ts';
import { betWith, rowOf, rowsOf } from '../lottery/bets.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  appendLines,
  betsPath,
  damageOf,
  drawIn,
  FACTS,
  fillFolder,
  journalPath,
  linesOf,
  noPause,
  openFilesIn,
  readFiles,
  ROWS,
  start,
  type StoreFiles,
  writeFiles,
} from './store-folder.ts';

/** A folder as a server leaves it that is killed with nothing on its way: no checkpoint at the end. */
async function killedFolder(): Promise<StoreFiles & { readonly folder: string }> {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  const { bets, journal } = readFiles(folder);
  const killed = { bets, journal: Buffer.concat(linesOf(journal).slice(0, 5)) };
  writeFiles(folder, killed);
  return { folder, ...killed };
}

/** Why the store does not open. */
async function refusalOf(folder: string): Promise<string> {
  const outcome = await start(folder).catch((error: unknown) => error);
  if (!(outcome instanceof StoreError)) throw new Error(`opening gave ${String(outcome)}`);
  expect(outcome.code).toBe('unusable');
  return outcome.message;
}

/** The sixth line of the killed folder: another batch, one row. */
const NEXT_ROW = rowOf(betWith({ agency: 3, document: '29' }));

/** The journal with one more group, whose row is not in `bets.csv` until it is added. */
async function nextGroup({ journal }: StoreFiles): Promise<Buffer> {
  const folder = await temporaryFolder();
  writeFiles(folder, { journal: linesOf(journal)[0]!, bets: Buffer.alloc(0) });
  const { store } = await CsvStore.open(folder, { pause: noPause });
  await store.append({ agency: 3, count: 1, rows: Buffer.from(NEXT_ROW) });
  const line = JSON.parse(linesOf(readFiles(folder).journal)[1]!.toString()) as Record<string, unknown>;
  await store.close();
  const { n: _n, check: _check, ...record } = line;
  return linesOf(appendLines(journal, { ...record, end: ROWS.length + NEXT_ROW.length })).at(-1)!;
}

describe('the first start', () => {
  test('in an empty folder makes both files, and leaves nothing else but the lock', async () => {
    const folder = await temporaryFolder();
    const { facts, cuts, bets, journal } = await start(folder);
    expect({ facts, cuts, bets: bets.length }).toEqual({ facts: [], cuts: [], bets: 0 });
    expect(linesOf(journal)).toHaveLength(1);
    expect(JSON.parse(journal.toString())).toMatchObject({ n: 1, type: 'begin', version: 1 });
    expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal', 'bets.lock']);
  });

  test('does not mind what a crash left of the journal before it had its name', async () => {
    for (const left of ['', '{"n":1,"type":"be', '\0'.repeat(10_000)]) {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'bets.journal.new'), left);
      const { cuts, journal } = await start(folder);
      expect([cuts, linesOf(journal).length]).toEqual([[], 1]);
      expect(existsSync(join(folder, 'bets.journal.new'))).toBe(false);
      expect((await start(folder)).facts).toEqual([]);
    }
  });

  test.each(['x', 'notes\n', '{"n":2,"type":"group"}\n'])(
    'refuses a bets.journal.new that this program has not written (%j), and leaves it as it is',
    async left => {
      const folder = await temporaryFolder();
      const path = join(folder, 'bets.journal.new');
      await writeFile(path, left);
      expect(await refusalOf(folder)).toBe(`${path} was not written by this program; move it away`);
      expect(readFileSync(path, 'utf8')).toBe(left);
      expect(openFilesIn(folder)).toEqual([]);
    },
  );

  test('makes files that only their owner can read', async () => {
    const folder = await temporaryFolder();
    await start(folder);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test('goes on where an earlier one was killed, or refused, right after it had made bets.lock', async () => {
    const folder = await temporaryFolder();
    await writeFile(betsPath(folder), `${NEXT_ROW}1,An`);
    expect(await refusalOf(folder)).toContain('line 2: the row has no line end');
    await writeFile(betsPath(folder), NEXT_ROW);
    expect((await start(folder)).facts).toEqual([{ kind: 'adopted', bets: new Map([[3, 1]]) }]);
  });

  test('takes a bets.csv over after a crash between its journal and the name of it', async () => {
    const folder = await temporaryFolder();
    await writeFile(betsPath(folder), ROWS);
    await writeFile(join(folder, 'bets.journal.new'), '{"n":1,');
    const { facts } = await start(folder);
    expect(facts).toEqual([
      {
        kind: 'adopted',
        bets: new Map([
          [1, 4],
          [2, 2],
        ]),
      },
    ]);
  });
});

describe('a start after another', () => {
  test('gives the facts back in order, and every bet', async () => {
    const { folder, bets } = await killedFolder();
    const started = await start(folder);
    expect(started.facts).toEqual(FACTS);
    expect(started.cuts).toEqual([]);
    expect(rowsOf(started.stored).equals(bets)).toBe(true);
    expect(bets.equals(ROWS)).toBe(true);
  });

  test('changes no byte, and a stopped server adds no second checkpoint of the same rows', async () => {
    const folder = await temporaryFolder();
    await fillFolder(folder);
    const before = readFiles(folder);
    expect(linesOf(before.journal)).toHaveLength(6);
    for (let round = 0; round < 3; round += 1) {
      const started = await start(folder);
      expect(started.journal.equals(before.journal)).toBe(true);
    }
    expect(readFiles(folder)).toEqual(before);
  });

  test('goes on in the same files: later rows and lines follow the earlier ones', async () => {
    const { folder, bets, journal } = await killedFolder();
    const { store } = await CsvStore.open(folder);
    await store.append(batchNamed(7, 2, 3), { upload: 'three', seq: 1 });
    await store.close();
    const after = readFiles(folder);
    expect(after.bets.equals(Buffer.concat([bets, rowsOf(betsNamed(7, 2, 3))]))).toBe(true);
    expect(after.journal.subarray(0, journal.length).equals(journal)).toBe(true);
    const added = linesOf(after.journal.subarray(journal.length)).map(
      line => JSON.parse(line.toString()) as unknown,
    );
    expect(added).toMatchObject([
      { n: 6, type: 'group', end: after.bets.length },
      { n: 7, type: 'checkpoint', end: after.bets.length },
    ]);
    expect((await start(folder)).facts).toEqual([
      ...FACTS,
      { kind: 'stored', agency: 3, count: 2, place: { upload: 'three', seq: 1 } },
    ]);
    await verifyStore(folder, hasWon);
  });

  test('gives the draw back, with its winners and its seal', async () => {
    const { folder, bets } = await killedFolder();
    await drawIn(folder);
    const { facts } = await start(folder);
    const draw = {
      bets: 6,
      winners: new Map([
        [1, ['11', '13']],
        [2, ['21']],
      ]),
    }; // prettier-ignore
    expect(facts).toEqual([
      ...FACTS,
      {
        kind: 'drawn',
        draw,
        seal: {
          bytes: bets.length,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        },
      },
    ]);
  });

  test('after the draw changes nothing, and adds nothing when it ends', async () => {
    const { folder } = await killedFolder();
    await drawIn(folder);
    const before = readFiles(folder);
    await start(folder);
    expect(readFiles(folder)).toEqual(before);
  });
});

/** What is on disk at the instant of a crash, and what the next start cuts off. */
const CRASHES: readonly [what: string, tails: (line: Buffer) => { bets?: string; journal?: Buffer }][] = [
  ['whole rows and no line', () => ({ bets: NEXT_ROW.repeat(3) })],
  ['a part of a row', () => ({ bets: NEXT_ROW.slice(0, 9) })],
  ['a row without its last byte', () => ({ bets: NEXT_ROW.slice(0, -1) })],
  ['rows that read as zeros', () => ({ bets: '\0'.repeat(5000) })],
  ['whole rows and a part of the line', line => ({ bets: NEXT_ROW, journal: line.subarray(0, 40) })],
  ['whole rows and a line without its line end', line => ({ bets: NEXT_ROW, journal: line.subarray(0, -1) })],
  [
    'whole rows and a line with zeros in it',
    line => ({ bets: NEXT_ROW, journal: Buffer.concat([Buffer.alloc(30), line.subarray(30)]) }),
  ],
  ['a part of a line for which there are no rows', line => ({ journal: line.subarray(0, 11) })],
  ['zeros in place of a line', () => ({ journal: Buffer.alloc(700) })],
  ['a whole line and no rows', line => ({ journal: line })],
  ['a whole line and a part of its rows', line => ({ bets: NEXT_ROW.slice(0, -1), journal: line })],
  [
    'a whole line and rows that read as zeros',
    line => ({ bets: '\0'.repeat(NEXT_ROW.length), journal: line }),
  ],
  [
    'a whole line and rows that are not its own',
    line => ({ bets: NEXT_ROW.replace('29', '30'), journal: line }),
  ],
  ['a whole line and more than its rows', line => ({ bets: `\0${NEXT_ROW}`, journal: line })],
];

describe('after a crash', () => {
  test.each(CRASHES)('that left %s, the next start cuts it and says so', async (_, tailsOf) => {
    const { folder, bets, journal } = await killedFolder();
    const tails = tailsOf(await nextGroup({ bets, journal }));
    const betsTail = Buffer.from(tails.bets ?? '');
    const journalTail = tails.journal ?? Buffer.alloc(0);
    writeFiles(folder, {
      bets: Buffer.concat([bets, betsTail]),
      journal: Buffer.concat([journal, journalTail]),
    });
    const started = await start(folder);
    expect(started.cuts).toEqual(
      [
        { file: 'bets.csv', bytes: betsTail.length },
        { file: 'bets.journal', bytes: journalTail.length },
      ].filter(({ bytes }) => bytes > 0),
    );
    expect(started.facts).toEqual(FACTS);
    expect(rowsOf(started.stored).equals(bets)).toBe(true);
    expect([started.bets.equals(bets), started.journal.equals(journal)]).toEqual([true, true]);
    expect((await start(folder)).cuts).toEqual([]);
  });

  test('that left rows and their whole line, they count although nobody was told', async () => {
    const { folder, bets, journal } = await killedFolder();
    const line = await nextGroup({ bets, journal });
    const files = {
      bets: Buffer.concat([bets, Buffer.from(NEXT_ROW)]),
      journal: Buffer.concat([journal, line]),
    };
    writeFiles(folder, files);
    const { cuts, facts, ...after } = await start(folder);
    expect(cuts).toEqual([]);
    expect(facts).toEqual([...FACTS, { kind: 'stored', agency: 3, count: 1, place: undefined }]);
    expect({ bets: after.bets, journal: after.journal }).toEqual(files);
  });

  test('a group that anything follows was durable: its rows must be there', async () => {
    const { folder, bets, journal } = await killedFolder();
    const line = await nextGroup({ bets, journal });
    const followed = [
      appendLines(Buffer.concat([journal, line]), { type: 'finished', agency: 4 }),
      Buffer.concat([journal, line, Buffer.from('{')]),
      Buffer.concat([journal, line, Buffer.alloc(1)]),
    ];
    for (const rows of ['', NEXT_ROW.slice(0, -1), NEXT_ROW.replace('29', '30')]) {
      for (const after of followed) {
        const files = { bets: Buffer.concat([bets, Buffer.from(rows)]), journal: after };
        writeFiles(folder, files);
        expect((await damageOf(start(folder))).file).toBe('bets.csv');
        expect((await damageOf(verifyStore(folder, hasWon))).file).toBe('bets.csv');
        expect(readFiles(folder)).toEqual(files);
      }
    }
  });

  test('the last group is confirmed by a checkpoint when nothing was written for a moment, and at the end', async () => {
    const { folder, bets, journal } = await killedFolder();
    const line = await nextGroup({ bets, journal });
    const end = bets.length + NEXT_ROW.length;
    const files = {
      bets: Buffer.concat([bets, Buffer.from(NEXT_ROW)]),
      journal: Buffer.concat([journal, line]),
    };
    writeFiles(folder, files);
    const { store } = await CsvStore.open(folder);
    const lastLine = () => JSON.parse(linesOf(readFiles(folder).journal).at(-1)!.toString()) as unknown;
    await expect.poll(lastLine).toMatchObject({ n: 7, type: 'checkpoint', end });
    await store.append(batchNamed(7, 1, 3));
    expect(lastLine()).toMatchObject({ n: 8, type: 'group' });
    await store.close();
    expect(lastLine()).toMatchObject({ n: 9, type: 'checkpoint', end: readFiles(folder).bets.length });
    await verifyStore(folder, hasWon);
  });

  test('in the middle of the draw, wherever its line was cut, the draw is open and can be held', async () => {
    const { folder, bets, journal } = await killedFolder();
    await drawIn(folder);
    const drawn = readFiles(folder);
    const draw = linesOf(drawn.journal).at(-1)!;
    for (const length of [1, 60, draw.length - 1]) {
      writeFiles(folder, { journal: Buffer.concat([journal, draw.subarray(0, length)]) });
      const started = await start(folder);
      expect(started.cuts).toEqual([{ file: 'bets.journal', bytes: length }]);
      expect(started.facts).toEqual(FACTS);
      writeFiles(folder, { journal });
      await drawIn(folder);
      expect(readFiles(folder)).toEqual({ bets, journal: drawn.journal });
    }
  });
});

describe('a bets.csv without a journal', () => {
  const adopted = (...bets: [number, number][]): unknown => [{ kind: 'adopted', bets: new Map(bets) }];

  test('is taken over, counted for each agency, and takes part like any other', async () => {
    const folder = await temporaryFolder();
    const rows = `3,"a\r\nb",Paz,1,2000-02-29,7\r\n1,Ana,"x""y",2,1999-01-01,7574\r\n3,Eva,Gil,3,2000-01-01,7574\r\n`;
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

  test('that is larger than a block is counted whole', async () => {
    const folder = await temporaryFolder();
    const row = rowOf(betWith());
    const count = Math.ceil((2.5 * 1024 * 1024) / row.length);
    await writeFile(betsPath(folder), row.repeat(count));
    expect((await start(folder)).facts).toEqual(adopted([1, count]));
  });

  test('that is empty makes a lottery without bets', async () => {
    const folder = await temporaryFolder();
    await writeFile(betsPath(folder), '');
    const { facts, cuts, journal } = await start(folder);
    expect([facts, cuts, linesOf(journal).length]).toEqual([[], [], 1]);
  });

  test('whose last row has no line end is refused with its line, and stays as it is', async () => {
    const row = NEXT_ROW.length;
    for (let length = 1; length < row; length += 1) {
      const folder = await temporaryFolder();
      const content = `${NEXT_ROW}${NEXT_ROW.slice(0, length)}`;
      await writeFile(betsPath(folder), content);
      expect(await refusalOf(folder)).toBe(
        `cannot use DATA_DIR ${folder}, bets.csv, line 2: the row has no line end; add it, or remove the row`,
      );
      expect(readFileSync(betsPath(folder), 'utf8')).toBe(content);
    }
  });

  test.each([1, 2, 3])(
    'is read to its last line end also when that lies around %i blocks of 64 kB from the end',
    async blocks => {
      for (let around = -2; around <= 2; around += 1) {
        const folder = await temporaryFolder();
        const content = `${NEXT_ROW}${'x'.repeat(blocks * 64 * 1024 + around)}`;
        await writeFile(betsPath(folder), content);
        expect(await refusalOf(folder)).toContain('line 2: the row has no line end');
        expect(readFileSync(betsPath(folder), 'utf8')).toBe(content);
      }
    },
  );

  test.each(['x'.repeat(70_000), 'my notes', NEXT_ROW.trimEnd()])(
    'that is one line without a line end is refused, and stays as it is',
    async content => {
      const folder = await temporaryFolder();
      await writeFile(betsPath(folder), content);
      expect(await refusalOf(folder)).toContain('bets.csv, line 1: the row has no line end');
      expect(readFileSync(betsPath(folder), 'utf8')).toBe(content);
    },
  );

  test.each([
    ['five fields', 'Ana,Paz,1,2000-02-29,7\r\n', 3],
    ['a header', 'agency,first_name,last_name,document,birthdate,number\r\n', 3],
    ['no agency', ',Ana,Paz,1,2000-02-29,7\r\n', 3],
    ['a torn row behind it', `no bet\r\n${NEXT_ROW}1,An`, 3],
  ])(
    'in which a line is no bet (%s) is refused with file and line, and stays as it is',
    async (_, line, at) => {
      const folder = await temporaryFolder();
      const content = `${NEXT_ROW}${NEXT_ROW}${line}`;
      await writeFile(betsPath(folder), content);
      expect(await refusalOf(folder)).toBe(
        `cannot use DATA_DIR ${folder}, bets.csv, line ${at}: not a row of bets.csv`,
      );
      expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal.new', 'bets.lock']);
      expect(statSync(betsPath(folder)).size).toBe(content.length);
    },
  );
});

describe('a bets.csv whose journal was removed', () => {
  const missing = (folder: string): string =>
    `bets.csv has rows and bets.journal is missing, although a server has used ${folder} before; move bets.journal back there. Only to begin a new lottery with the rows of bets.csv, without what the journal said (finished agencies, uploads, a draw), remove bets.lock as well`;

  test.each([
    ['before the draw', async (): Promise<void> => {}],
    ['after the draw', drawIn],
  ])('%s stops the start, and stays as it is', async (_, prepare) => {
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

  test('is taken over by who removes bets.lock as well', async () => {
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

  test('and that was emptied begins a lottery, as there is nothing left to lose', async () => {
    const { folder } = await killedFolder();
    await rm(journalPath(folder));
    writeFiles(folder, { bets: Buffer.alloc(0) });
    expect((await start(folder)).facts).toEqual([]);
  });
});

describe('a symbolic link', () => {
  test.each(['bets.csv', 'bets.journal', 'bets.journal.new', 'bets.lock'])(
    'in place of %s is named and not followed, whatever it leads to',
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

describe('a journal without its bets.csv', () => {
  test('that vouches for rows stops the start also when bets.csv was emptied', async () => {
    const { folder } = await killedFolder();
    writeFiles(folder, { bets: Buffer.alloc(0) });
    expect((await damageOf(start(folder))).file).toBe('bets.csv');
    expect(readFiles(folder).bets).toHaveLength(0);
  });

  test('that vouches for no row is enough: the other file is made', async () => {
    const folder = await temporaryFolder();
    await start(folder);
    await rm(betsPath(folder));
    const { facts, cuts, bets } = await start(folder);
    expect([facts, cuts, bets.length]).toEqual([[], [], 0]);
    expect(openFilesIn(folder)).toEqual([]);
  });

  test('that vouches for rows stops the start, says what may have happened, and makes no bets.csv', async () => {
    const { folder, journal } = await killedFolder();
    await rm(betsPath(folder));
    expect(await refusalOf(folder)).toBe(
      "bets.csv is missing although bets.journal vouches for rows in it; if 'loteria draw new' was interrupted, run it again",
    );
    expect(existsSync(betsPath(folder))).toBe(false);
    expect(openFilesIn(folder)).toEqual([]);
    expect(readFileSync(journalPath(folder)).equals(journal)).toBe(true);
  });
});
