import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { hasWon } from '../../src/lottery/catedra.ts';
import { DamageError } from '../../src/store/csv/damage.ts';
import { verifyStore } from '../../src/store/csv/inspection.ts';
import { temporaryFolder } from '../support/temp-folder.ts';
import {
  appendLines,
  BATCHES,
  betsPath,
  damageOf,
  drawIn,
  fillFolder,
  journalPath,
  lineStart,
  linesOf,
  readFiles,
  ROWS,
  start,
  type StoreFiles,
  writeFiles,
} from './store-folder.ts';

/** Ends of the two groups of the filled folder, in bytes of `bets.csv`. */
const FIRST_GROUP_END = BATCHES[0]!.rows.length;

/** A folder after or before the draw, and its undamaged files. */
async function prepared(drawn: boolean): Promise<StoreFiles & { readonly folder: string }> {
  const folder = await temporaryFolder();
  await fillFolder(folder);
  if (drawn) await drawIn(folder);
  return { folder, ...readFiles(folder) };
}

interface Place {
  readonly file: string;
  readonly offset: number;
}

/**
 * Asserts that starting and verifying name the same place and that neither touches a byte; returns
 * the place.
 */
async function damagePlace(folder: string, files: StoreFiles, what: string): Promise<Place> {
  const started = await refusedPlace(folder, files, what);
  expect({ what, ...(await placeOf(verifyStore(folder, hasWon))) }).toEqual({ what, ...started });
  return started;
}

/** Asserts that a start is refused and touches no byte; returns the place that it names. */
async function refusedPlace(folder: string, files: StoreFiles, what: string): Promise<Place> {
  writeFiles(folder, files);
  const started = await placeOf(start(folder));
  const after = readFiles(folder);
  if (!after.bets.equals(files.bets) || !after.journal.equals(files.journal)) {
    expect.fail(`${what}: a file was changed although the start was refused`);
  }
  return started;
}

async function placeOf(promise: Promise<unknown>): Promise<Place> {
  const { file, offset, message, reason, code } = await damageOf(promise);
  expect([message, code]).toEqual([
    `${file} is damaged at offset ${offset}, ${reason}; ${DamageError.wayOut}`,
    'unusable',
  ]);
  return { file, offset };
}

/** A copy with one byte changed. */
function changed(bytes: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = byte;
  return copy;
}

/** Asserts that a start cuts the last line, as after a crash, and keeps everything else. */
async function expectLastLineCut(
  folder: string,
  files: StoreFiles,
  intact: StoreFiles,
): Promise<void> {
  writeFiles(folder, files);
  const lastLine = linesOf(intact.journal).at(-1)!;
  const { journalEnd, journalTornBytes } = await verifyStore(folder, hasWon);
  expect([journalEnd, journalTornBytes]).toEqual([
    intact.journal.length - lastLine.length,
    lastLine.length,
  ]);
  const started = await start(folder);
  expect(started.cuts).toEqual([{ file: 'bets.journal', bytes: lastLine.length }]);
  expect(started.journal.equals(intact.journal.subarray(0, journalEnd))).toBe(true);
}

