import { type Fact, isByHand } from './fact.ts';

/**
 * Whether a fact that was judged without knowing of `other` may be wrong after it. A close and a
 * draw are over the bets before them, an agency that has finished sends no more, and it has one
 * upload at a time.
 */
export function isOvertakenBy(fact: Fact, other: Fact): boolean {
  // What is done by hand takes a close back.
  if (other.kind === 'closed' && isByHand(fact)) return false;
  if (!('agency' in fact && 'agency' in other)) return true;
  if (fact.agency !== other.agency) return false;
  if (other.kind !== 'stored' && other.kind !== 'refused') return true;
  if (fact.kind === 'reopened' || fact.kind === 'voided') return true;
  if (fact.kind === 'finished')
    return other.place !== undefined && other.place.upload !== fact.upload;
  return other.place !== undefined;
}
