import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Lottery } from '../../../src/lottery/lottery.ts';
import type { Engine } from '../../../src/store/jetstream/engine.ts';
import { EngineError } from '../../../src/store/jetstream/engine-error.ts';
import type { PlacedRecord } from '../../../src/store/jetstream/log-record.ts';
import { LogRows } from '../../../src/store/jetstream/log-rows.ts';
import { LogState } from '../../../src/store/jetstream/log-state.ts';
import { finishOf, placed, storedOf, type WrittenFact } from './records.ts';

/** A log in memory, and what reads its rows. */
class Log {
  readonly records: PlacedRecord[] = [];
  readonly closing = new AbortController();
  state = new LogState(new Lottery([1, 2]));
  /** From where to where it was read, each time. */
  readonly reads: (readonly [from: number, to: number])[] = [];
  /** The record behind which the next reading breaks off. */
  breakAt: number | undefined;
  /** Called before each record that is read. */
  onRead: (position: number) => void = () => {};
  readonly rows = new LogRows({
    engine: { read: (from: number, to: number) => this.#read(from, to) } as unknown as Engine,
    state: () => this.state,
    signal: this.closing.signal,
  });

  /** Adds a record and reads it. */
  add(writer: string, n: number, ...facts: readonly WrittenFact[]): void {
    const record = placed(this.records.length + 1, writer, n, facts);
    this.records.push(record);
    this.state.apply(record);
  }

  /** Reads all of it again, as one does that was put together anew. */
  readAgain(): void {
    this.state = new LogState(new Lottery([1, 2]));
    for (const record of this.records) this.state.apply(record);
  }

  async all(): Promise<string> {
    const pieces: string[] = [];
    for await (const rows of this.rows.all()) pieces.push(Buffer.from(rows).toString());
    return pieces.join('');
  }

  async *#read(from: number, to: number): AsyncGenerator<PlacedRecord> {
    this.reads.push([from, to]);
    for (const record of this.records.slice(from - 1, to)) {
      this.onRead(record.position);
      yield record;
      if (record.position === this.breakAt) {
        this.breakAt = undefined;
        throw new EngineError('no answer in time');
      }
    }
  }
}

const sealOf = (rows: string): object => ({
  sha256: createHash('sha256').update(rows).digest('hex'),
  bytes: rows.length,
});

function logOf(...all: readonly string[]): Log {
  const log = new Log();
  for (const [index, rows] of all.entries()) log.add('a', index + 1, storedOf(rows));
  return log;
}

describe('the rows of a log', () => {
  test('are those that count, in order, whatever else is in it', async () => {
    const log = logOf('one,', 'two,');
    log.add('a', 1, storedOf('again,'));
    log.add('b', 1, storedOf('three,', { seq: 1 }), storedOf('no,', { seq: 1 }), finishOf(2));
    log.add('b', 3, storedOf('gap,'));
    log.add('b', 2, storedOf('late,', { agency: 2 }), storedOf('four.'));
    expect(await log.all()).toBe('one,two,three,four.');
    expect(await log.rows.digest()).toEqual(sealOf('one,two,three,four.'));
  });

  test('are none in an empty log', async () => {
    const log = new Log();
    expect(await log.all()).toBe('');
    expect(await log.rows.digest()).toEqual(sealOf(''));
  });

  test('are those that had been read when they were asked for', async () => {
    const log = logOf('a', 'b');
    log.onRead = position => {
      if (position === 1) log.add('a', 3, storedOf('c'));
    };
    expect(await log.all()).toBe('ab');
    expect(await log.all()).toBe('abc');
  });
});

describe('the digest', () => {
  test('needs no second reading of what was read for the draw', async () => {
    const log = logOf('a', 'b', 'c');
    await log.all();
    expect(await log.rows.digest()).toEqual(sealOf('abc'));
    expect(log.reads[0]).toEqual([1, 3]);
    // There is nothing from the fourth to the third.
    expect(log.reads.slice(1)).toEqual([[4, 3]]);
  });

  test('goes on where it was', async () => {
    const log = logOf('a', 'b');
    expect(await log.rows.digest()).toEqual(sealOf('ab'));
    log.add('a', 3, storedOf('c'));
    log.add('b', 1, storedOf('d'));
    expect(await log.rows.digest()).toEqual(sealOf('abcd'));
    expect(await log.rows.digest()).toEqual(sealOf('abcd'));
    expect(log.reads).toEqual([
      [1, 2],
      [3, 4],
      [5, 4],
    ]);
  });

  test.each([1, 2, 3])('after a reading that broke off behind record %i is right', async breakAt => {
    const log = logOf('a', 'b', 'c');
    log.breakAt = breakAt;
    await expect(log.rows.digest()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'no answer in time',
    });
    expect(await log.rows.digest()).toEqual(sealOf('abc'));
  });

  test.each([3, 4])(
    'after a going on that broke off behind record %i goes on from where it was',
    async breakAt => {
      const log = logOf('a', 'b');
      await log.rows.digest();
      for (const [n, rows] of [
        [3, 'c'],
        [4, 'd'],
      ] as const)
        log.add('a', n, storedOf(rows));
      log.breakAt = breakAt;
      await expect(log.rows.digest()).rejects.toMatchObject({ code: 'unavailable' });
      expect(await log.rows.digest()).toEqual(sealOf('abcd'));
      expect(log.reads).toEqual([
        [1, 2],
        [3, 4],
        [3, 4],
      ]);
    },
  );

  test('after a draw that somebody has stopped reading is right', async () => {
    const log = logOf('a', 'b', 'c');
    for await (const rows of log.rows.all()) {
      expect(Buffer.from(rows).toString()).toBe('a');
      break;
    }
    expect(await log.rows.digest()).toEqual(sealOf('abc'));
  });

  test('while somebody else reads is right as well', async () => {
    const log = logOf('a', 'b', 'c');
    const outcomes = await Promise.all([log.rows.digest(), log.all(), log.rows.digest(), log.rows.digest()]);
    expect(outcomes).toEqual([sealOf('abc'), 'abc', sealOf('abc'), sealOf('abc')]);
  });

  test('of a log that was put together anew is begun anew', async () => {
    const log = logOf('a', 'b', 'c');
    await log.rows.digest();
    log.records.splice(1);
    log.records.push(placed(2, 'b', 1, [storedOf('x')]));
    log.readAgain();
    expect(await log.rows.digest()).toEqual(sealOf('ax'));
    expect(log.reads).toEqual([
      [1, 3],
      [1, 2],
    ]);
  });
});

describe('a reading', () => {
  test('does not end well when the log was put together anew meanwhile', async () => {
    const log = logOf('a', 'b', 'c');
    log.onRead = position => {
      if (position === 2) log.readAgain();
    };
    await expect(log.all()).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
    log.onRead = () => {};
    expect(await log.rows.digest()).toEqual(sealOf('abc'));
  });

  test('ends when the store is closed', async () => {
    const log = logOf('a', 'b', 'c');
    log.onRead = position => {
      if (position === 2) log.closing.abort();
    };
    await expect(log.all()).rejects.toMatchObject({ code: 'unavailable', message: 'the store is closed' });
  });

  test('that finds something else than a record tells so', async () => {
    const log = logOf('a');
    const error = new Error('message 1 is no record of a lottery');
    log.onRead = () => {
      throw error;
    };
    await expect(log.all()).rejects.toBe(error);
  });
});
