import { expect, test } from 'vitest';
import { EngineError } from '../../../src/store/jetstream/engine-error.ts';
import { type LogMark, markAfter, START } from '../../../src/store/jetstream/log-mark.ts';
import { ReplicaCheck } from '../../../src/store/jetstream/replica-check.ts';

const NODES = ['a', 'b', 'c'] as const;

/** Three nodes with the times of their messages, a clock, and who compares them. */
class Nodes {
  readonly times: Record<string, readonly number[]> = { a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3] };
  readonly told: (readonly string[])[] = [];
  readonly failures: unknown[] = [];
  readonly asked: string[] = [];
  agedMs = 0;
  away = 0;
  interruptions = 0;
  onAsked: () => void = () => {};
  #now = 0;
  readonly check = new ReplicaCheck({
    engine: { markOn: async (node, position, after) => this.#markOn(node, position, after) },
    outbox: {
      aged: async elapsedMs => void (this.agedMs += elapsedMs),
      interrupted: () => void (this.interruptions += 1),
    },
    now: () => this.#now,
    onDiffering: nodes => this.told.push(nodes),
    onFailure: error => this.failures.push(error),
  });

  /** A second passes, or more, and nothing happens. */
  async pass(seconds = 1): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.#now += 1000;
      await this.check.look(1000, this.mark(), { nodes: NODES, away: this.away });
      await this.check.close();
    }
  }

  mark(node = 'a', position = Infinity): LogMark {
    return this.times[node]!.slice(0, position).reduce(markAfter, START);
  }

  #markOn(node: string, position: number, after = START): LogMark {
    this.asked.push(after === START ? `${node} ${position}` : `${node} ${after.position}-${position}`);
    this.onAsked();
    return this.times[node]!.slice(after.position, position).reduce(markAfter, after);
  }
}

test('when nothing has happened for ten seconds the copies are compared once, and the outbox grows old from then on', async () => {
  const nodes = new Nodes();
  await nodes.pass(9);
  expect(nodes.asked).toEqual([]);
  await nodes.pass();
  expect(nodes.asked).toEqual(['b 3', 'c 3']);
  await nodes.pass(100);
  expect([nodes.asked.length, nodes.agedMs, nodes.told]).toEqual([2, 100_000, []]);
});

test('of a single node there is nothing to compare', async () => {
  const nodes = new Nodes();
  await nodes.pass(9);
  await nodes.check.look(1000, nodes.mark(), { nodes: ['a'], away: 0 });
  await nodes.pass(3);
  expect(nodes.agedMs).toBeGreaterThan(0);
});

test('an interruption is handed on, and asks for another comparison ten seconds later', async () => {
  const nodes = new Nodes();
  await nodes.pass(12);
  nodes.check.interrupted();
  expect(nodes.interruptions).toBe(1);
  const { agedMs } = nodes;
  await nodes.pass(9);
  expect([nodes.asked.length, nodes.agedMs]).toEqual([2, agedMs]);
  await nodes.pass(2);
  expect([nodes.asked.length, nodes.agedMs]).toEqual([4, agedMs + 1000]);
});

test.each([
  ['another record', [1, 7, 3]],
  ['a record more', [1, 2, 9, 3]],
  ['a record less', [1, 3]],
])(
  'a copy with %s is told once and again when it is mended, and nothing grows old meanwhile',
  async (_, times) => {
    const nodes = new Nodes();
    nodes.times['c'] = times;
    await nodes.pass(200);
    expect([nodes.told, nodes.agedMs]).toEqual([[['c']], 0]);
    nodes.times['c'] = nodes.times['a']!;
    await nodes.pass(70);
    expect(nodes.told).toEqual([['c'], []]);
    expect(nodes.agedMs).toBeGreaterThan(0);
  },
);

test('what all have is not compared again, unless one was away or the log is another one', async () => {
  const nodes = new Nodes();
  const again = async (): Promise<string[]> => {
    nodes.asked.length = 0;
    await nodes.pass(12);
    return nodes.asked;
  };
  await nodes.pass(12);
  expect(nodes.check.common).toEqual(nodes.mark());
  for (const node of NODES) nodes.times[node] = [1, 2, 3, 4];
  nodes.away = 1;
  nodes.check.interrupted();
  expect(await again()).toEqual(['b 3-4', 'c 3-4']);
  expect(nodes.check.common.position).toBe(3);
  nodes.away = 0;
  nodes.check.interrupted();
  expect(await again()).toEqual(['b 3-4', 'c 3-4']);
  expect(nodes.check.common).toEqual(nodes.mark());
  nodes.check.forget();
  expect(nodes.check.common).toBe(START);
  expect(await again()).toEqual(['b 4', 'c 4']);
});

test('a copy that lags behind is none with another log, but is waited for', async () => {
  const nodes = new Nodes();
  nodes.times['b'] = [1, 2];
  await nodes.pass(20);
  expect([nodes.told, nodes.agedMs]).toEqual([[], 0]);
  nodes.times['b'] = [1, 2, 3];
  await nodes.pass(70);
  expect(nodes.agedMs).toBeGreaterThan(0);
});

test('what was found while something happened does not count', async () => {
  const nodes = new Nodes();
  nodes.times['b'] = [5];
  nodes.onAsked = () => {
    nodes.onAsked = () => {};
    nodes.check.interrupted();
  };
  await nodes.pass(10);
  expect(nodes.told).toEqual([]);
  await nodes.pass(10);
  expect(nodes.told).toEqual([['b']]);
});

test('a node that does not answer is compared later; a mistake of the program is told', async () => {
  const nodes = new Nodes();
  let error: Error = new EngineError('no answer in time');
  nodes.onAsked = () => {
    throw error;
  };
  await nodes.pass(10);
  expect([nodes.asked.length, nodes.failures]).toEqual([1, []]);
  error = new Error('a mistake');
  await nodes.pass(10);
  expect([nodes.asked.length, nodes.failures]).toEqual([2, [error]]);
  nodes.onAsked = () => {};
  await nodes.pass(62);
  expect(nodes.agedMs).toBeGreaterThan(0);
});
