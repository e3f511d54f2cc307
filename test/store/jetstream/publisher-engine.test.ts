import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Engine } from '../../../src/store/jetstream/engine.ts';
import { EngineError } from '../../../src/store/jetstream/engine-error.ts';
import { decodeRecord } from '../../../src/store/jetstream/log-record.ts';
import { Publisher } from '../../../src/store/jetstream/publisher.ts';
import { StoreError } from '../../../src/store/store.ts';
import { finishOf, storedOf } from './records.ts';

vi.mock('node:timers/promises', () => import('../../support/pause.ts'));

/** When a record that was not acknowledged is sent again. */
const RETRY_MS = 250;

/** A message that the engine was given and has not answered yet. */
interface Sent {
  readonly id: string;
  /** The rows in it. */
  readonly rows: string;
  readonly acknowledge: () => void;
  readonly refuse: (error?: Error) => void;
}

/** A publisher, and an engine that answers when the test says so; the clock is vitest's. */
class Script {
  readonly sent: Sent[] = [];
  readonly told: string[] = [];
  readonly publisher = new Publisher({
    engine: { publish: (id: string, body: Uint8Array) => this.#publish(id, body) } as unknown as Engine,
    writer: 'me',
    recordBytes: 1000,
    onTrouble: why => this.told.push(why),
    onAcknowledged: () => this.told.push('acknowledged'),
  });
  /** What has become of what was handed over, in that order. */
  readonly outcomes: string[] = [];

  #publish(id: string, body: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.sent.push({
      id,
      rows: Buffer.from(decodeRecord(1, body).rows).toString(),
      acknowledge: () => resolve(this.sent.length),
      refuse: (error = new EngineError('no answer in time')) => reject(error),
    });
    return promise;
  }

  /** Hands a batch with such rows over. */
  add(rows: string): void {
    const index = this.outcomes.push('waiting') - 1;
    this.publisher.add(storedOf(rows).fact, Buffer.from(rows)).then(
      () => (this.outcomes[index] = 'stored'),
      (error: StoreError) => (this.outcomes[index] = error.code),
    );
  }

  /** The messages so far, with their rows. */
  get ids(): string[] {
    return this.sent.map(({ id, rows }) => `${id} ${rows}`);
  }

  /** The engine takes what was sent last; what waits behind it is sent then. */
  async acknowledge(): Promise<void> {
    this.sent.at(-1)!.acknowledge();
    await turn();
  }

  async refuse(): Promise<void> {
    this.sent.at(-1)!.refuse();
    await turn();
  }
}

const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

const AWAY = new StoreError('unavailable', 'no answer');
const CLOSED = new StoreError('failed', 'the store is closed');

let script: Script;

/** Three records that were acknowledged, and not read back. */
async function sendThree(): Promise<void> {
  for (const rows of ['a', 'b', 'c']) {
    script.add(rows);
    await turn();
    await script.acknowledge();
  }
  expect(script.ids.splice(0)).toEqual(['me-1-0 a', 'me-2-0 b', 'me-3-0 c']);
  script.sent.length = 0;
}

