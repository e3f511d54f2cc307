import type { Fact } from './fact.ts';

/**
 * Whether a fact that was judged without knowing of `other` may be wrong after it. A draw is over the bets before it, an
 * agency that has finished sends no more, and it has one upload at a time.
 */
export function isOvertakenBy(fact: Fact, other: Fact): boolean {
  if (other.kind === 'drawn' || fact.kind === 'drawn') return true;
  if (fact.kind === 'agencies' || other.kind === 'agencies') return true;
  if (fact.kind === 'adopted' || other.kind === 'adopted' || fact.agency !== other.agency) return false;
  if (other.kind !== 'stored' && other.kind !== 'refused') return true;
  if (fact.kind === 'reopened' || fact.kind === 'voided') return true;
  if (fact.kind === 'finished') return other.place !== undefined && other.place.upload !== fact.upload;
  return other.place !== undefined;
}
