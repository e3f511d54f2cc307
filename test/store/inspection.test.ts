import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { inspectStore, verifyStore, visitJournal } from '../../src/store/csv/inspection.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  appendLines,
  BATCHES,
  betsPath,
  crc32Of,
  damageOf,
  drawIn,
  fillFolder,
  forge,
  journalPath,
  linesOf,
  readFiles,
  ROWS,
  start,
  TIME,
  writeFiles,
} from './store-folder.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function filled(): Promise<string> {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  return folder;
}

async function drawn(): Promise<string> {
  const folder = await filled();
  await drawIn(folder);
  return folder;
}

/** Offset of line `n`, counted from 1. */
const offsetOf = (journal: Buffer, n: number): number =>
  linesOf(journal)
    .slice(0, n - 1)
    .reduce((sum, line) => sum + line.length, 0);

describe('an inspection', () => {
  test('tells what an open lottery has and waits for', async () => {
    const { lottery, begun, draw, ...walk } = await inspectStore(await filled(), [1, 2, 3]);
    expect({ begun, draw }).toEqual({ begun: TIME, draw: undefined });
    expect([lottery.state, lottery.finished, lottery.missing]).toEqual(['open', [1, 2], [3]]);
    expect(Object.fromEntries(lottery.bets)).toEqual({ 1: 4, 2: 2 });
    expect(walk).toMatchObject({
      journalLines: 6,
      journalTornBytes: 0,
      betsEnd: ROWS.length,
      betsTornBytes: 0,
    });
  });

  test('of a folder that a server has open tells what is durable, and does not disturb it', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    for (let name = 0; name < 3; name += 1) {
      await store.append(batchNamed(name, 2));
      const { lottery } = await inspectStore(folder, [1]);
      expect(lottery.bets.get(1)).toBe(2 * (name + 1));
      expect((await verifyStore(folder, hasWon)).sha256).toBe(sha256(readFiles(folder).bets));
    }
    await store.close();
  });

  test('at any instant of a store that is being written finds no damage, and never fewer bets than before', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    let appended = 0;
    const written = new AbortController();
    const write = async (): Promise<void> => {
      while (!written.signal.aborted)
        await store.append(batchNamed((appended += 1), 20, 1 + (appended % 3)));
    };
    const writers = [write(), write(), write()];
    let before = 0;
    // Until the disk has taken some groups, however slow it is.
    for (let round = 0; round < 40 || before < 400; round += 1) {
      if (round === 10_000) expect.fail(`only ${before} bets are durable`);
      const { lottery } = await verifyStore(folder, hasWon);
      const bets = [...lottery.bets.values()].reduce((sum, count) => sum + count, 0);
      expect(bets).toBeGreaterThanOrEqual(before);
      before = bets;
    }
    written.abort();
    await Promise.all(writers);
    await store.close();
    expect(before).toBeLessThanOrEqual(20 * appended);
  });

  test.each([
    [
      'has no journal',
      'there is no lottery in FOLDER',
      (folder: string) => rm(journalPath(folder)),
    ],
    [
      'is missing',
      'there is no lottery in FOLDER',
      (folder: string) => rm(folder, { recursive: true }),
    ],
    [
      'is a file',
      'cannot read FOLDER/bets.journal, ENOTDIR on lstat',
      async (folder: string) => {
        await rm(folder, { recursive: true });
        writeFileSync(folder, '');
      },
    ],
  ])('of a folder that %s says so', async (_, reason, spoil) => {
    const folder = await filled();
    await spoil(folder);
    const refusal = { code: 'unusable', message: reason.replace('FOLDER', folder) };
    await expect(inspectStore(folder, [])).rejects.toMatchObject(refusal);
    await expect(verifyStore(folder, hasWon)).rejects.toMatchObject(refusal);
    await expect(visitJournal(folder, () => {})).rejects.toMatchObject(refusal);
  });

  test('makes no file, not even a lock', async () => {
    const folder = await filled();
    await rm(`${folder}/bets.lock`);
    await inspectStore(folder, []);
    await verifyStore(folder, hasWon);
    expect(readdirSync(folder).toSorted()).toEqual(['bets.csv', 'bets.journal']);
  });
});