beforeEach(() => {
  vi.useFakeTimers();
  script = new Script();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('what is handed over', () => {
  test('gathers until the log is open, then goes together', async () => {
    for (const rows of ['a', 'b', 'c']) script.add(rows);
    await turn();
    expect(script.ids).toEqual([]);
    expect(script.publisher.unsettledBytes).toBe(3);
    script.publisher.open();
    await turn();
    expect(script.ids).toEqual(['me-1-0 abc']);
  });

  test('gathers while a record is on its way: there is one at a time', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    for (const rows of ['b', 'c']) script.add(rows);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.ids).toEqual(['me-1-0 a']);
    await script.acknowledge();
    expect(script.ids).toEqual(['me-1-0 a', 'me-2-0 bc']);
    expect(script.told).toEqual(['acknowledged']);
  });

  test('goes into another record when one is full, in order', async () => {
    const [x, y, z] = ['x', 'y', 'z'].map(letter => letter.repeat(700));
    for (const rows of [x!, y!, z!]) script.add(rows);
    script.publisher.open();
    await turn();
    await script.acknowledge();
    await script.acknowledge();
    expect(script.ids).toEqual([`me-1-0 ${x}`, `me-2-0 ${y}`, `me-3-0 ${z}`]);
  });

  test('may be larger than a record should be: then it has one of its own', async () => {
    script.publisher.open();
    script.add('x'.repeat(5000));
    await turn();
    expect(script.ids).toEqual([`me-1-0 ${'x'.repeat(5000)}`]);
  });

  test('is stored when it was read back and counts there, not when it was acknowledged', async () => {
    script.publisher.open();
    for (const rows of ['a', 'b']) script.add(rows);
    await turn();
    await script.acknowledge();
    expect(script.outcomes).toEqual(['waiting', 'waiting']);
    script.publisher.settle(1, [true, false]);
    await turn();
    expect(script.outcomes).toEqual(['stored', 'overtaken']);
    expect(script.publisher.unsettledBytes).toBe(0);
  });

  test('is settled once, by its own record only', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    for (const n of [0, 2, 3]) script.publisher.settle(n, [true]);
    await turn();
    expect(script.outcomes).toEqual(['waiting']);
    script.publisher.settle(1, [false]);
    script.publisher.settle(1, [true]);
    await turn();
    expect(script.outcomes).toEqual(['overtaken']);
  });

  test('before is settled when the publisher is; what comes later is not waited for', async () => {
    script.publisher.open();
    await script.publisher.settled();
    script.add('a');
    await turn();
    await script.acknowledge();
    let settled = false;
    void script.publisher.settled().then(() => (settled = true));
    script.add('b');
    await turn();
    expect(settled).toBe(false);
    script.publisher.settle(1, [true]);
    await turn();
    expect([settled, script.outcomes]).toEqual([true, ['stored', 'waiting']]);
  });
});

describe('a record that is not acknowledged', () => {
  test('is sent until it is, under the same name, and nothing else meanwhile', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    for (let time = 0; time < 3; time += 1) {
      await script.refuse();
      script.add('b');
      await vi.advanceTimersByTimeAsync(RETRY_MS - 1);
      expect(script.sent).toHaveLength(time + 1);
      await vi.advanceTimersByTimeAsync(1);
    }
    await script.acknowledge();
    expect(script.ids).toEqual(['me-1-0 a', 'me-1-0 a', 'me-1-0 a', 'me-1-0 a', 'me-2-0 bbb']);
    expect(script.told).toEqual([...Array<string>(3).fill('no answer in time'), 'acknowledged']);
  });

  test('but was read back meanwhile is no trouble, and not sent again', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    script.add('b');
    script.publisher.settle(1, [true]);
    await script.refuse();
    expect(script.ids).toEqual(['me-1-0 a', 'me-2-0 b']);
    // To have been read back is as good as an acknowledgement.
    expect(script.told).toEqual(['acknowledged']);
  });

  test('and was read back before its next try is not sent again', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    await script.refuse();
    script.publisher.settle(1, [true]);
    await vi.advanceTimersByTimeAsync(RETRY_MS);
    expect(script.ids).toEqual(['me-1-0 a']);
    expect(script.outcomes).toEqual(['stored']);
  });
});

describe('a log that is held', () => {
  test('is sent nothing more; what is on its way is answered', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    script.publisher.hold();
    script.add('b');
    await script.acknowledge();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.ids).toEqual(['me-1-0 a']);
    script.publisher.open();
    await turn();
    expect(script.ids).toEqual(['me-1-0 a', 'me-2-0 b']);
  });

  test('is sent nothing again either, until it is open', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    script.publisher.hold();
    script.publisher.hold();
    await script.refuse();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.ids).toEqual(['me-1-0 a']);
    script.publisher.open();
    await turn();
    expect(script.ids).toEqual(['me-1-0 a', 'me-1-0 a']);
  });
});

