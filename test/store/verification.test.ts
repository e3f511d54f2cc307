import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  appendLines,
  BATCHES,
  betsPath,
  crc32Of,
  damageOf,
  drawn,
  filled,
  forge,
  linesOf,
  offsetOf,
  readFiles,
  ROWS,
  sha256,
  start,
  writeFiles,
} from './store-folder.ts';

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

/** Changed lines with a correct checksum. */
const FORGERIES: readonly [what: string, line: number, change: Change, reason: RegExp][] = [
  [
    'a batch is of another agency than its rows',
    2,
    withBatch(2, same, same, same, same),
    /^a bet of agency 1 where the journal has none$/,
  ],
  [
    'a batch has one bet more than its rows',
    2,
    withBatch(same, 4, same, same, same),
    /^1 bets of agency 1 fewer than the journal says$/,
  ],
  [
    'a batch has one bet fewer than its rows',
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
    'the batches of a group are swapped',
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
    'the seal has another digest than the rows',
    7,
    record => ({ ...record, sha256: sha256(Buffer.from('others')) }),
    /^the SHA-256 of its first \d+ bytes is not that of the (?:checkpoint|seal)$/,
  ],
  [
    'the draw has one bet more',
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
    ['one winner more', '1:11,13,14 2:21', 1],
    ['one winner fewer', '1:11 2:21', 1],
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

/** A differing digest is reported as damage of the rows. */
const DIGEST = /SHA-256/;

describe('verifyStore', () => {
  test.each(FORGERIES)(
    'detects that %s despite a valid checksum',
    async (_, line, change, reason) => {
      const folder = await drawn();
      const journal = forge(readFiles(folder).journal, line, change);
      writeFiles(folder, { journal });
      const damage = await damageOf(verifyStore(folder, hasWon));
      expect(damage.reason).toMatch(reason);
      if (DIGEST.test(damage.reason)) expect([damage.file, damage.offset]).toEqual(['bets.csv', 0]);
      else if (damage.file === 'bets.journal') expect(damage.offset).toBe(offsetOf(journal, line));
      else expect([damage.file, damage.offset]).toEqual(['bets.csv', line === 2 ? 0 : FIRST_BYTES]);
    },
  );

  test('detects a malformed row, and names its line', async () => {
    const folder = await filled();
    const { bets, journal } = readFiles(folder);
    const rows = Buffer.from('3,Ana,Paz,1,2000-02-29,7574\r\nnot a row\r\n');
    const end = bets.length + rows.length;
    const batches = [[3, 2, rows.length]];
    const group = { type: 'group', end, crc32: crc32Of(rows), batches };
    writeFiles(folder, { bets: Buffer.concat([bets, rows]), journal: appendLines(journal, group) });
    const { message } = await damageOf(verifyStore(folder, hasWon));
    expect(message).toMatch(
      /^bets\.csv is damaged at offset \d+, line 2 of the rows from there is not a row of a bet; /,
    );
  });

  test('detects bets of an agency after its finish', async () => {
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

  test('detects swapped counts of two batches of the same agency', async () => {
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

  test('detects a wrong seal after a checkpoint that covers fewer rows', async () => {
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

  test('detects consistent forged rows and journal by the digest of the checkpoint', async () => {
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

describe('verifyStore of an adopted bets.csv', () => {
  test('compares the bets of each agency with the counts of the adoption', async () => {
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
