import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Fact } from '../../../src/lottery/fact.ts';
import { Lottery } from '../../../src/lottery/lottery.ts';
import { endOf, isSameEnd, LogState, type Verdicts } from '../../../src/store/jetstream/log-state.ts';
import type { PlacedRecord } from '../../../src/store/jetstream/log-record.ts';
import { finishOf, placed, storedOf, type WrittenFact } from './records.ts';

const DRAWN: WrittenFact = {
  fact: {
    kind: 'drawn',
    draw: { bets: 0, winners: new Map() },
    seal: { bytes: 0, sha256: 'ab', time: '' },
  },
  rows: '',
};

/** A log that is read from its beginning by a lottery of the agencies 1 and 2. */
class Log {
  readonly lottery = new Lottery([1, 2]);
  readonly state = new LogState(this.lottery);
  readonly facts: Fact[] = [];
  #position = 0;

  constructor() {
    this.lottery.watch(fact => void (fact && this.facts.push(fact)));
  }

  /** The next record of the log. */
  read(
    writer: string,
    n: number,
    ...facts: readonly WrittenFact[]
  ): { record: PlacedRecord; verdicts: Verdicts } {
    this.#position += 1;
    const record = placed(this.#position, writer, n, facts);
    return { record, verdicts: this.state.apply(record) };
  }

  /** What counts of a record's rows. */
  rowsOf(record: PlacedRecord): string {
    return Buffer.concat([...this.state.rowsOf(record)]).toString();
  }
}

describe('of the records of one server process', () => {
  test('those count that come in the order of their numbers, from 1 on', () => {
    const log = new Log();
    expect(log.state.nextOf('a')).toBe(1);
    expect(log.read('a', 1, storedOf('x')).verdicts).toEqual([true]);
    expect(log.read('a', 2, storedOf('y'), storedOf('z')).verdicts).toEqual([true, true]);
    expect(log.state.nextOf('a')).toBe(3);
    expect(log.lottery.betsInAll).toBe(3);
    expect(log.state.position).toBe(2);
  });

  test('a repeat does not count, however late, nor any of its rows', () => {
    const log = new Log();
    log.read('a', 1, storedOf('x'));
    log.read('a', 2, storedOf('y'));
    for (const n of [1, 2, 1]) {
      const { record, verdicts } = log.read('a', n, storedOf('x'));
      expect(verdicts).toBeUndefined();
      expect([...log.state.rowsOf(record)]).toEqual([]);
    }
    expect(log.lottery.betsInAll).toBe(2);
    expect(log.state.nextOf('a')).toBe(3);
    expect(log.state.position).toBe(5);
  });

  test('one behind a gap does not count, and counts when it comes again behind the one that was missing', () => {
    const log = new Log();
    const early = log.read('a', 2, storedOf('y'));
    expect(early.verdicts).toBeUndefined();
    expect(log.state.nextOf('a')).toBe(1);
    expect(log.read('a', 1, storedOf('x')).verdicts).toEqual([true]);
    const again = log.read('a', 2, storedOf('y'));
    expect(again.verdicts).toEqual([true]);
    expect(log.rowsOf(early.record)).toBe('');
    expect(log.rowsOf(again.record)).toBe('y');
    expect(log.lottery.betsInAll).toBe(2);
  });

  test('the numbers have nothing to do with those of another', () => {
    const log = new Log();
    expect(log.read('a', 1, storedOf('x')).verdicts).toEqual([true]);
    expect(log.read('b', 2, storedOf('x')).verdicts).toBeUndefined();
    expect(log.read('b', 1, storedOf('x')).verdicts).toEqual([true]);
    expect([log.state.nextOf('a'), log.state.nextOf('b'), log.state.nextOf('c')]).toEqual([2, 2, 1]);
  });

  test('one without any fact counts: the next one follows it', () => {
    const log = new Log();
    expect(log.read('a', 1).verdicts).toEqual([]);
    expect(log.read('a', 2, storedOf('x')).verdicts).toEqual([true]);
  });
});

describe('of the facts of a record', () => {
  test('the lottery judges each, and of the rows those count whose facts do', () => {
    const log = new Log();
    log.read('a', 1, storedOf('one', { seq: 1 }));
    const { record, verdicts } = log.read(
      'b',
      1,
      storedOf('two', { agency: 2 }),
      storedOf('again', { seq: 1 }),
      finishOf(2),
      storedOf('three', { seq: 2 }),
      storedOf('late', { agency: 2 }),
      storedOf('four'),
    );
    expect(verdicts).toEqual([true, false, true, true, false, true]);
    expect(log.rowsOf(record)).toBe('twothreefour');
    expect(log.state.nextOf('b')).toBe(2);
    expect(log.facts).toHaveLength(5);
  });

  test('all may not count: the number of the record is used up nevertheless', () => {
    const log = new Log();
    log.read('a', 1, finishOf(1));
    const { record, verdicts } = log.read('b', 1, storedOf('late'), finishOf(1));
    expect(verdicts).toEqual([false, false]);
    expect([...log.state.rowsOf(record)]).toEqual([]);
    expect(log.read('b', 2, storedOf('x', { agency: 2 })).verdicts).toEqual([true]);
  });

  test('that all count the rows are given in one piece', () => {
    const log = new Log();
    const { record } = log.read('a', 1, storedOf('x'), finishOf(1), storedOf('yz', { agency: 2 }));
    expect([...log.state.rowsOf(record)]).toEqual([record.rows]);
  });

  test('the draw makes it drawn only where it counts', () => {
    const log = new Log();
    expect(log.read('a', 1, finishOf(1), DRAWN).verdicts).toEqual([true, false]);
    expect(log.state.drawn).toBe(false);
    expect(log.read('a', 2, finishOf(2), DRAWN).verdicts).toEqual([true, true]);
    expect(log.state.drawn).toBe(true);
    expect(log.read('b', 1, DRAWN, storedOf('late')).verdicts).toEqual([false, false]);
  });
});

describe('a log that is handed over', () => {
  test('goes on with another follower, which has become what the first one was', () => {
    const log = new Log();
    log.read('a', 1, storedOf('x', { seq: 1 }));
    const lottery = new Lottery([1, 2]);
    lottery.follow(finishOf(1).fact);
    log.state.handOverTo(lottery);
    expect(lottery.betsInAll).toBe(1);
    expect(lottery.finished).toEqual([]);
    expect(log.read('a', 2, storedOf('x', { seq: 1 }), storedOf('y', { seq: 2 })).verdicts).toEqual([
      false,
      true,
    ]);
    expect(lottery.betsInAll).toBe(2);
    expect(log.facts).toHaveLength(1);
  });
});

describe('the end of a log', () => {
  const record = { ...placed(7, 'a', 3, []), time: 1000 };

  test('is nowhere at first, then the last record, whether it counts or not', () => {
    const { state } = new Log();
    expect(state.end).toEqual({ position: 0, identity: '', time: 0 });
    state.apply(record);
    expect(state.end).toEqual(endOf(record));
    expect(state.position).toBe(7);
  });

  test.each([
    ['the same record', {}, true],
    ['the same at nearly the same time: the engine tells it in two ways', { time: 1001.9 }, true],
    ['the same at another time', { time: 1002 }, false],
    ['the same at an earlier time', { time: 998 }, false],
    ['another of the same server', { n: 4 }, false],
    ['one of another server', { writer: 'b' }, false],
  ])('is %s: %s is %s', (_, changes, isSame) => {
    expect(isSameEnd(endOf(record), { ...record, ...changes })).toBe(isSame);
  });

  test('whose time is not known is the same record at any time', () => {
    const end = { ...endOf(record), time: 0 };
    expect(isSameEnd(end, { ...record, time: 5 })).toBe(true);
    expect(isSameEnd(end, { ...record, n: 4 })).toBe(false);
  });
});

const fact: fc.Arbitrary<WrittenFact> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        agency: fc.integer({ min: 1, max: 2 }),
        seq: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        rows: fc.stringMatching(/^[a-z]{0,5}$/),
      })
      .map(({ rows, ...of }) => storedOf(rows, of)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 }).map(agency => finishOf(agency)) },
  { weight: 1, arbitrary: fc.constant(DRAWN) },
);
const records = fc.array(fc.array(fact, { maxLength: 3 }), { minLength: 1, maxLength: 6 });
const WRITERS = ['a', 'b', 'c'];