describe('a new age', () => {
  test('begins with what was not read back, in its order, before what waits', async () => {
    script.publisher.open();
    await sendThree();
    script.publisher.settle(1, [true]);
    script.publisher.hold();
    script.add('d');
    script.publisher.beginAge();
    await turn();
    expect(script.ids).toEqual([]);
    script.publisher.open();
    await turn();
    for (let time = 0; time < 3; time += 1) await script.acknowledge();
    expect(script.ids).toEqual(['me-2-1 b', 'me-3-1 c', 'me-4-1 d']);
  });

  test('does not send again what is read back before its turn comes', async () => {
    script.publisher.open();
    await sendThree();
    script.publisher.beginAge();
    await turn();
    expect(script.ids).toEqual(['me-1-1 a']);
    script.publisher.settle(1, [true]);
    script.publisher.settle(2, [true]);
    await script.acknowledge();
    expect(script.ids).toEqual(['me-1-1 a', 'me-3-1 c']);
  });

  test('that begins while a record is on its way has it sent again: its acknowledgement is of the age before', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    script.publisher.beginAge();
    await script.acknowledge();
    expect(script.ids).toEqual(['me-1-0 a', 'me-1-1 a']);
    await script.acknowledge();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.sent).toHaveLength(2);
  });

  test('sends nothing when everything was read back', async () => {
    script.publisher.open();
    await sendThree();
    for (const n of [1, 2, 3]) script.publisher.settle(n, [true]);
    script.publisher.beginAge();
    await turn();
    expect(script.ids).toEqual([]);
  });

  test('is not begun by a doubt: the same is sent again under the same name', async () => {
    script.publisher.open();
    await sendThree();
    script.publisher.settle(1, [true]);
    script.publisher.hold();
    script.publisher.doubt();
    script.publisher.open();
    await turn();
    await script.acknowledge();
    await script.acknowledge();
    expect(script.ids).toEqual(['me-2-0 b', 'me-3-0 c']);
  });
});

describe('what is rejected', () => {
  test('because nobody is to wait any longer is what has not been sent; what is on its way is still stored', async () => {
    script.publisher.open();
    script.add('a');
    await turn();
    script.add('b');
    await script.refuse();
    script.publisher.rejectWaiting(AWAY);
    await turn();
    expect(script.outcomes).toEqual(['waiting', 'unavailable']);
    expect(script.publisher.unsettledBytes).toBe(1);
    await vi.advanceTimersByTimeAsync(RETRY_MS);
    await script.acknowledge();
    script.publisher.settle(1, [true]);
    script.add('c');
    await turn();
    // Its number is that of the record that was never sent: there is no gap.
    expect(script.ids).toEqual(['me-1-0 a', 'me-1-0 a', 'me-2-0 c']);
    expect(script.outcomes).toEqual(['stored', 'unavailable', 'waiting']);
  });

  test('at the end is everything, and nothing is sent any more', async () => {
    script.publisher.open();
    await sendThree();
    script.add('d');
    await turn();
    script.add('e');
    const closed = script.publisher.close(CLOSED);
    await turn();
    expect(script.outcomes).toEqual(Array(5).fill('failed'));
    await script.refuse();
    await closed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.ids).toEqual(['me-4-0 d']);
    expect(script.publisher.unsettledBytes).toBe(0);
  });

  test('at the end is also what waits in a log that is held', async () => {
    script.add('a');
    await script.publisher.close(CLOSED);
    await turn();
    expect(script.outcomes).toEqual(['failed']);
    expect(script.ids).toEqual([]);
  });
});

test('a fact without rows is sent as any other', async () => {
  script.publisher.open();
  const durable = script.publisher.add(finishOf(1).fact, new Uint8Array());
  await turn();
  await script.acknowledge();
  script.publisher.settle(1, [true]);
  await expect(durable).resolves.toBeUndefined();
});
