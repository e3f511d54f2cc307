import type { ByHand } from '../lottery/fact.ts';

/** An intervention of an operator, in words. */
export function describeByHand(fact: ByHand): string {
  const { reason, by, time } = fact.intervention;
  const byWhom = `${time} by ${by}: ${reason}`;
  switch (fact.kind) {
    case 'agencies':
      return `agencies set to ${fact.agencies}, ${byWhom}`;
    case 'reopened':
      return `agency ${fact.agency} reopened, ${byWhom}`;
    case 'voided': {
      const what = fact.upload === undefined ? '' : `, upload ${fact.upload}`;
      return `agency ${fact.agency}${what} voided, bets: ${fact.bets}, ${byWhom}`;
    }
  }
}