describe('the journal of a draw', () => {
  test('has the SHA-256 of all rows as checkpoint and as seal, and a CRC-32 of each group', async () => {
    const folder = await drawn();
    const { bets, journal } = readFiles(folder);
    const records: unknown[] = [];
    await visitJournal(folder, ({ n, offset, record }) => {
      expect(offset).toBe(offsetOf(journal, n));
      records.push(record);
    });
    const seal = sha256(bets);
    const [first, ...others] = BATCHES.map(({ rows }) => rows);
    expect(records).toEqual([
      { type: 'begin', version: 2, time: TIME },
      {
        type: 'group',
        end: first!.length,
        crc32: crc32Of(first!),
        batches: [[1, 3, first!.length, 'one', 1]],
      },
      {
        type: 'group',
        end: bets.length,
        crc32: crc32Of(Buffer.concat(others)),
        batches: [
          [2, 2, others[0]!.length, 'two', 1],
          {
            agency: 2,
            upload: 'two',
            seq: 2,
            count: 3,
            index: 1,
            field: 'birthdate',
            reason: 'not-a-date',
          },
          [1, 1, others[1]!.length],
        ],
      },
      { type: 'finished', agency: 1, upload: 'one' },
      { type: 'finished', agency: 2 },
      { type: 'checkpoint', end: bets.length, sha256: seal },
      {
        type: 'draw',
        time: TIME,
        end: bets.length,
        sha256: seal,
        bets: 6,
        winners: [
          [1, ['11', '13']],
          [2, ['21']],
        ],
      },
    ]);
    expect((await verifyStore(folder, hasWon)).sha256).toBe(seal);
  });
});

type Change = (record: Record<string, unknown>) => Record<string, unknown>;

/** Changes the first batch of a group, `[agency, count, bytes, upload, seq]`. */
const withBatch =
  (...values: readonly unknown[]): Change =>
  record => {
    const [first, ...others] = record['batches'] as unknown[][];
    return {
      ...record,
      batches: [values.map((value, index) => value ?? first![index]), ...others],
    };
  };

const same = undefined;
const FIRST_BYTES = BATCHES[0]!.rows.length;

/** Reads `agency:document,document …`. */
const winnersIn = (text: string): unknown[] =>
  text.split(' ').map(one => {
    const [agency, documents] = one.split(':');
    return [Number(agency), documents!.split(',')];
  });

/** Changed lines with a right checksum. */
const FORGERIES: readonly [what: string, line: number, change: Change, reason: RegExp][] = [
  [
    'a batch is of another agency than its rows',
    2,
    withBatch(2, same, same, same, same),
    /^a bet of agency 1 where the journal has none$/,
  ],
  [
    'a batch has a bet more than its rows',
    2,
    withBatch(same, 4, same, same, same),
    /^1 bets of agency 1 fewer than the journal says$/,
  ],
  [
    'a batch has a bet less than its rows',
    2,
    withBatch(same, 2, same, same, same),
    /^a bet of agency 1 where the journal has none$/,
  ],
  [
    'a batch is longer than its rows',
    2,
    withBatch(same, same, FIRST_BYTES + 1, same, same),
    new RegExp(`^its batches end at ${FIRST_BYTES + 1}, it says ${FIRST_BYTES}$`),
  ],
  [
    'a batch has a number that its upload does not expect',
    2,
    withBatch(same, same, same, same, 2),
    /^batch 2 of an upload that expects batch 1$/,
  ],
  [
    'the batches of a group have changed places',
    3,
    record => ({ ...record, batches: (record['batches'] as unknown[]).toReversed() }),
    /^a bet of agency 2 where the journal has none$/,
  ],
  ['a group has no batches', 2, record => ({ ...record, batches: undefined }), /batches/],
  [
    'a checkpoint has another digest than the rows',
    6,
    record => ({ ...record, sha256: sha256(Buffer.from('others')) }),
    /^the SHA-256 of its first \d+ bytes is not that of the checkpoint$/,
  ],
  [
    'a checkpoint covers fewer rows than its digest',
    6,
    record => ({ ...record, end: FIRST_BYTES }),
    new RegExp(`^the SHA-256 of its first ${FIRST_BYTES} bytes is not that of the checkpoint$`),
  ],
  [
    'a checkpoint covers more rows than there are',
    6,
    record => ({ ...record, end: ROWS.length + 1 }),
    /^a checkpoint of \d+ bytes, \d+ are there$/,
  ],
  [
    'the seal is another',
    7,
    record => ({ ...record, sha256: sha256(Buffer.from('others')) }),
    /^the SHA-256 of its first \d+ bytes is not that of the (?:checkpoint|seal)$/,
  ],
  [
    'the draw has a bet more',
    7,
    record => ({ ...record, bets: 7 }),
    /^a draw over 7 bets, 6 are there$/,
  ],
  [
    'the draw is over fewer rows',
    7,
    record => ({ ...record, end: FIRST_BYTES }),
    /^a draw over \d+ bytes, \d+ are there$/,
  ],
  ...[
    ['a winner more', '1:11,13,14 2:21', 1],
    ['a winner less', '1:11 2:21', 1],
    ['another winner', '1:11,12 2:21', 1],
    ['the winners in another order', '1:13,11 2:21', 1],
    ['no winner of an agency', '1:11,13', 2],
    ['winners of an agency without bets', '1:11,13 2:21 3:31', 3],
    ['the winner of another agency', '1:11,13,21', 1],
  ].map(([what, winners, agency]): (typeof FORGERIES)[number] => [
    `the draw has ${String(what)}`,
    7,
    record => ({ ...record, winners: winnersIn(String(winners)) }),
    new RegExp(`^the winners of agency ${String(agency)} are not those of its bets$`),
  ]),
];

