import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Outbox } from '../../../src/store/jetstream/outbox.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';
import { keptIn, numbersIn, recordNumbered, recordsNumbered } from './outbox-disk.ts';
import { FIRST, folderWith, opened, placeOf, refusalOf, segmentsIn } from './outbox-folder.ts';

describe('an outbox', () => {
  test('that is new holds nothing', async () => {
    const outbox = await opened(join(await temporaryFolder(), 'outbox'));
    expect([outbox.first, outbox.last, outbox.bytes]).toEqual([undefined, undefined, 0]);
    expect(await keptIn(outbox)).toEqual([]);
  });

  test('gives back what it was given, also to the next process', async () => {
    const part = fc.record({
      position: fc.maxSafeNat(),
      writer: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' }),
      n: fc.integer({ min: 1 }),
      facts: fc.json(),
      rows: fc.uint8Array({ maxLength: 3000 }).map(bytes => Buffer.from(bytes)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(part, { maxLength: 5 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 10_000 }),
        async (appends, segmentBytesMax) => {
          const folder = await temporaryFolder();
          const { outbox } = await Outbox.open(folder, { segmentBytesMax });
          for (const records of appends) await outbox.append(records);
          expect(await keptIn(outbox)).toEqual(appends.flat());
          await outbox.close();
          const next = await Outbox.open(folder);
          expect(next.cuts).toEqual([]);
          expect(await keptIn(next.outbox)).toEqual(appends.flat());
          await next.outbox.close();
          await rm(folder, { recursive: true });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('knows its first and its last record and its size, before and after it was opened again', async () => {
    const directory = await folderWith([]);
    const outbox = await opened(directory);
    await outbox.append([recordNumbered(4)]);
    await outbox.append(recordsNumbered(5, 8));
    const size = (await readFile(join(directory, FIRST))).length;
    const known = (one: Outbox): unknown[] => [one.first, one.last, one.bytes];
    expect(known(outbox)).toEqual([placeOf(4), placeOf(8), size]);
    await outbox.close();
    const next = await opened(directory);
    expect(known(next)).toEqual([placeOf(4), placeOf(8), size]);
    await next.append([recordNumbered(9)]);
    expect(await numbersIn(next)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('takes rows of several MB and hands them out one at a time', async () => {
    const rows = Buffer.alloc(5_000_000, 'rows\n');
    const records = recordsNumbered(1, 8).map(record => ({ ...record, rows }));
    const outbox = await opened(await folderWith([records]));
    let count = 0;
    for await (const record of outbox.records()) {
      expect(rows.equals(record.rows)).toBe(true);
      count += 1;
    }
    expect(count).toBe(8);
  });

  test('keeps the order of calls that do not wait for each other', async () => {
    const outbox = await opened(await folderWith([]), { segmentBytesMax: 500 });
    await Promise.all(recordsNumbered(1, 40).map(record => outbox.append([record])));
    expect(await numbersIn(outbox)).toEqual(recordsNumbered(1, 40).map(({ n }) => n));
  });

  test('gives a reading what was there when it began, while more is appended', async () => {
    const outbox = await opened(await folderWith([recordsNumbered(1, 3)]), { segmentBytesMax: 1 });
    const numbers: number[] = [];
    for await (const { n } of outbox.records()) {
      numbers.push(n);
      await outbox.append([recordNumbered(3 + numbers.length)]);
    }
    expect(numbers).toEqual([1, 2, 3]);
    expect(await numbersIn(outbox)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('says that a record cannot be kept before it writes anything', async () => {
    const outbox = await opened(await folderWith([]));
    const records = [recordNumbered(1), { ...recordNumbered(2), writer: '' }];
    await expect(outbox.append(records)).rejects.toThrow(RangeError);
    await outbox.append([recordNumbered(1)]);
    expect(await numbersIn(outbox)).toEqual([1]);
  });

  test('takes nothing after it was closed, and is closed once', async () => {
    const outbox = await opened(await folderWith([]));
    const waited = outbox.append([recordNumbered(1)]);
    await Promise.all([outbox.close(), outbox.close(), waited]);
    await expect(outbox.append([recordNumbered(2)])).rejects.toMatchObject({ code: 'failed' });
  });
});

describe('a segment', () => {
  test('that is larger than it may be takes no further append', async () => {
    const directory = await folderWith([recordsNumbered(1, 9), [recordNumbered(10)], [recordNumbered(11)]], {
      segmentBytesMax: 1000,
    });
    expect(await segmentsIn(directory)).toEqual([FIRST, 'outbox-00000002.log']);
    expect(await numbersIn(await opened(directory))).toEqual(recordsNumbered(1, 11).map(({ n }) => n));
  });

  test('that was written on for a quarter of the time takes no further append', async () => {
    const directory = await folderWith([]);
    const outbox = await opened(directory, { keepMs: 400 });
    await outbox.aged(1000); // Of an empty outbox nothing ages.
    await outbox.append([recordNumbered(1)]);
    await outbox.aged(99);
    await outbox.append([recordNumbered(2)]);
    expect(await segmentsIn(directory)).toHaveLength(1);
    await outbox.aged(1);
    await outbox.append([recordNumbered(3)]);
    expect(await segmentsIn(directory)).toHaveLength(2);
  });
});

describe('aging', () => {
  /** An outbox of three segments of a record each. */
  async function threeSegments(): Promise<Outbox> {
    const outbox = await opened(await folderWith([]), { keepMs: 400, segmentBytesMax: 1 });
    for (const record of recordsNumbered(1, 3)) await outbox.append([record]);
    return outbox;
  }

  test('removes what is old enough, and never the newest record', async () => {
    const outbox = await threeSegments();
    // A part of this had passed before: it does not count.
    await outbox.aged(1000);
    expect(await numbersIn(outbox)).toEqual([1, 2, 3]);
    await outbox.aged(399);
    expect(await numbersIn(outbox)).toEqual([1, 2, 3]);
    await outbox.aged(1);
    expect(await numbersIn(outbox)).toEqual([3]);
    for (let time = 0; time < 10; time += 1) await outbox.aged(1000);
    expect([outbox.first, outbox.last]).toEqual([placeOf(3), placeOf(3)]);
    await outbox.append([recordNumbered(4)]);
    await outbox.aged(0);
    expect(await numbersIn(outbox)).toEqual([4]);
  });

  test('is over after ten minutes, when nothing else is said, and a quarter of that for the segment', async () => {
    const minuteMs = 60_000;
    const outbox = await opened(await folderWith([]));
    await outbox.append([recordNumbered(1)]);
    await outbox.aged(2.5 * minuteMs);
    await outbox.append([recordNumbered(2)]);
    await outbox.aged(0);
    await outbox.aged(10 * minuteMs - 1);
    expect(await numbersIn(outbox)).toEqual([1, 2]);
    await outbox.aged(1);
    expect(await numbersIn(outbox)).toEqual([2]);
  });

  test('begins anew after an interruption', async () => {
    const outbox = await threeSegments();
    for (let time = 0; time < 5; time += 1) {
      await outbox.aged(200);
      await outbox.aged(200);
      await outbox.aged(199);
      expect(await numbersIn(outbox)).toEqual([1, 2, 3]);
      outbox.interrupted();
    }
    await outbox.aged(200);
    await outbox.aged(400);
    expect(await numbersIn(outbox)).toEqual([3]);
  });

  test('begins anew in the next process', async () => {
    const directory = await folderWith([[recordNumbered(1)], [recordNumbered(2)]], { segmentBytesMax: 1 });
    for (let time = 0; time < 3; time += 1) {
      const outbox = await opened(directory, { keepMs: 400 });
      await outbox.aged(399);
      await outbox.aged(399);
      expect(await numbersIn(outbox)).toEqual([1, 2]);
      await outbox.close();
    }
  });

  test('does not count the time before the last append to a segment', async () => {
    const outbox = await opened(await folderWith([]), { keepMs: 400, segmentBytesMax: 1 });
    await outbox.append([recordNumbered(1)]);
    await Promise.all([outbox.aged(50), outbox.append([recordNumbered(2)])]);
    // The first one was closed within this time.
    await outbox.aged(400);
    expect(await numbersIn(outbox)).toEqual([1, 2]);
    await outbox.aged(400);
    expect(await numbersIn(outbox)).toEqual([2]);
  });

  test('waits for a reading', async () => {
    const outbox = await threeSegments();
    await outbox.aged(0);
    const numbers: number[] = [];
    for await (const { n } of outbox.records()) {
      await outbox.aged(400);
      numbers.push(n);
    }
    expect(numbers).toEqual([1, 2, 3]);
    await outbox.aged(0);
    expect(await numbersIn(outbox)).toEqual([3]);
  });

  test('frees the disk, and what is left is opened again', async () => {
    const directory = await folderWith([]);
    const outbox = await opened(directory, { keepMs: 400, segmentBytesMax: 1 });
    for (const record of recordsNumbered(1, 5)) await outbox.append([record]);
    const before = outbox.bytes;
    await outbox.aged(0);
    await outbox.append([recordNumbered(6)]);
    await outbox.aged(400);
    expect(outbox.bytes).toBeLessThan(before);
    expect(await segmentsIn(directory)).toHaveLength(2);
    await outbox.close();
    const next = await opened(directory);
    expect(await numbersIn(next)).toEqual([5, 6]);
    await next.append([recordNumbered(7)]);
    expect(await numbersIn(next)).toEqual([5, 6, 7]);
  });
});

describe('clearing', () => {
  test('removes every record, and others are kept then', async () => {
    const directory = await folderWith([recordsNumbered(1, 3), recordsNumbered(4, 6)], {
      segmentBytesMax: 1,
    });
    const outbox = await opened(directory);
    await outbox.clear();
    expect([outbox.first, outbox.last, outbox.bytes]).toEqual([undefined, undefined, 0]);
    expect(await segmentsIn(directory)).toEqual([]);
    await outbox.append([recordNumbered(7)]);
    expect(await numbersIn(outbox)).toEqual([7]);
    await outbox.close();
    expect(await numbersIn(await opened(directory))).toEqual([7]);
  });

  test('is refused while records are read, and harms nothing', async () => {
    const outbox = await opened(await folderWith([recordsNumbered(1, 3)]));
    for await (const _ of outbox.records()) {
      await expect(outbox.clear()).rejects.toThrow('cannot be cleared while its records are read');
      break;
    }
    await outbox.append([recordNumbered(4)]);
    expect(await numbersIn(outbox)).toEqual([1, 2, 3, 4]);
    await outbox.clear();
    expect(await numbersIn(outbox)).toEqual([]);
  });
});

describe('a folder', () => {
  const HOLDER = `
    const { Outbox } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/store/jetstream/outbox.ts'))});
    await Outbox.open(process.argv[1]);
    console.log('open');
    setInterval(() => {}, 1000);
  `;

  test('that another process has is refused, and is free as soon as that is killed', async () => {
    const directory = await folderWith([[recordNumbered(1)]]);
    const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(String((await once(child.stdout, 'data'))[0])).toBe('open\n');
    expect(await refusalOf(directory)).toMatchObject({
      code: 'unusable',
      message: `another process has ${directory}/outbox.lock locked; end it, or use another DATA_DIR`,
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await numbersIn(await opened(directory))).toEqual([1]);
  });

  test('is refused when the one above is missing, or when it is a file', async () => {
    const folder = await temporaryFolder();
    const missing = join(folder, 'missing', 'outbox');
    expect(await refusalOf(missing)).toMatchObject({
      code: 'unusable',
      message: `cannot use ${missing}, ENOENT on mkdir`,
    });
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(await refusalOf(file)).toMatchObject({ code: 'unusable' });
  });

  test('may hold other files', async () => {
    const directory = await folderWith([[recordNumbered(1)]]);
    await writeFile(join(directory, 'notes.txt'), 'x');
    await mkdir(join(directory, 'outbox-1.log'));
    expect(await numbersIn(await opened(directory))).toEqual([1]);
  });
});
