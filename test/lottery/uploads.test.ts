import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { BatchFault } from '../../src/lottery/bet-batch.ts';
import { Uploads } from '../../src/lottery/uploads.ts';

const FAULT: BatchFault = { count: 3, index: 1, field: 'document', reason: 'not-digits' };

const place = (upload: string, seq: number) => ({ upload, seq });

describe('an upload', () => {
  test('is unknown before its first batch, and expects batch 1 when completed without any', () => {
    const uploads = new Uploads();
    expect(uploads.find(1, 'u')).toBeUndefined();
    uploads.complete(1, 'u');
    expect(uploads.find(1, 'u')).toEqual({
      name: 'u',
      next: 1,
      batches: 0,
      bets: 0,
      refusedBets: 0,
      refused: new Map(),
      isComplete: true,
    });
  });

  test('counts its stored batches, and keeps the faults of invalid ones', () => {
    const uploads = new Uploads();
    uploads.stored(1, place('u', 1), 10);
    uploads.refused(1, place('u', 2), FAULT);
    uploads.stored(1, place('u', 3), 0);
    uploads.stored(1, place('u', 4), 7);
    expect(uploads.find(1, 'u')).toEqual({
      name: 'u',
      next: 5,
      batches: 3,
      bets: 17,
      refusedBets: 3,
      refused: new Map([[2, FAULT]]),
      isComplete: false,
    });
    expect(uploads.find(1, 'u')?.settledBets).toBe(20);
  });

  test.each([
    ['the first is not batch 1', [2]],
    ['a batch is missing', [1, 3]],
    ['a batch is repeated', [1, 1]],
    ['a batch is too late', [1, 2, 1]],
  ])('throws when %s, stored or refused', (_, seqs) => {
    for (const last of ['stored', 'refused'] as const) {
      const uploads = new Uploads();
      for (const seq of seqs.slice(0, -1)) uploads.stored(1, place('u', seq), 1);
      const bad = place('u', seqs.at(-1)!);
      expect(() =>
        last === 'stored' ? uploads.stored(1, bad, 1) : uploads.refused(1, bad, FAULT),
      ).toThrow(`that expects batch ${seqs.length}`);
      expect(uploads.find(1, 'u')?.next ?? 1).toBe(seqs.length);
    }
  });
});

describe('uploads', () => {
  test('of an agency are listed in the order of their first batches', () => {
    const uploads = new Uploads();
    for (const name of ['b', 'a', 'c']) uploads.stored(1, place(name, 1), 1);
    uploads.refused(1, place('b', 2), FAULT);
    uploads.complete(2, 'other');
    expect(uploads.of(1).map(({ name }) => name)).toEqual(['b', 'a', 'c']);
    expect(uploads.of(2).map(({ name }) => name)).toEqual(['other']);
    expect(uploads.of(3)).toEqual([]);
  });

  test('of an agency are open from their first batch until they are complete', () => {
    const uploads = new Uploads();
    expect(uploads.openOf(1)).toBeUndefined();
    uploads.refused(1, place('u', 1), FAULT);
    expect(uploads.openOf(1)?.name).toBe('u');
    expect(uploads.openOf(1, 'v')?.name).toBe('u');
    expect(uploads.openOf(1, 'u')).toBeUndefined();
    expect(uploads.openOf(2)).toBeUndefined();
    uploads.complete(1, 'u');
    expect(uploads.openOf(1)).toBeUndefined();
    expect(uploads.openOf(1, 'v')).toBeUndefined();
  });

  test('that are void have no bets and keep their names, until they are allowed again', () => {
    const uploads = new Uploads();
    for (const name of ['a', 'b']) uploads.stored(1, place(name, 1), 3);
    uploads.stored(2, place('a', 1), 3);
    expect(uploads.void(1, 'a')).toBe(3);
    expect([uploads.voidedOf(1), uploads.of(1).map(({ name }) => name)]).toEqual([['a'], ['b']]);
    // A rewritten journal has no batch of `c` any more.
    expect(uploads.void(1, undefined, ['b', 'c'])).toBe(3);
    expect(uploads.voidedOf(1)).toEqual(['a', 'b', 'c']);
    expect([uploads.isVoided(1, 'c'), uploads.isVoided(2, 'a')]).toEqual([true, false]);
    uploads.allowVoided(1);
    expect([uploads.voidedOf(1), uploads.isVoided(1, 'a')]).toEqual([[], false]);
  });

  const step = fc.record({
    agency: fc.integer({ min: 1, max: 3 }),
    // Names that collide if they are joined with the agency's id.
    upload: fc.constantFrom('u', '1', '11', 'U', '__proto__'),
    valid: fc.boolean(),
    count: fc.nat(200),
  });

  test.prop([fc.array(step, { maxLength: 60 })])(
    'of any names and agencies are independent',
    steps => {
      const uploads = new Uploads();
      const numbers = new Map<string, number>();
      for (const { agency, upload, valid, count } of steps) {
        const key = JSON.stringify([agency, upload]);
        const seq = (numbers.get(key) ?? 0) + 1;
        numbers.set(key, seq);
        if (valid) uploads.stored(agency, place(upload, seq), count);
        else uploads.refused(agency, place(upload, seq), { ...FAULT, count });
      }
      for (const agency of [1, 2, 3]) {
        const own = steps.filter(one => one.agency === agency);
        expect(uploads.of(agency)).toHaveLength(new Set(own.map(({ upload }) => upload)).size);
        for (const name of ['u', '1', '11', 'U', '__proto__']) {
          const batches = own.filter(({ upload }) => upload === name);
          const stored = batches.filter(({ valid }) => valid);
          const found = uploads.find(agency, name);
          if (batches.length === 0) expect(found).toBeUndefined();
          else {
            expect(found).toMatchObject({
              next: batches.length + 1,
              batches: stored.length,
              bets: stored.reduce((sum, { count }) => sum + count, 0),
            });
            const refused = batches.flatMap(({ valid }, index) => (valid ? [] : [index + 1]));
            expect([...found!.refused.keys()]).toEqual(refused);
          }
        }
      }
    },
  );
});
