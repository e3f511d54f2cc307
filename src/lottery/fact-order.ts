import type { Fact } from './fact.ts';

/**
 * Whether a fact that was judged without knowing of `other` may be wrong after it: of the same upload, of an agency that
 * has finished, or of a lottery that was drawn. A draw is over the bets before it, and any other fact may have brought some.
 */
export function isOvertakenBy(fact: Fact, other: Fact): boolean {
  if (other.kind === 'drawn' || fact.kind === 'drawn') return true;
  if (fact.kind === 'adopted' || other.kind === 'adopted' || fact.agency !== other.agency) return false;
  if (other.kind === 'finished') return true;
  return fact.kind !== 'finished' && fact.place !== undefined && fact.place.upload === other.place?.upload;
}
