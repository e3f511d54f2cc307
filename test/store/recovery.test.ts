import { readdirSync, statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { betWith, rowOf, rowsOf } from '../lottery/bets.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  appendLines,
  betsPath,
  damageOf,
  FACTS,
  fillFolder,
  killedFolder,
  linesOf,
  noPause,
  openFilesIn,
  readFiles,
  refusalOf,
  ROWS,
  start,
  type StoreFiles,
  writeFiles,
} from './store-folder.ts';

/** The sixth line of the killed folder: another batch, one row. */
const NEXT_ROW = rowOf(betWith({ agency: 3, document: '29' }));

/** The journal with one more group, whose row is not in `bets.csv` until it is added. */
async function nextGroup({ journal }: StoreFiles): Promise<Buffer> {
  const folder = await temporaryFolder();
  writeFiles(folder, { journal: linesOf(journal)[0]!, bets: Buffer.alloc(0) });
  const { store } = await CsvStore.open(folder, { pause: noPause });
  await store.append({ agency: 3, count: 1, rows: Buffer.from(NEXT_ROW) });
  const line = JSON.parse(linesOf(readFiles(folder).journal)[1]!.toString()) as Record<
    string,
    unknown
  >;
  await store.close();
  const { n: _n, check: _check, ...record } = line;
  return linesOf(appendLines(journal, { ...record, end: ROWS.length + NEXT_ROW.length })).at(-1)!;
}

describe('the first start', () => {
  test('in an empty folder creates both files and the lock, and nothing else', async () => {
    const folder = await temporaryFolder();
    const { facts, cuts, bets, journal } = await start(folder);
    expect({ facts, cuts, bets: bets.length }).toEqual({ facts: [], cuts: [], bets: 0 });
    expect(linesOf(journal)).toHaveLength(1);
    expect(JSON.parse(journal.toString())).toMatchObject({ n: 1, type: 'begin', version: 2 });
    expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal', 'bets.lock']);
  });

  test('creates files that only their owner can read', async () => {
    const folder = await temporaryFolder();
    await start(folder);
    for (const name of readdirSync(folder))
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test('adopts bets.csv after a refused start has left bets.lock', async () => {
    const folder = await temporaryFolder();
    await writeFile(betsPath(folder), `${NEXT_ROW}1,An`);
    expect(await refusalOf(folder)).toContain('line 2 of bets.csv has no line end');
    await writeFile(betsPath(folder), NEXT_ROW);
    expect((await start(folder)).facts).toEqual([{ kind: 'adopted', bets: new Map([[3, 1]]) }]);
  });
});

describe('a restart', () => {
  test('changes no byte and adds no second checkpoint of the same rows', async () => {
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
});

/** The disk at a crash, and what the next start truncates. */
const CRASHES: readonly [
  what: string,
  tails: (line: Buffer) => { bets?: string; journal?: Buffer },
][] = [
  ['whole rows and no line', () => ({ bets: NEXT_ROW.repeat(3) })],
  ['a part of a row', () => ({ bets: NEXT_ROW.slice(0, 9) })],
  ['a row without its last byte', () => ({ bets: NEXT_ROW.slice(0, -1) })],
  ['rows that read as zeros', () => ({ bets: '\0'.repeat(5000) })],
  [
    'whole rows and a part of the line',
    line => ({ bets: NEXT_ROW, journal: line.subarray(0, 40) }),
  ],
  [
    'whole rows and a line without its line end',
    line => ({ bets: NEXT_ROW, journal: line.subarray(0, -1) }),
  ],
  [
    'whole rows and a line with zeros in it',
    line => ({ bets: NEXT_ROW, journal: Buffer.concat([Buffer.alloc(30), line.subarray(30)]) }),
  ],
  ['a part of a line and no rows', line => ({ journal: line.subarray(0, 11) })],
  ['zeros in place of a line', () => ({ journal: Buffer.alloc(700) })],
  ['a whole line and no rows', line => ({ journal: line })],
  ['a whole line and a part of its rows', line => ({ bets: NEXT_ROW.slice(0, -1), journal: line })],
  [
    'a whole line and rows that read as zeros',
    line => ({ bets: '\0'.repeat(NEXT_ROW.length), journal: line }),
  ],
  [
    'a whole line and rows with another checksum',
    line => ({ bets: NEXT_ROW.replace('29', '30'), journal: line }),
  ],
  ['a whole line and more than its rows', line => ({ bets: `\0${NEXT_ROW}`, journal: line })],
];

describe('recovery after a crash', () => {
  test.each(CRASHES)('truncates and reports %s', async (_, tailsOf) => {
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

  test('keeps rows with a whole line although they were not acknowledged', async () => {
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

  test('reports damage when a group that anything follows lacks its rows', async () => {
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

  test('confirms the last group with a checkpoint when idle and on close', async () => {
    const { folder, bets, journal } = await killedFolder();
    const line = await nextGroup({ bets, journal });
    const end = bets.length + NEXT_ROW.length;
    const files = {
      bets: Buffer.concat([bets, Buffer.from(NEXT_ROW)]),
      journal: Buffer.concat([journal, line]),
    };
    writeFiles(folder, files);
    const { store } = await CsvStore.open(folder);
    const lastLine = () =>
      JSON.parse(linesOf(readFiles(folder).journal).at(-1)!.toString()) as unknown;
    await expect.poll(lastLine).toMatchObject({ n: 7, type: 'checkpoint', end });
    await store.append(batchNamed(7, 1, 3));
    expect(lastLine()).toMatchObject({ n: 8, type: 'group' });
    await store.close();
    expect(lastLine()).toMatchObject({
      n: 9,
      type: 'checkpoint',
      end: readFiles(folder).bets.length,
    });
    await verifyStore(folder, hasWon);
  });
});

describe('a journal without its bets.csv', () => {
  test('creates bets.csv when it records no rows', async () => {
    const folder = await temporaryFolder();
    await start(folder);
    await rm(betsPath(folder));
    const { facts, cuts, bets } = await start(folder);
    expect([facts, cuts, bets.length]).toEqual([[], [], 0]);
    expect(openFilesIn(folder)).toEqual([]);
  });
});
