import type { BatchFault, BetBatch } from '../../src/lottery/bet-batch.ts';

/**
 * Whether two readers agree on a payload: the same rows byte for byte, or the same fault of the
 * same bet.
 */
export function isSameRead(one: BetBatch | BatchFault, other: BetBatch | BatchFault): boolean {
  if ('rows' in one) {
    return (
      'rows' in other &&
      one.agency === other.agency &&
      one.count === other.count &&
      Buffer.from(one.rows).equals(other.rows)
    );
  }
  return (
    !('rows' in other) &&
    one.count === other.count &&
    one.index === other.index &&
    one.field === other.field &&
    one.reason === other.reason
  );
}