/** Lines whose digests are compared with the rows: it is the rows that may be wrong. */
const DIGEST = /SHA-256/;

describe('verifying finds what a right checksum hides', () => {
  test.each(FORGERIES)('%s', async (_, line, change, reason) => {
    const folder = await drawn();
    const journal = forge(readFiles(folder).journal, line, change);
    writeFiles(folder, { journal });
    const damage = await damageOf(verifyStore(folder, hasWon));
    expect(damage.reason).toMatch(reason);
    if (DIGEST.test(damage.reason)) expect([damage.file, damage.offset]).toEqual(['bets.csv', 0]);
    else if (damage.file === 'bets.journal') expect(damage.offset).toBe(offsetOf(journal, line));
    else expect([damage.file, damage.offset]).toEqual(['bets.csv', line === 2 ? 0 : FIRST_BYTES]);
  });

  test('nothing, when a line was written again as it was', async () => {
    const folder = await drawn();
    const { journal } = readFiles(folder);
    for (let line = 1; line <= 7; line += 1) {
      expect(forge(journal, line, record => record).equals(journal)).toBe(true);
    }
    await verifyStore(folder, hasWon);
  });

  test('bets that an agency was given after it had finished', async () => {
    const folder = await filled();
    const { bets, journal } = readFiles(folder);
    const rows = Buffer.from('1,Ana,Paz,1,2000-02-29,7574\r\n');
    const group = {
      type: 'group',
      end: bets.length + rows.length,
      crc32: crc32Of(rows),
      batches: [[1, 1, rows.length]],
    };
    writeFiles(folder, { bets: Buffer.concat([bets, rows]), journal: appendLines(journal, group) });
    expect(await damageOf(verifyStore(folder, hasWon))).toMatchObject({
      file: 'bets.journal',
      offset: journal.length,
      reason: 'a batch of agency 1, which had finished',
    });
  });

  test('counts that two batches of the same agency have exchanged', async () => {
    const folder = await temporaryFolder();
    const { store } = await CsvStore.open(folder);
    await store.append(batchNamed(0));
    await Promise.all([
      store.append(batchNamed(1)),
      store.append(batchNamed(2, 1)),
      store.append(batchNamed(3, 2)),
    ]);
    await store.close();
    const { journal } = readFiles(folder);
    const forged = forge(journal, 4, record => {
      const [first, second] = record['batches'] as [number, number, number][];
      return {
        ...record,
        batches: [
          [first![0], second![1], first![2]],
          [second![0], first![1], second![2]],
        ],
      };
    });
    expect(forged.equals(journal)).toBe(false);
    writeFiles(folder, { journal: forged });
    expect((await damageOf(verifyStore(folder, hasWon))).message).toMatch(/damaged/);
  });

  test('a seal that is wrong, behind a checkpoint that covers less than the one before', async () => {
    const folder = await drawn();
    const { bets, journal } = readFiles(folder);
    const lines = linesOf(journal);
    const {
      n: _n,
      check: _check,
      ...draw
    } = JSON.parse(lines[6]!.toString()) as Record<string, unknown>;
    const back = { type: 'checkpoint', end: 10, sha256: sha256(bets.subarray(0, 10)) };
    const wrong = { ...draw, sha256: sha256(Buffer.from('others')) };
    writeFiles(folder, { journal: appendLines(Buffer.concat(lines.slice(0, 6)), back, wrong) });
    expect((await damageOf(verifyStore(folder, hasWon))).message).toMatch(/damaged/);
  });

  test('rows and journal that were both made again, and fit, but not the checkpoint of their digest', async () => {
    const folder = await filled();
    const { bets, journal } = readFiles(folder);
    const other = Buffer.from(bets.toString().replace('Santiago', 'Santiaga'));
    const forged = forge(journal, 2, record => ({
      ...record,
      crc32: crc32Of(other.subarray(0, FIRST_BYTES)),
    }));
    writeFiles(folder, { bets: other, journal: forged });
    expect(await damageOf(verifyStore(folder, hasWon))).toMatchObject({
      file: 'bets.csv',
      offset: 0,
      reason: `the SHA-256 of its first ${bets.length} bytes is not that of the checkpoint`,
    });
  });
});

describe('what was adopted', () => {
  test('is compared with the number of bets of each agency that was found then', async () => {
    const folder = await temporaryFolder();
    writeFileSync(betsPath(folder), ROWS);
    const { journal } = await start(folder);
    await verifyStore(folder, hasWon);
    for (const counts of ['1:3 2:3', '1:4 2:1', '1:4 2:3', '1:4']) {
      const bets = counts.split(' ').map(pair => pair.split(':').map(Number));
      writeFiles(folder, { journal: forge(journal, 2, record => ({ ...record, bets })) });
      expect(await damageOf(verifyStore(folder, hasWon))).toMatchObject({
        file: 'bets.csv',
        offset: 0,
      });
    }
  });
});
