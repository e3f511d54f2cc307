import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/lottery/fact.ts';
import { isOvertakenBy } from '../../src/lottery/fact-order.ts';

type Kind = 'base' | 'u' | 'v' | 'refused-u' | 'end' | 'end-u' | 'closed' | 'drawn';

const KINDS: readonly Kind[] = ['base', 'u', 'v', 'refused-u', 'end', 'end-u', 'closed', 'drawn'];

/**
 * A fact of an agency: bets with or without an upload, a refused batch of an upload, or an end with
 * or without an upload.
 */
function factOf(kind: Kind, agency: number): Fact {
  const place = (upload: string) => ({ upload, seq: 1 });
  const fault = { count: 1, index: 0, field: 'document', reason: 'not-digits' } as const;
  const seal = { bytes: 0, sha256: '', time: '' };
  const facts: Record<Kind, Fact> = {
    base: { kind: 'stored', agency, count: 1, place: undefined },
    u: { kind: 'stored', agency, count: 1, place: place('u') },
    v: { kind: 'stored', agency, count: 1, place: place('v') },
    'refused-u': { kind: 'refused', agency, place: place('u'), fault },
    end: { kind: 'finished', agency, upload: undefined },
    'end-u': { kind: 'finished', agency, upload: 'u' },
    drawn: { kind: 'drawn', draw: { bets: 0, winners: new Map() }, seal },
    closed: {
      kind: 'closed',
      acta: { number: 1, time: '', bets: 0, bytes: 0, sha256: '', text: '' },
    },
  };
  return facts[kind];
}

/** Which facts of the same agency overtake one. */
const OVERTAKEN_BY: Record<Kind, readonly Kind[]> = {
  base: ['u', 'v', 'refused-u', 'end', 'end-u', 'closed', 'drawn'],
  u: ['u', 'v', 'refused-u', 'end', 'end-u', 'closed', 'drawn'],
  v: ['u', 'v', 'refused-u', 'end', 'end-u', 'closed', 'drawn'],
  'refused-u': ['u', 'v', 'refused-u', 'end', 'end-u', 'closed', 'drawn'],
  end: ['u', 'v', 'refused-u', 'end', 'end-u', 'closed', 'drawn'],
  // It follows the batches of its own upload.
  'end-u': ['v', 'end', 'end-u', 'closed', 'drawn'],
  closed: KINDS,
  drawn: KINDS,
};

describe('a concurrent fact', () => {
  test.each(KINDS)('(%s) is overtaken by the listed facts of the same agency', kind => {
    expect(KINDS.filter(other => isOvertakenBy(factOf(kind, 1), factOf(other, 1)))).toEqual(
      OVERTAKEN_BY[kind],
    );
  });

  test.each(KINDS)('(%s) is overtaken by another agency only with a close or a draw', kind => {
    const overtaking = KINDS.filter(other => isOvertakenBy(factOf(kind, 1), factOf(other, 2)));
    expect(overtaking).toEqual(kind === 'drawn' || kind === 'closed' ? KINDS : ['closed', 'drawn']);
  });
});
