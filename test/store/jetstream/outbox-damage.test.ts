import { copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DamageError } from '../../../src/store/csv/damage.ts';
import { encodeKept } from '../../../src/store/jetstream/outbox-record.ts';
import { Outbox } from '../../../src/store/jetstream/outbox.ts';
import { keptIn, numbersIn, recordNumbered, recordsNumbered } from './outbox-disk.ts';
import { FIRST, folderWith, opened, placeOf, refusalOf, segmentsIn } from './outbox-folder.ts';

describe('a torn end', () => {
  test('at every byte of the last record is cut off, and the records before are kept', async () => {
    const directory = await folderWith([recordsNumbered(1, 3), [recordNumbered(4)]]);
    const path = join(directory, FIRST);
    const whole = await readFile(path);
    const start = whole.length - Buffer.concat(encodeKept(recordNumbered(4), 4, 4)).length;
    for (let end = start; end < whole.length; end += 1) {
      await writeFile(path, whole.subarray(0, end));
      const { outbox, cuts } = await Outbox.open(directory);
      expect(cuts).toEqual(end === start ? [] : [{ file: FIRST, bytes: end - start }]);
      expect(await numbersIn(outbox)).toEqual([1, 2, 3]);
      expect(outbox.last).toEqual(placeOf(3));
      await outbox.append([recordNumbered(4)]);
      await outbox.close();
      expect(whole.equals(await readFile(path))).toBe(true);
    }
  });

  test('of an append of several records leaves its first ones', async () => {
    const directory = await folderWith([[recordNumbered(1)], recordsNumbered(2, 6)]);
    const path = join(directory, FIRST);
    const { length } = await readFile(path);
    await truncate(path, length - Buffer.concat(encodeKept(recordNumbered(6), 6, 2)).length - 5);
    const { outbox, cuts } = await Outbox.open(directory);
    expect(cuts).toHaveLength(1);
    expect(await numbersIn(outbox)).toEqual([1, 2, 3, 4]);
    await outbox.close();
  });

  test('of an append with zeros in it is cut off, although records of the same append come behind', async () => {
    const directory = await folderWith([[recordNumbered(1)], recordsNumbered(2, 6)]);
    const path = join(directory, FIRST);
    const bytes = await readFile(path);
    const third = Buffer.concat(
      [encodeKept(recordNumbered(1), 1, 1), encodeKept(recordNumbered(2), 2, 2)].flat(),
    );
    for (const [at, length] of [
      [third.length, 10],
      [third.length + 300, 100],
    ] as const) {
      await writeFile(path, Buffer.from(bytes).fill(0, at, at + length));
      const { outbox, cuts } = await Outbox.open(directory);
      expect(cuts).toEqual([{ file: FIRST, bytes: bytes.length - third.length }]);
      expect(await numbersIn(outbox)).toEqual([1, 2]);
      await outbox.close();
    }
  });

  test('of nothing but zeros is cut off', async () => {
    const directory = await folderWith([]);
    await writeFile(join(directory, FIRST), Buffer.alloc(3_000_000));
    const { outbox, cuts } = await Outbox.open(directory);
    expect(cuts).toEqual([{ file: FIRST, bytes: 3_000_000 }]);
    await outbox.append([recordNumbered(1)]);
    expect(await numbersIn(outbox)).toEqual([1]);
    await outbox.close();
  });
});

