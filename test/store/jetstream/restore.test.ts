import { JetStreamApiError } from '@nats-io/jetstream';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Lottery } from '../../../src/lottery/lottery.ts';
import type { Engine } from '../../../src/store/jetstream/engine.ts';
import { EngineError } from '../../../src/store/jetstream/engine-error.ts';
import { decodeRecord, type PlacedRecord } from '../../../src/store/jetstream/log-record.ts';
import type { LogState } from '../../../src/store/jetstream/log-state.ts';
import type { Outbox } from '../../../src/store/jetstream/outbox.ts';
import { type Restored, restoreLog, toKept } from '../../../src/store/jetstream/restore.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';
import { opened } from './outbox-folder.ts';
import { bodyOf, finishOf, storedOf, type WrittenFact } from './records.ts';

/** Longer ago than an outbox keeps anything. */
const LONG_AGO = 0;

/** The engine's answer to whoever adds something behind another record than the last one. */
const BEHIND = EngineError.of(
  'a record was not acknowledged',
  new JetStreamApiError({ code: 400, err_code: 10_071, description: 'wrong last sequence' }),
);

/** A stream in memory, with whatever happens to it before a record is added. */
class Stream {
  readonly bodies: { readonly body: Uint8Array; readonly time: number }[] = [];
  readonly ids = new Set<string>();
  beforePublish: (behind: number | undefined) => void = () => {};

  add(body: Uint8Array, time = Date.now()): number {
    return this.bodies.push({ body, time });
  }

  write(writer: string, n: number, ...facts: readonly WrittenFact[]): void {
    this.add(bodyOf(writer, n, facts));
  }

  get engine(): Engine {
    return {
      openStream: async () => {},
      condition: async () => ({ last: this.bodies.length, leader: '', nodes: [] }),
      at: async (position: number) => this.#at(position),
      read: (from: number, to: number) => this.#read(from, to),
      publish: async (id: string, body: Uint8Array, behind?: number) => {
        this.beforePublish(behind);
        if (behind !== this.bodies.length) throw BEHIND;
        this.ids.add(id);
        return this.add(body);
      },
    } as unknown as Engine;
  }

  /** The records in it. */
  get names(): string[] {
    return this.bodies.map((_, index) => nameOf(this.#at(index + 1)!));
  }

  #at(position: number): PlacedRecord | undefined {
    const found = this.bodies[position - 1];
    return found && decodeRecord(position, found.body, found.time);
  }

  async *#read(from: number, to: number): AsyncGenerator<PlacedRecord> {
    for (let position = from; position <= to; position += 1) yield this.#at(position)!;
  }
}

const nameOf = ({ writer, n }: { writer: string; n: number }): string => `${writer}-${n}`;

/** A stream, and an outbox in which these records are. */
async function openWith(...kept: readonly [string, number, ...WrittenFact[]][]) {
  const outbox = await opened(join(await temporaryFolder(), 'outbox'));
  const records = kept.map(([writer, n, ...facts], index) =>
    decodeRecord(index + 1, bodyOf(writer, n, facts)),
  );
  await outbox.append(records.map(toKept));
  const stream = new Stream();
  const lottery = new Lottery([1, 2]);
  const restore = async (before?: LogState): Promise<Restored> => {
    const parts = { engine: stream.engine, outbox, follower: lottery, writer: 'a' };
    const restored = await restoreLog({ ...parts, ...(before && { before }) });
    restored.state.handOverTo(lottery);
    return restored;
  };
  return { outbox, stream, lottery, restore };
}

async function keptNames(outbox: Outbox): Promise<string[]> {
  const names: string[] = [];
  for await (const record of outbox.records()) names.push(nameOf(record));
  return names;
}

