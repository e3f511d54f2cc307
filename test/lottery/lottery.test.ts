import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Draw } from '../../src/lottery/draw.ts';
import type { Fact } from '../../src/lottery/fact.ts';
import { Lottery } from '../../src/lottery/lottery.ts';

const DRAW: Draw = {
  bets: 4,
  winners: new Map([
    [1, ['11', '12']],
    [3, ['31']],
  ]),
};

const finished = (agency: number): Fact => ({ kind: 'finished', agency, upload: undefined });

const drawn = (draw: Draw = DRAW): Fact => ({
  kind: 'drawn',
  draw,
  seal: { bytes: 0, sha256: '', time: '' },
});

/** A lottery of three agencies, of which some have finished. */
function lotteryAfter(...agencies: number[]): Lottery {
  const lottery = new Lottery([1, 2, 3]);
  for (const agency of agencies) lottery.apply(finished(agency));
  return lottery;
}

function drawnLottery(): Lottery {
  const lottery = lotteryAfter(1, 2, 3);
  lottery.apply(drawn());
  return lottery;
}

describe('an open lottery', () => {
  test('counts a repeated agency once', () => {
    const lottery = new Lottery([7, 7]);
    expect(lottery.missing).toEqual([7]);
    lottery.apply(finished(7));
    expect(lottery.state).toBe('complete');
  });

  test('sorts the missing agencies as numbers', () => {
    const lottery = new Lottery([10, 9, 65_535, 100, 1]);
    expect(lottery.missing).toEqual([1, 9, 10, 100, 65_535]);
    lottery.apply(finished(9));
    expect([lottery.missingCount, lottery.firstMissing(2)]).toEqual([4, [1, 10]]);
  });
});

describe('the bets', () => {
  test('are counted per agency, adopted ones included', () => {
    const lottery = new Lottery([1, 2]);
    expect(lottery.bets).toEqual(new Map());
    lottery.apply({
      kind: 'adopted',
      bets: new Map([
        [1, 10],
        [7, 3],
      ]),
    });
    lottery.apply({ kind: 'stored', agency: 1, count: 5, place: undefined });
    lottery.apply({ kind: 'stored', agency: 2, count: 4, place: { upload: 'u', seq: 1 } });
    lottery.apply({
      kind: 'refused',
      agency: 2,
      place: { upload: 'u', seq: 2 },
      fault: { count: 9, index: 0, field: 'number', reason: 'empty' },
    });
    expect(lottery.bets).toEqual(
      new Map([
        [1, 15],
        [7, 3],
        [2, 4],
      ]),
    );
  });
});

describe('the uploads', () => {
  test('are those of facts with a place, and those that finished an agency', () => {
    const lottery = new Lottery([1, 2]);
    lottery.apply({ kind: 'stored', agency: 1, count: 5, place: undefined });
    expect(lottery.uploads.of(1)).toEqual([]);
    lottery.apply({ kind: 'stored', agency: 1, count: 4, place: { upload: 'u', seq: 1 } });
    lottery.apply({ kind: 'finished', agency: 1, upload: 'u' });
    lottery.apply({ kind: 'finished', agency: 2, upload: 'v' });
    expect(lottery.uploads.find(1, 'u')).toMatchObject({ next: 2, batches: 1, bets: 4 });
    expect(lottery.uploads.find(2, 'v')).toMatchObject({ next: 1, batches: 0, bets: 0 });
    expect(lottery.uploads.find(2, 'u')).toBeUndefined();
  });
});

describe('a complete lottery', () => {
  test('has no missing agency, refuses bets and has no winners yet', () => {
    const lottery = lotteryAfter(2, 3, 1);
    expect(lottery.state).toBe('complete');
    expect(lottery.missing).toEqual([]);
    for (const agency of [1, 2, 3]) {
      expect(lottery.refusalOfBets(agency)).toBe('agency-finished');
      expect(lottery.winnersOf(agency)).toBeUndefined();
    }
  });
});

describe('the draw', () => {
  test('is held once', () => {
    const lottery = drawnLottery();
    expect(lottery.state).toBe('drawn');
    expect(() => lottery.apply(drawn({ bets: 0, winners: new Map([[2, ['21']]]) }))).toThrow(
      'once',
    );
    expect(lottery.winnersOf(2)).toEqual([]);
  });

  test('stays held when more agencies are expected later, which may not bet', () => {
    const lottery = new Lottery([1, 2, 3, 4]);
    for (const fact of [finished(1), finished(2), finished(3), drawn()]) lottery.apply(fact);
    expect(lottery.state).toBe('drawn');
    expect(lottery.refusalOfBets(4)).toBe('draw-closed');
    expect(lottery.winnersOf(4)).toEqual([]);
  });
});