describe('bets.journal', () => {
  test('stops the start at the line with a flipped bit', async () => {
    const { folder, bets, journal } = await prepared(true);
    for (let at = 0; at < journal.length; at += 1) {
      const files = { bets, journal: changed(journal, at, journal[at]! ^ (1 << (at % 8))) };
      const find = at % 5 === 0 ? damagePlace : refusedPlace;
      const place = await find(folder, files, `byte ${at}`);
      expect({ at, ...place }).toEqual({
        at,
        file: 'bets.journal',
        offset: lineStart(journal, at),
      });
    }
  });

  test('stops the start at the line whose line end was changed', async () => {
    const { folder, bets, journal } = await prepared(true);
    let offset = 0;
    for (const line of linesOf(journal)) {
      const end = offset + line.length - 1;
      for (const byte of [0x0b, 0x0d, 0x7d]) {
        const files = { bets, journal: changed(journal, end, byte) };
        const place = await damagePlace(folder, files, `line end at ${end} as ${byte}`);
        expect({ byte, ...place }).toEqual({ byte, file: 'bets.journal', offset });
      }
      offset = end + 1;
    }
  });

  test('stops the start at a zeroed byte, except in a torn last line, which is cut', async () => {
    const { folder, bets, journal } = await prepared(true);
    const lastStart = lineStart(journal, journal.length - 1);
    for (let at = 0; at < journal.length; at += 1) {
      const isLineEnd = journal[at] === 0x0a;
      if (at % 7 > 0 && !isLineEnd) continue;
      const files = { bets, journal: changed(journal, at, 0) };
      if (at >= lastStart) await expectLastLineCut(folder, files, { bets, journal });
      else {
        const place = await damagePlace(folder, files, `byte ${at}`);
        expect(place).toEqual({ file: 'bets.journal', offset: lineStart(journal, at) });
      }
    }
  });

  test('stops the start where a line is missing or duplicated', async () => {
    const { folder, bets, journal } = await prepared(true);
    const lines = linesOf(journal);
    let offset = 0;
    for (const [index, line] of lines.entries()) {
      const without = Buffer.concat(lines.toSpliced(index, 1));
      if (index < lines.length - 1) {
        const place = await damagePlace(
          folder,
          { bets, journal: without },
          `without line ${index + 1}`,
        );
        expect(place).toEqual({ file: 'bets.journal', offset });
      }
      offset += line.length;
      const twice = Buffer.concat(lines.toSpliced(index, 0, line));
      const place = await damagePlace(folder, { bets, journal: twice }, `line ${index + 1} twice`);
      expect(place).toEqual({ file: 'bets.journal', offset });
    }
  });

  test('stops the start when anything follows the draw', async () => {
    const { folder, bets, journal } = await prepared(true);
    const record = { type: 'finished', agency: 3 };
    const added = [
      appendLines(journal, record),
      Buffer.concat([journal, Buffer.from('{')]),
      Buffer.concat([journal, Buffer.alloc(100)]),
      Buffer.concat([journal, Buffer.from('\n')]),
    ];
    for (const [index, after] of added.entries()) {
      const place = await damagePlace(folder, { bets, journal: after }, `tail ${index}`);
      expect(place).toEqual({ file: 'bets.journal', offset: journal.length });
    }
  });

  test('stops the start when it is empty or its first line is wrong', async () => {
    const { folder, bets } = await prepared(false);
    const beginnings: readonly [Buffer, number][] = [
      [Buffer.alloc(0), 0],
      [appendLines(Buffer.alloc(0), { type: 'finished', agency: 1 }), 0],
      [appendLines(Buffer.alloc(0), { type: 'begin', version: 3, time: '' }), 0],
      [Buffer.from('{"n":1,"type":"begin"'), 0],
    ];
    for (const [journal, offset] of beginnings) {
      expect(await damagePlace(folder, { bets, journal }, journal.toString())).toEqual({
        file: 'bets.journal',
        offset,
      });
    }
  });

  test('names the unknown format of a journal from a later version', async () => {
    const { folder, bets } = await prepared(false);
    writeFiles(folder, {
      bets,
      journal: appendLines(Buffer.alloc(0), { type: 'begin', version: 3, time: '' }),
    });
    expect((await damageOf(start(folder))).reason).toBe(
      'format 3 was written by another version of this program',
    );
  });

  test('stops the start at an unknown line type or a second begin line', async () => {
    const { folder, bets, journal } = await prepared(false);
    for (const record of [
      { type: 'refund', agency: 1 },
      { type: 'begin', version: 1, time: '' },
    ]) {
      const place = await damagePlace(
        folder,
        { bets, journal: appendLines(journal, record) },
        record.type,
      );
      expect(place).toEqual({ file: 'bets.journal', offset: journal.length });
    }
  });
});

