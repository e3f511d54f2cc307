import { describe, expect, test } from 'vitest';
import { PiecePool } from '../../../src/store/csv/row-buffer.ts';
import { decodeRecord } from '../../../src/store/jetstream/log-record.ts';
import { OwnRecord } from '../../../src/store/jetstream/own-record.ts';
import { StoreError } from '../../../src/store/store.ts';
import { follow, idle } from '../faulty-store.ts';
import { bodyOf, finishOf, storedOf, type WrittenFact } from './records.ts';

const record = (): OwnRecord => new OwnRecord(new PiecePool());

const add = (to: OwnRecord, { fact, rows }: WrittenFact): Promise<void> => to.add(fact, Buffer.from(rows));

describe('a record that a server writes', () => {
  test('is a message with the facts that were added, in order, and their rows', () => {
    const own = record();
    const written = [storedOf('one', { seq: 1 }), finishOf(2), storedOf('two')];
    for (const one of written) void add(own, one);
    own.n = 7;
    expect(Buffer.from(own.body('w')).equals(bodyOf('w', 7, written))).toBe(true);
  });

  test('is the same message each time it is asked for', () => {
    const own = record();
    own.n = 1;
    void add(own, storedOf('one'));
    const body = own.body('w');
    expect(own.body('w')).toBe(body);
    expect(Buffer.from(body).equals(bodyOf('w', 1, [storedOf('one')]))).toBe(true);
  });

  test('has copied the rows: whoever gave them may use their memory again', () => {
    const own = record();
    own.n = 1;
    const rows = Buffer.from('one');
    void own.add(storedOf('one').fact, rows);
    rows.fill(0);
    expect(Buffer.from(decodeRecord(1, own.body('w')).rows).toString()).toBe('one');
  });

  test('may have rows of more than one piece of memory; the pieces are used again', () => {
    const pool = new PiecePool();
    const own = new OwnRecord(pool);
    own.n = 1;
    const rows = [1, 2, 3].map(byte => Buffer.alloc(700_000, byte));
    for (const part of rows) void own.add(storedOf('').fact, part);
    expect(own.bytes).toBe(2_100_000);
    const body = own.body('w');
    const another = new OwnRecord(pool);
    void another.add(storedOf('').fact, Buffer.alloc(1000, 9));
    expect(Buffer.from(decodeRecord(1, body).rows).equals(Buffer.concat(rows))).toBe(true);
  });

  test('counts its bytes of rows, and its size with the facts, which take room without rows, too', () => {
    const own = record();
    expect([own.bytes, own.size]).toEqual([0, 0]);
    void add(own, storedOf('12345'));
    expect(own.bytes).toBe(5);
    const { size } = own;
    expect(size).toBeGreaterThan(5);
    void add(own, finishOf(1));
    expect(own.bytes).toBe(5);
    expect(own.size).toBeGreaterThan(size);
  });
});

describe('whoever handed something over', () => {
  test('waits until the record is settled, and is told what became of his own', async () => {
    const own = record();
    const seen = ['a', 'b', 'c'].map(rows => follow(add(own, storedOf(rows))));
    let settled = false;
    void own.settled.then(() => (settled = true));
    await idle();
    expect(seen.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting', 'waiting']);
    expect([settled, own.isSettled]).toEqual([false, false]);
    own.settle([true, false, true]);
    expect(own.isSettled).toBe(true);
    await idle();
    expect(seen.map(({ outcome }) => outcome)).toEqual(['stored', 'overtaken', 'stored']);
    expect(settled).toBe(true);
  });

  test('is told in the order in which it was handed over, and before the record is settled', async () => {
    const own = record();
    const told: string[] = [];
    for (const rows of ['a', 'b', 'c']) void add(own, storedOf(rows)).then(() => told.push(rows));
    const settled = own.settled.then(() => told.push('settled'));
    own.settle([true, true, true]);
    await settled;
    expect(told).toEqual(['a', 'b', 'c', 'settled']);
  });

  test('is refused when the record is, with its reason', async () => {
    const own = record();
    const durable = [add(own, storedOf('a')), add(own, finishOf(1))];
    const error = new StoreError('unavailable', 'no answer');
    own.reject(error);
    await own.settled;
    for (const one of durable) await expect(one).rejects.toBe(error);
    expect(own.isSettled).toBe(true);
  });

  test('need not wait: a refusal of which nobody hears does no harm', async () => {
    const own = record();
    void add(own, storedOf('a'));
    own.reject(new StoreError('failed', 'the store is closed'));
    await idle();
    expect(own.isSettled).toBe(true);
  });
});