/** A turn of one of the writers: its next record, or again one that it has sent already. */
const turns = fc.array(fc.record({ writer: fc.nat(2), again: fc.option(fc.nat(5)) }), { maxLength: 60 });

interface Sent {
  readonly writer: string;
  readonly n: number;
  readonly facts: readonly WrittenFact[];
}

/** What the writers send in these turns. */
function sendingsOf(
  logs: readonly (readonly (readonly WrittenFact[])[])[],
  order: readonly { writer: number; again: number | null }[],
): Sent[] {
  const next = logs.map(() => 0);
  const sent: Sent[] = [];
  const send = (of: number, index: number): void => {
    const facts = logs[of]?.[index];
    if (facts !== undefined) sent.push({ writer: WRITERS[of]!, n: index + 1, facts });
  };
  for (const { writer, again } of order) {
    if (again === null) send(writer, next[writer]!++);
    // Also what has not been sent yet: a gap.
    else send(writer, again);
  }
  return sent;
}

/** The whole of what a log comes to. */
function outcomeOf(log: Log, rows: string): object {
  const { lottery, state, facts } = log;
  const next = WRITERS.map(writer => state.nextOf(writer));
  return { rows, next, facts, drawn: state.drawn, bets: lottery.bets, finished: lottery.finished };
}

test.prop([fc.tuple(records, records, records), turns], { numRuns: 300 })(
  'any log with repeats and gaps comes to the same as the records that count, once and in order',
  (logs, order) => {
    const sent = sendingsOf(logs, order);
    const whole = new Log();
    const once = new Log();
    let wholeRows = '';
    let onceRows = '';
    const expected = new Map(WRITERS.map(writer => [writer, 1]));
    for (const { writer, n, facts } of sent) {
      const { record, verdicts } = whole.read(writer, n, ...facts);
      wholeRows += whole.rowsOf(record);
      const isNext = expected.get(writer) === n;
      expect(verdicts !== undefined).toBe(isNext);
      if (!isNext) continue;
      expected.set(writer, n + 1);
      const alone = once.read(writer, n, ...facts);
      expect(alone.verdicts).toEqual(verdicts);
      onceRows += once.rowsOf(alone.record);
    }
    expect(outcomeOf(whole, wholeRows)).toEqual(outcomeOf(once, onceRows));
  },
);