describe('bets.csv', () => {
  test('stops the start at the group with a flipped bit', async () => {
    const { folder, bets, journal } = await prepared(true);
    expect(bets.equals(ROWS)).toBe(true);
    for (let at = 0; at < bets.length; at += 1) {
      const files = { bets: changed(bets, at, bets[at]! ^ (1 << (at % 8))), journal };
      const find = at % 5 === 0 ? damagePlace : refusedPlace;
      const place = await find(folder, files, `byte ${at}`);
      expect({ at, ...place }).toEqual({
        at,
        file: 'bets.csv',
        offset: at < FIRST_GROUP_END ? 0 : FIRST_GROUP_END,
      });
    }
  });

  test.each([
    ['before the draw', false, 1],
    ['after the draw', true, 29],
  ])('stops the start at its end when it is truncated %s', async (_, drawn, step) => {
    const { folder, bets, journal } = await prepared(drawn);
    for (let length = 0; length < bets.length; length += step) {
      const files = { bets: bets.subarray(0, length), journal };
      const place = await damagePlace(folder, files, `the first ${length} bytes`);
      expect(place).toEqual({ file: 'bets.csv', offset: length });
    }
  });

  test('stops the start when rows are swapped', async () => {
    const { folder, bets, journal } = await prepared(true);
    const rows = linesOf(bets);
    for (let index = 0; index + 1 < rows.length; index += 1) {
      const swapped = Buffer.concat(rows.toSpliced(index, 2, rows[index + 1]!, rows[index]!));
      const place = await damagePlace(folder, { bets: swapped, journal }, `rows ${index} and next`);
      expect(place).toEqual({
        file: 'bets.csv',
        offset: index < BATCHES[0]!.count ? 0 : FIRST_GROUP_END,
      });
    }
  });

  test('is cut when too long before the draw, and stops the start after it', async () => {
    const tail = Buffer.from('1,Ana,Paz,1,2000-02-29,7574\r\n');
    for (const length of [1, tail.length]) {
      const added = tail.subarray(0, length);
      const open = await prepared(false);
      writeFiles(open.folder, { bets: Buffer.concat([open.bets, added]) });
      const { betsTornBytes } = await verifyStore(open.folder, hasWon);
      expect(betsTornBytes).toBe(length);
      const { cuts, bets } = await start(open.folder);
      expect(cuts).toEqual([{ file: 'bets.csv', bytes: length }]);
      expect(bets.equals(open.bets)).toBe(true);

      const drawn = await prepared(true);
      const files = { bets: Buffer.concat([drawn.bets, added]), journal: drawn.journal };
      const place = await damagePlace(drawn.folder, files, 'added after the draw');
      expect(place).toEqual({ file: 'bets.csv', offset: drawn.bets.length });
    }
  });

  test('is damaged at offset 0 for verifyStore when it is missing', async () => {
    const { folder } = await prepared(true);
    await rm(betsPath(folder));
    expect(await damageOf(verifyStore(folder, hasWon))).toMatchObject({
      file: 'bets.csv',
      offset: 0,
    });
  });
});

describe('verifyStore', () => {
  test('changes neither content nor times of intact, torn or damaged files', async () => {
    const { folder, bets, journal } = await prepared(false);
    const times = (): unknown =>
      [betsPath(folder), journalPath(folder)].map(path => [
        statSync(path).mtimeMs,
        statSync(path).size,
      ]);
    const contents: readonly StoreFiles[] = [
      { bets, journal },
      { bets: Buffer.concat([bets, Buffer.from('1,An')]), journal: journal.subarray(0, -3) },
      { bets, journal: changed(journal, 5, 0x41) },
    ];
    const damaged: boolean[] = [];
    for (const files of contents) {
      writeFiles(folder, files);
      const before = times();
      const outcome = await verifyStore(folder, hasWon).catch((error: unknown) => error);
      damaged.push(outcome instanceof DamageError);
      expect(times()).toEqual(before);
      expect(readFiles(folder)).toEqual(files);
    }
    expect(damaged).toEqual([false, false, true]);
  });
});
