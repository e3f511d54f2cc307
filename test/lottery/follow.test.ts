import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Draw } from '../../src/lottery/draw.ts';
import type { Fact } from '../../src/lottery/fact.ts';
import { Lottery } from '../../src/lottery/lottery.ts';

/** What a lottery makes of a log that several servers write. */

const FAULT = { count: 2, index: 0, field: 'number', reason: 'empty' } as const;

const drawOf = (document: string): Draw => ({ bets: 1, winners: new Map([[1, [document]]]) });

const stored = (agency: number, seq?: number, upload = 'u', count = 2): Fact => ({
  kind: 'stored',
  agency,
  count,
  place: seq === undefined ? undefined : { upload, seq },
});

const refused = (agency: number, seq: number, upload = 'u'): Fact => ({
  kind: 'refused',
  agency,
  place: { upload, seq },
  fault: FAULT,
});

const finished = (agency: number, upload?: string): Fact => ({ kind: 'finished', agency, upload });

const drawn = (document = '11'): Fact => ({
  kind: 'drawn',
  draw: drawOf(document),
  seal: { bytes: 0, sha256: document, time: '' },
});

/** Whether each of these facts counts, one behind the other, in a lottery of the agencies 1 and 2. */
function verdictsOf(...facts: readonly Fact[]): boolean[] {
  const lottery = new Lottery([1, 2]);
  return facts.map(fact => lottery.follow(fact));
}

/** All that can be asked of a lottery. */
function lookAt(lottery: Lottery): object {
  const agencies = [1, 2, 3].map(agency => ({
    finished: lottery.hasFinished(agency),
    refusal: lottery.refusalOfBets(agency),
    winners: lottery.winnersOf(agency),
    uploads: lottery.uploads.countOf(agency),
    ofUpload: ['u', 'v'].map(upload => lottery.uploads.find(agency, upload)),
  }));
  const { state, missing, finished: done, bets, draw, seal } = lottery;
  return { state, missing, done, bets, draw, seal, agencies };
}

/** A lottery of the agencies 1 and 2 in which something has happened to everything that there is. */
function lotteryWithAll(): Lottery {
  const lottery = new Lottery([1, 2]);
  const facts = [stored(1), stored(1, 1), refused(1, 2), finished(1), finished(2, 'v'), drawn()];
  for (const fact of facts) expect(lottery.follow(fact)).toBe(true);
  return lottery;
}