describe('an unexpected agency', () => {
  test.each([0, 4, Number.NaN])('(%d) may not bet in any state', agency => {
    for (const lottery of [lotteryAfter(), lotteryAfter(1, 2, 3), drawnLottery()]) {
      expect(lottery.expects(agency)).toBe(false);
      expect(lottery.refusalOfBets(agency)).toBe('unauthorized');
      expect(lottery.hasFinished(agency)).toBe(false);
    }
  });
});

const id = fc.integer({ min: 1, max: 6 });
const count = fc.nat(200);
/** Events without sequence numbers, which follow from the earlier events. */
const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('stored'),
      agency: id,
      count,
      numbered: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('refused'), agency: id, count }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finished'), agency: id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drawn') }) },
);
type Happening = {
  readonly kind: string;
  readonly agency?: number;
  readonly count?: number;
  readonly numbered?: boolean;
};

/** The facts as a store returns them. */
function factsOf(happenings: readonly Happening[]): Fact[] {
  const next = new Map<number, number>();
  let isDrawn = false;
  return happenings.flatMap(({ kind, agency = 0, count: bets = 0, numbered = true }): Fact[] => {
    if (kind === 'finished') return [finished(agency)];
    if (kind === 'drawn') {
      const again = isDrawn;
      isDrawn = true;
      return again ? [] : [drawn()];
    }
    if (kind === 'stored' && !numbered) return [{ kind, agency, count: bets, place: undefined }];
    const seq = next.get(agency) ?? 1;
    next.set(agency, seq + 1);
    const place = { upload: 'u', seq };
    const fault = { count: bets, index: 0, field: 'number', reason: 'empty' } as const;
    return [
      kind === 'stored'
        ? { kind, agency, count: bets, place }
        : { kind: 'refused', agency, place, fault },
    ];
  });
}

/** All properties of a lottery. */
function lookAt(lottery: Lottery): object {
  const agencies = [1, 2, 3, 4, 5, 6].map(agency => ({
    finished: lottery.hasFinished(agency),
    refusal: lottery.refusalOfBets(agency),
    winners: lottery.winnersOf(agency),
    upload: lottery.uploads.find(agency, 'u'),
  }));
  return { state: lottery.state, missing: lottery.missing, bets: lottery.bets, agencies };
}

describe('any sequence of facts', () => {
  const expectedAgencies = fc.uniqueArray(id, { maxLength: 4 });
  const happenings = fc.array(happening, { maxLength: 30 });

  test.prop([expectedAgencies, happenings], { numRuns: 500 })(
    'keeps the rules: bets only before END, winners only after the draw',
    (expected, all) => {
      const lottery = new Lottery(expected);
      const done = new Set<number>();
      let isDrawn = false;
      for (const fact of factsOf(all)) {
        lottery.apply(fact);
        if (fact.kind === 'finished') done.add(fact.agency);
        isDrawn ||= fact.kind === 'drawn';
        const missing = expected.filter(agency => !done.has(agency)).toSorted((a, b) => a - b);
        const isComplete = expected.length > 0 && missing.length === 0;
        expect(lottery.missing).toEqual(missing);
        expect(lottery.finished).toEqual([...done].toSorted((a, b) => a - b));
        expect(lottery.state).toBe(isDrawn ? 'drawn' : isComplete ? 'complete' : 'open');
        for (let agency = 1; agency <= 6; agency += 1) {
          const mayBet = expected.includes(agency) && !done.has(agency) && !isDrawn;
          expect(lottery.refusalOfBets(agency) === undefined).toBe(mayBet);
          expect(lottery.expects(agency)).toBe(expected.includes(agency));
          expect(lottery.hasFinished(agency)).toBe(done.has(agency));
          expect(lottery.winnersOf(agency)).toEqual(
            isDrawn ? (DRAW.winners.get(agency) ?? []) : undefined,
          );
        }
      }
    },
  );

  test.prop([expectedAgencies, happenings], { numRuns: 500 })(
    'leads to the same state when it is replayed after any of its steps (promise P6)',
    (expected, all) => {
      const facts = factsOf(all);
      const live = new Lottery(expected);
      for (const [index, fact] of facts.entries()) {
        live.apply(fact);
        const again = new Lottery(expected);
        for (const kept of facts.slice(0, index + 1)) again.apply(kept);
        expect(lookAt(again)).toEqual(lookAt(live));
      }
      const bets = facts.filter(({ kind }) => kind === 'stored');
      const sum = bets.reduce(
        (total, fact) => total + (fact.kind === 'stored' ? fact.count : 0),
        0,
      );
      expect([...live.bets.values()].reduce((total, ofAgency) => total + ofAgency, 0)).toBe(sum);
    },
  );
});
