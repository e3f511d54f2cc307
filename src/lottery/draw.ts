import type { Bet } from './bet.ts';

/** The result of a draw. */
export interface Draw {
  /** Number of bets that took part. */
  readonly bets: number;
  /** Documents of the winners of each agency that has any, in stored order. */
  readonly winners: ReadonlyMap<number, readonly string[]>;
}

/**
 * Finds the winners in one pass over all bets. They arrive in slices, between which the event loop
 * runs other work: 10 million bets take seconds.
 */
export async function holdDraw(
  slices: AsyncIterable<Iterable<Bet>>,
  hasWon: (bet: Bet) => boolean,
): Promise<Draw> {
  const winners = new Map<number, string[]>();
  let bets = 0;
  for await (const slice of slices) {
    for (const bet of slice) {
      bets += 1;
      if (!hasWon(bet)) continue;
      const documents = winners.get(bet.agency);
      if (documents === undefined) winners.set(bet.agency, [bet.document]);
      else documents.push(bet.document);
    }
  }
  return { bets, winners };
}

/** Number of winners of all agencies. */
export function winnersInAll({ winners }: Draw): number {
  return [...winners.values()].reduce((sum, { length }) => sum + length, 0);
}