describe('of a log that several servers write', () => {
  test('a batch with a number counts when it is the next one of its upload', () => {
    expect(verdictsOf(stored(1, 1), stored(1, 2), stored(1, 3))).toEqual([true, true, true]);
    expect(verdictsOf(stored(1, 2), stored(1, 0), stored(1, 1), stored(1, 3))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  test('a batch counts once; which server handed it over first does not matter', () => {
    expect(verdictsOf(stored(1, 1), stored(1, 1), stored(1, 2), stored(1, 1))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('a batch that does not count changes nothing', () => {
    const lottery = new Lottery([1, 2]);
    lottery.follow(stored(1, 1));
    const before = lookAt(lottery);
    for (const fact of [stored(1, 1), stored(1, 3), refused(1, 1), refused(1, 3), drawn()]) {
      expect(lottery.follow(fact)).toBe(false);
    }
    expect(lookAt(lottery)).toEqual(before);
  });

  test('numbers are those of one upload of one agency', () => {
    const facts = [stored(1, 1), stored(1, 1, 'v'), stored(2, 1), stored(2, 2), stored(1, 2, 'v')];
    expect(verdictsOf(...facts)).toEqual(facts.map(() => true));
  });

  test('a batch that was not valid uses up its number as a stored one does', () => {
    expect(verdictsOf(refused(1, 1), stored(1, 1), refused(1, 1), stored(1, 2), refused(1, 2))).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
    expect(verdictsOf(refused(1, 2))).toEqual([false]);
  });

  test('bets without a number count however often they are there', () => {
    expect(verdictsOf(stored(1), stored(1), stored(1))).toEqual([true, true, true]);
  });

  test('nothing of an agency counts behind its end, neither bets nor a second end', () => {
    const facts = [finished(1, 'u'), stored(1), stored(1, 1), refused(1, 1), finished(1), finished(1, 'v')];
    expect(verdictsOf(...facts)).toEqual([true, false, false, false, false, false]);
    expect(verdictsOf(finished(1), stored(2), stored(2, 1))).toEqual([true, true, true]);
  });

  test('the second end of an agency makes its upload not known', () => {
    const lottery = new Lottery([1, 2]);
    lottery.follow(finished(1, 'u'));
    lottery.follow(finished(1, 'v'));
    expect(lottery.uploads.countOf(1)).toBe(1);
  });

  test('the draw counts when every expected agency has finished, and once', () => {
    const facts = [drawn('1'), finished(1), drawn('2'), finished(2), drawn('3'), drawn('4')];
    expect(verdictsOf(...facts)).toEqual([false, true, false, true, true, false]);
    const lottery = new Lottery([1, 2]);
    for (const fact of facts) lottery.follow(fact);
    expect(lottery.draw).toEqual(drawOf('3'));
    expect(lottery.seal?.sha256).toBe('3');
  });

  test('nothing counts behind the draw', () => {
    const lottery = lotteryWithAll();
    const before = lookAt(lottery);
    const adopted: Fact = { kind: 'adopted', bets: new Map([[1, 1]]) };
    for (const fact of [stored(3), stored(1, 3), refused(3, 1), finished(3), drawn(), adopted]) {
      expect(lottery.follow(fact)).toBe(false);
    }
    expect(lookAt(lottery)).toEqual(before);
  });

  test('what is of an agency that is not expected (any more) counts, and completes nothing', () => {
    const lottery = new Lottery([1]);
    for (const fact of [stored(3), stored(3, 1), refused(3, 2), finished(3)]) {
      expect(lottery.follow(fact)).toBe(true);
    }
    expect(lottery.state).toBe('open');
    expect(lottery.follow(drawn())).toBe(false);
    expect(lottery.follow(stored(3, 3))).toBe(false);
    expect(lottery.bets).toEqual(new Map([[3, 4]]));
    expect(lottery.finished).toEqual([3]);
  });

  test('no draw counts where no agency is expected', () => {
    const lottery = new Lottery([]);
    expect(lottery.follow(finished(1))).toBe(true);
    expect(lottery.follow(drawn())).toBe(false);
  });
});

describe('whoever watches a lottery', () => {
  test('is told each fact that is applied or counts, when it is applied', () => {
    const lottery = new Lottery([1, 2]);
    const told: unknown[] = [];
    lottery.watch(fact => void told.push([fact, lottery.betsInAll, lottery.finished]));
    const facts = [stored(1), stored(1, 1), finished(1)] as const;
    lottery.apply(facts[0]);
    lottery.follow(facts[1]);
    lottery.follow(facts[1]);
    lottery.follow(stored(1, 7));
    lottery.follow(drawn());
    lottery.follow(facts[2]);
    expect(told).toEqual([
      [facts[0], 2, []],
      [facts[1], 4, []],
      [facts[2], 4, [1]],
    ]);
  });

  test('is told once, and of no fact, when it becomes another', () => {
    const lottery = new Lottery([1, 2]);
    const told: unknown[] = [];
    lottery.watch(fact => void told.push([fact, lottery.state]));
    lottery.become(lotteryWithAll());
    expect(told).toEqual([[undefined, 'drawn']]);
  });

  test('goes on being told afterwards; whoever watches the other is not', () => {
    const other = new Lottery([1, 2]);
    const lottery = new Lottery([1, 2]);
    const told: (Fact | undefined)[] = [];
    other.watch(() => expect.unreachable());
    lottery.watch(fact => void told.push(fact));
    lottery.become(other);
    lottery.follow(stored(1));
    expect(told).toEqual([undefined, stored(1)]);
  });
});

describe('a fresh lottery', () => {
  test('expects the same agencies, and nothing has happened to it', () => {
    expect(lookAt(lotteryWithAll().fresh())).toEqual(lookAt(new Lottery([1, 2])));
  });

  test('has nothing to do with the one that it was made of', () => {
    const lottery = new Lottery([1, 2]);
    lottery.watch(() => expect.unreachable());
    const before = lookAt(lottery);
    const fresh = lottery.fresh();
    for (const fact of [stored(1), stored(1, 1), refused(2, 1), finished(1), finished(2), drawn()]) {
      expect(fresh.follow(fact)).toBe(true);
    }
    expect(lookAt(lottery)).toEqual(before);
  });
});

describe('a lottery that becomes another', () => {
  test('is in its state, whatever it was before', () => {
    for (const lottery of [new Lottery([1, 2]), lotteryWithAll()]) {
      for (const other of [new Lottery([1, 2]), lotteryWithAll()]) {
        const state = lookAt(other);
        lottery.become(other);
        expect(lookAt(lottery)).toEqual(state);
      }
    }
  });

  test('may have lost what it had: an end, bets, the draw', () => {
    const lottery = lotteryWithAll();
    lottery.become(new Lottery([1, 2]));
    expect(lottery.state).toBe('open');
    expect(lottery.refusalOfBets(1)).toBeUndefined();
    expect([stored(1, 1), finished(1), finished(2), drawn()].map(fact => lottery.follow(fact))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test('goes on counting where the other was', () => {
    const other = new Lottery([1, 2]);
    for (const fact of [stored(1, 1), stored(1, 2), finished(2)]) other.follow(fact);
    const lottery = new Lottery([1, 2]);
    lottery.follow(stored(1, 1));
    lottery.become(other);
    expect([stored(1, 2), stored(1, 3), stored(2)].map(fact => lottery.follow(fact))).toEqual([
      false,
      true,
      false,
    ]);
  });
});

const agency = fc.integer({ min: 1, max: 3 });
const upload = fc.constantFrom('u', 'v');
const seq = fc.integer({ min: 1, max: 4 });
const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(agency, seq, upload, fc.nat(9)).map(of => stored(...of)) },
  { weight: 1, arbitrary: agency.map(of => stored(of)) },
  { weight: 2, arbitrary: fc.tuple(agency, seq, upload).map(of => refused(...of)) },
  {
    weight: 2,
    arbitrary: fc.tuple(agency, fc.option(upload, { nil: undefined })).map(of => finished(...of)),
  },
  { weight: 1, arbitrary: fc.constantFrom('1', '2').map(drawn) },
);

describe('any log', () => {
  const expectedAgencies = fc.uniqueArray(agency, { maxLength: 2 });
  const log = fc.array(anyFact, { maxLength: 40 });

  test.prop([expectedAgencies, log], { numRuns: 500 })(
    'is judged alike by everybody who follows it, and what counts is all that there is to the state',
    (expected, facts) => {
      const [one, other, applied] = [new Lottery(expected), new Lottery(expected), new Lottery(expected)];
      const verdicts = facts.map(fact => one.follow(fact));
      expect(facts.map(fact => other.follow(fact))).toEqual(verdicts);
      expect(lookAt(other)).toEqual(lookAt(one));
      for (const [index, fact] of facts.entries()) if (verdicts[index]) applied.apply(fact);
      expect(lookAt(applied)).toEqual(lookAt(one));
      // What counts is a log in which everything counts.
      const again = one.fresh();
      for (const [index, fact] of facts.entries()) if (verdicts[index]) expect(again.follow(fact)).toBe(true);
      expect(lookAt(again)).toEqual(lookAt(one));
    },
  );

  test.prop([log, log, fc.nat(40)])(
    'may be read again from its beginning by another, at any place',
    (facts, before, at) => {
      const through = new Lottery([1, 2]);
      const verdicts = facts.map(fact => through.follow(fact));
      const lottery = new Lottery([1, 2]);
      for (const fact of before) lottery.follow(fact);
      const reading = lottery.fresh();
      for (const fact of facts.slice(0, at)) reading.follow(fact);
      lottery.become(reading);
      expect(facts.slice(at).map(fact => lottery.follow(fact))).toEqual(verdicts.slice(at));
      expect(lookAt(lottery)).toEqual(lookAt(through));
    },
  );

  test.prop([log])('never has a draw before its end, nor a bet of who has finished behind', facts => {
    const lottery = new Lottery([1, 2]);
    const done = new Set<number>();
    let draws = 0;
    for (const fact of facts) {
      const expected = done.has(1) && done.has(2);
      if (!lottery.follow(fact)) continue;
      expect(draws).toBe(0);
      if (fact.kind === 'drawn') {
        expect(expected).toBe(true);
        draws += 1;
      } else if (fact.kind !== 'adopted') {
        expect(done.has(fact.agency)).toBe(false);
        if (fact.kind === 'finished') done.add(fact.agency);
      }
    }
  });
});
