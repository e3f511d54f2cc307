import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SeededRandom } from '../../src/dataset/random.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { RowGroups } from '../../src/kernel/row-groups.ts';
import { rowBytesMaxOf } from '../../src/kernel/row-reader.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';
import { PayloadMaker } from '../fuzz/payload-maker.ts';
import { isSameRead } from '../fuzz/same-read.ts';

const LORCA = Buffer.from('1|Santiago Lionel|Lorca|30904465|1999-03-17|7574');
const LORCA_ROW = '3,Santiago Lionel,Lorca,30904465,1999-03-17,7574\r\n';
const PAZ = Buffer.from('2|Ana|Paz|007|2000-02-29|0042|"|,|1|2000-02-29|1');
const PAZ_ROWS = '3,Ana,Paz,007,2000-02-29,42\r\n3,"""",",",1,2000-02-29,1\r\n';
const BAD = Buffer.from('2|Ana|Paz|007|2000-02-29|0042|Ana||007|2000-02-29|0042');

const SIZES = { groups: 2, groupBytes: 4096 };

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe.each([PlainBetReader, WasmBetReader])('groups of the $name', Reader => {
  test('hold the rows of batches one behind the other, and each batch its own', () => {
    const group = new RowGroups(new Reader(SIZES)).take()!;
    const lorca = group.append(LORCA, 3);
    const paz = group.append(PAZ, 3);
    expect(lorca).toEqual({ agency: 3, count: 1, rows: new Uint8Array(Buffer.from(LORCA_ROW)) });
    expect(paz).toEqual({ agency: 3, count: 2, rows: new Uint8Array(Buffer.from(PAZ_ROWS)) });
    expect(text(group.rows)).toBe(LORCA_ROW + PAZ_ROWS);
    expect(group.length).toBe(group.rows.length);
  });

  test('give nothing of a batch with a fault a place', () => {
    const group = new RowGroups(new Reader(SIZES)).take()!;
    group.append(LORCA, 3);
    expect(group.append(BAD, 3)).toEqual({ count: 2, index: 1, field: 'last_name', reason: 'empty' });
    group.append(PAZ, 3);
    expect(text(group.rows)).toBe(LORCA_ROW + PAZ_ROWS);
  });

  test('can be cut back to what they were before a batch', () => {
    const group = new RowGroups(new Reader(SIZES)).take()!;
    group.append(LORCA, 3);
    const before = group.length;
    group.append(PAZ, 3);
    group.cutBack(before);
    expect(text(group.rows)).toBe(LORCA_ROW);
    group.append(LORCA, 3);
    expect(text(group.rows)).toBe(LORCA_ROW + LORCA_ROW);
    expect(() => group.cutBack(group.length + 1)).toThrow(RangeError);
  });

  test('take no batch whose rows might not fit, and no byte beyond their end is written', () => {
    const groups = new RowGroups(new Reader(SIZES));
    const [one, other] = [groups.take()!, groups.take()!];
    while (one.append(PAZ, 65_535) !== undefined);
    while (other.append(PAZ, 65_535) !== undefined);
    expect(one.length).toBeGreaterThan(SIZES.groupBytes - 2 * rowBytesMaxOf(PAZ.length));
    expect(text(one.rows)).toBe(text(other.rows));
    expect(text(one.rows)).toBe(
      PAZ_ROWS.replaceAll(/^3,/gm, '65535,').repeat(one.length / (PAZ_ROWS.length + 8)),
    );
  });

  test('are as many as were asked for, each free again after its release, empty', () => {
    const groups = new RowGroups(new Reader(SIZES));
    const [one, other] = [groups.take()!, groups.take()!];
    expect(groups.take()).toBeUndefined();
    one.append(LORCA, 3);
    one.release();
    expect(groups.take()).toBe(one);
    expect(one.length).toBe(0);
    expect(groups.take()).toBeUndefined();
    expect(other.length).toBe(0);
  });

  test('keep their rows while others are read', () => {
    const reader = new Reader(SIZES);
    const groups = new RowGroups(reader);
    const beingWritten = groups.take()!;
    beingWritten.append(LORCA, 3);
    const { rows } = beingWritten;
    const next = groups.take()!;
    while (next.append(PAZ, 9) !== undefined);
    reader.readBatch(PAZ, 5);
    expect(text(rows)).toBe(LORCA_ROW);
  });

  test('cannot be larger than a place in the memory can be told', () => {
    expect(() => new Reader({ groups: 2, groupBytes: 2 ** 30 })).toThrow('too large');
  });

  test('are not there by default', () => {
    expect(new RowGroups(new Reader()).take()).toBeUndefined();
  });

  test.prop([fc.integer()], { numRuns: 100 })('hold what the same batches read one by one are', seed => {
    const reader = new Reader({ groups: 1, groupBytes: 256 * 1024 });
    const group = new RowGroups(reader).take()!;
    const maker = new PayloadMaker(new SeededRandom(seed));
    const expected: Uint8Array[] = [];
    for (let turn = 0; turn < 50; turn += 1) {
      const payload = maker.payload();
      const read = reader.readBatch(payload, 7);
      const appended = group.append(payload, 7);
      if (appended === undefined) break;
      expect(isSameRead(read, appended)).toBe(true);
      if ('rows' in read) expected.push(read.rows.slice());
    }
    expect(Buffer.concat(expected).equals(group.rows)).toBe(true);
  });
});