describe('a log', () => {
  test('that has everything is read, and nothing is added', async () => {
    const { stream, lottery, restore } = await openWith(['a', 1, storedOf('x')], ['b', 1, finishOf(2)]);
    stream.write('a', 1, storedOf('x'));
    stream.write('b', 1, finishOf(2));
    stream.write('a', 1, storedOf('x'));
    const { state, own, offered, lostBets } = await restore();
    expect([offered, lostBets, state.position]).toEqual([0, 0, 3]);
    expect(own).toEqual(new Map([[1, [true]]]));
    expect([lottery.betsInAll, lottery.finished]).toEqual([1, [2]]);
  });

  test('that has lost its end is given it back, in its order, and the end is known as the engine has it', async () => {
    const { stream, lottery, restore } = await openWith(
      ['a', 1, storedOf('x')],
      ['b', 1, storedOf('y', { seq: 1 })],
      ['a', 2, finishOf(2)],
    );
    stream.write('a', 1, storedOf('x'));
    const { state, own, offered, lostBets } = await restore();
    expect([offered, lostBets]).toEqual([2, 0]);
    expect(stream.names).toEqual(['a-1', 'b-1', 'a-2']);
    expect(stream.ids.size).toBe(2);
    expect(own).toEqual(new Map([1, 2].map(n => [n, [true]])));
    expect(state.end).toEqual({ position: 3, identity: 'a-2', time: stream.bodies[2]!.time });
    expect([lottery.betsInAll, lottery.finished]).toEqual([2, [2]]);
    expect(Buffer.from(stream.bodies[1]!.body).equals(bodyOf('b', 1, [storedOf('y', { seq: 1 })]))).toBe(
      true,
    );
  });

  test('that another server puts together at the same time has every record once that counts', async () => {
    const { stream, lottery, restore } = await openWith(
      ['a', 1, storedOf('x')],
      ['a', 2, storedOf('y')],
      ['b', 1, storedOf('z')],
    );
    // The other one is always a little faster, and has one of its own.
    const others = [
      ['a', 1, 'x'],
      ['c', 1, 'w'],
      ['a', 2, 'y'],
    ] as const;
    let turn = 0;
    stream.beforePublish = () => {
      const next = others[turn++];
      if (next !== undefined) stream.write(next[0], next[1], storedOf(next[2]));
    };
    const { offered } = await restore();
    expect(offered).toBe(1);
    expect(stream.names).toEqual(['a-1', 'c-1', 'a-2', 'b-1']);
    expect(lottery.betsInAll).toBe(4);
  });

  test('lacks something that nobody here has: that is said, and nothing is added behind it', async () => {
    const { stream, restore } = await openWith(['a', 3, storedOf('z')], ['a', 4, storedOf('z')]);
    stream.write('a', 1, storedOf('x'));
    await expect(restore()).rejects.toMatchObject({
      name: 'StoreError',
      code: 'failed',
      message: expect.stringContaining('the stream has lost the records 2 to 2 of server a') as string,
    });
    expect(stream.names).toEqual(['a-1']);
  });

  test('that lacks what was read before, and nobody here has, is not gone on with; its next leader may have it', async () => {
    const { stream, restore } = await openWith(['b', 1, storedOf('y')]);
    for (const n of [1, 2]) stream.add(bodyOf('a', n, [storedOf('x')]), LONG_AGO);
    const { state: before } = await restore();
    const taken = stream.bodies.splice(1);
    await expect(restore(before)).rejects.toMatchObject({
      name: 'EngineError',
      message: expect.stringContaining('lacks the records 2 to 2 of server a') as string,
    });
    stream.bodies.splice(1, Infinity, ...taken);
    const { state, offered } = await restore(before);
    expect([state.position, offered]).toEqual([3, 0]);
  });

  test('may take bets back no more that were lost: those without a number are told', async () => {
    const { stream, lottery, restore } = await openWith(
      ['a', 1, storedOf('x'), storedOf('y', { seq: 1 }), storedOf('z', { agency: 2 })],
      ['a', 2, storedOf('w')],
    );
    stream.write('b', 1, finishOf(1));
    const { offered, lostBets } = await restore();
    // That with a number is sent again by its agency, which has finished.
    expect([offered, lostBets, lottery.betsInAll]).toEqual([2, 2, 1]);
  });

  test('is not put together while the engine fails', async () => {
    const { stream, restore } = await openWith(['a', 1, storedOf('x')]);
    const error = new EngineError('no answer in time');
    stream.beforePublish = () => {
      stream.beforePublish = () => {};
      throw error;
    };
    await expect(restore()).rejects.toBe(error);
    expect(stream.names).toEqual([]);
  });
});

describe('the outbox', () => {
  test('is given what others have written since, each once, and not what does not count', async () => {
    const { outbox, stream, restore } = await openWith(['a', 1, storedOf('x')]);
    stream.write('a', 1, storedOf('x'));
    stream.write('b', 1, storedOf('y'));
    stream.write('b', 3, storedOf('gap'));
    stream.write('b', 1, storedOf('y'));
    stream.write('a', 2, storedOf('z'));
    await restore();
    expect(await keptNames(outbox)).toEqual(['a-1', 'b-1', 'a-2']);
  });

  test('is not given what the engine has had for long, unless it goes on with what is there', async () => {
    const { outbox, stream, restore } = await openWith(['a', 1, storedOf('x')]);
    stream.add(bodyOf('a', 1, [storedOf('x')]), LONG_AGO);
    stream.add(bodyOf('a', 2, [storedOf('y')]), LONG_AGO);
    stream.add(bodyOf('b', 1, [storedOf('z')]), LONG_AGO);
    await restore();
    expect(await keptNames(outbox)).toEqual(['a-1', 'a-2']);
  });
});
