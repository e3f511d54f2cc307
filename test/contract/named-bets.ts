import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import type { Draw } from '../../src/lottery/draw.ts';
import type { Seal } from '../../src/lottery/fact.ts';
import type { Note, Store } from '../../src/store/store.ts';
import { batchOf, betWith, plainBet, rowsOf } from '../lottery/bets.ts';

/** All bets of a store, in its order. */
export async function storedBets(store: Store): Promise<Bet[]> {
  const bets: Bet[] = [];
  for await (const slice of store.bets()) for (const bet of slice) bets.push(plainBet(bet));
  return bets;
}

/** A batch of bets with distinct documents. */
export function batchNamed(name: number, count = 1, agency = 1): BetBatch {
  return batchOf(betsNamed(name, count, agency), agency);
}

/** The bets of `batchNamed`. */
export function betsNamed(name: number, count = 1, agency = 1): Bet[] {
  return Array.from({ length: count }, (_, index) =>
    betWith({ agency, firstName: `Ñ, "${index}"`, document: String(name), number: index }),
  );
}

/** A refused batch of an upload. */
export function refusalOf(seq: number, agency = 1): Extract<Note, { kind: 'refused' }> {
  const fault = { count: 3, index: 1, field: 'birthdate', reason: 'not-a-date' } as const;
  return { kind: 'refused', agency, place: { upload: 'a-Z_0.9', seq }, fault };
}

export const finishOf = (agency: number, upload?: string): Extract<Note, { kind: 'finished' }> => ({
  kind: 'finished',
  agency,
  upload,
});

export const DRAW: Draw = {
  bets: 3,
  winners: new Map([
    [65_535, ['7574', '007']],
    [1, ['0']],
  ]),
};

/** The seal of the bets, computed without the code of a store. */
export function sealOf(bets: readonly Bet[]): Seal {
  const rows = rowsOf(bets);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
  return { bytes: rows.length, sha256: createHash('sha256').update(rows).digest('hex'), time };
}