describe('damage is refused:', () => {
  /** Two segments: three appends in the first one, two in the second. */
  async function damaged(): Promise<{ directory: string; starts: number[] }> {
    const directory = await folderWith([1, 2, 3].map(n => [recordNumbered(n, 300)]));
    const starts = [0, 1, 2].map(index => {
      const before = recordsNumbered(1, index, 300).map(record => encodeKept(record, record.n, record.n));
      return Buffer.concat(before.flat()).length;
    });
    const outbox = await opened(directory, { segmentBytesMax: 1 });
    await outbox.append([recordNumbered(4)]);
    await outbox.close();
    const next = await opened(directory);
    await next.append([recordNumbered(5)]);
    await next.close();
    expect(await segmentsIn(directory)).toEqual([FIRST, 'outbox-00000002.log']);
    return { directory, starts };
  }

  const offsetOf = async (directory: string): Promise<[string, number]> => {
    const error = await refusalOf(directory);
    expect(error).toBeInstanceOf(DamageError);
    return [(error as DamageError).file, (error as DamageError).offset];
  };

  test('a byte changed anywhere before the last append', async () => {
    const { directory, starts } = await damaged();
    for (const name of await segmentsIn(directory)) {
      const path = join(directory, name);
      const bytes = await readFile(path);
      const end = name === FIRST ? bytes.length : bytes.lastIndexOf('{"number":');
      const startsHere = name === FIRST ? starts : [0];
      for (let at = 0; at < end; at += 7) {
        for (const value of [0, bytes[at]! ^ 1]) {
          await writeFile(path, Buffer.from(bytes).fill(value, at, at + 1));
          expect(await offsetOf(directory)).toEqual([name, startsHere.findLast(start => start <= at)]);
        }
      }
      await writeFile(path, bytes);
    }
    expect(await numbersIn(await opened(directory))).toEqual([1, 2, 3, 4, 5]);
  });

  test('a byte changed in the last record, when it is no zero', async () => {
    const directory = await folderWith([[recordNumbered(1)], [recordNumbered(2)]]);
    const path = join(directory, FIRST);
    const bytes = await readFile(path);
    const start = bytes.lastIndexOf('{"number":');
    for (let at = start; at < bytes.length; at += 1) {
      await writeFile(path, Buffer.from(bytes).fill(bytes[at]! ^ 1, at, at + 1));
      expect(await offsetOf(directory)).toEqual([FIRST, start]);
    }
  });

  test('an older segment that is shorter, empty or missing', async () => {
    const { directory, starts } = await damaged();
    const path = join(directory, FIRST);
    await truncate(path, starts[2]! + 10);
    expect(await offsetOf(directory)).toEqual([FIRST, starts[2]]);
    await truncate(path, starts[2]);
    expect(await offsetOf(directory)).toEqual(['outbox-00000002.log', 0]);
    await truncate(path, 0);
    expect(await offsetOf(directory)).toEqual([FIRST, 0]);
  });

  test('segments that were exchanged, doubled or taken from the middle', async () => {
    const directory = await folderWith(
      [1, 2, 3].map(n => [recordNumbered(n)]),
      { segmentBytesMax: 1 },
    );
    const [one, two, three] = [1, 2, 3].map(number => join(directory, `outbox-0000000${number}.log`));
    await copyFile(three!, join(directory, 'outbox-00000004.log'));
    expect(await offsetOf(directory)).toEqual(['outbox-00000004.log', 0]);
    await rm(join(directory, 'outbox-00000004.log'));
    await rename(two!, join(directory, 'two'));
    expect(await offsetOf(directory)).toEqual(['outbox-00000003.log', 0]);
    await rename(one!, two!);
    await rename(join(directory, 'two'), one!);
    expect(await offsetOf(directory)).toEqual(['outbox-00000002.log', 0]);
  });

  test('a record removed from the middle, or doubled', async () => {
    const directory = await folderWith([1, 2, 3].map(n => [recordNumbered(n)]));
    const path = join(directory, FIRST);
    const encoded = (n: number, first = n): Uint8Array =>
      Buffer.concat(encodeKept(recordNumbered(n), n, first));
    await writeFile(path, Buffer.concat([encoded(1), encoded(3)]));
    expect(await offsetOf(directory)).toEqual([FIRST, encoded(1).length]);
    await writeFile(path, Buffer.concat([encoded(1), encoded(1)]));
    expect(await offsetOf(directory)).toEqual([FIRST, encoded(1).length]);
    await writeFile(path, Buffer.concat([encoded(2), encoded(3, 1)]));
    expect(await offsetOf(directory)).toEqual([FIRST, encoded(2).length]);
    await writeFile(path, encoded(3, 2));
    expect(await offsetOf(directory)).toEqual([FIRST, 0]);
  });

  test('while it is read, too', async () => {
    const directory = await folderWith([[recordNumbered(1)], [recordNumbered(2)]]);
    const outbox = await opened(directory);
    const path = join(directory, FIRST);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await expect(keptIn(outbox)).rejects.toThrow(DamageError);
    await rm(path);
    await expect(keptIn(outbox)).rejects.toMatchObject({ code: 'failed' });
  });

  test('and the folder is free again', async () => {
    const directory = await folderWith([[recordNumbered(1)], [recordNumbered(2)]]);
    const path = join(directory, FIRST);
    const bytes = await readFile(path);
    await writeFile(path, Buffer.from(bytes).fill('x', 0, 1));
    await refusalOf(directory);
    await writeFile(path, bytes);
    expect(await numbersIn(await opened(directory))).toEqual([1, 2]);
  });
});
