import { ActaFolder } from '../../src/audit/acta-folder.ts';
import { closeActa } from '../../src/lottery/acta.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import { hasWon, LOTTERY_WINNER_NUMBER } from '../../src/lottery/catedra.ts';
import { holdDraw } from '../../src/lottery/draw.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { batchOf, betWith } from '../lottery/bets.ts';
import { noPause, TIME } from '../store/store-folder.ts';
import { sealDraw } from '../support/seal-draw.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** The bets of a small lottery: agency 1 has two winners, agency 2 has one, agency 3 has none. */
export const BETS: readonly (readonly Bet[])[] = [
  [
    betWith({ document: '11' }),
    betWith({ document: '12', firstName: 'Ñata, "la"', number: 1 }),
    betWith({ document: '13' }),
  ],
  [betWith({ agency: 2, document: '21', number: 9 }), betWith({ agency: 2, document: '22' })],
  [
    betWith({ agency: 3, document: '31', number: 0 }),
    betWith({ agency: 3, document: '32', number: 3 }),
  ],
];

/**
 * The folder of a server after the close of a lottery and, with `drawn`, after its draw.
 *
 * @param begun time at which the lottery was begun, which identifies it
 */
export async function closedLottery({
  drawn = true,
  bets = BETS,
  begun = TIME,
} = {}): Promise<string> {
  const folder = await temporaryFolder();
  // Agency 4 takes part without bets.
  const lottery = new Lottery([1, 2, 3, 4]);
  const onFact = lottery.apply.bind(lottery);
  const clock = (): Date => new Date(begun);
  const { store } = await CsvStore.open(folder, { agencies: '1-4', onFact, clock, pause: noPause });
  for (const list of bets) await store.append(batchOf(list));
  for (const agency of [1, 2, 3, 4])
    await store.note({ kind: 'finished', agency, upload: undefined });
  const acta = closeActa({
    lottery: store.lottery,
    number: 1,
    time: '2024-08-21T23:00:00.000Z',
    digest: await store.digest(),
    bets: lottery.agencies.map(agency => [agency, lottery.bets.get(agency) ?? 0] as const),
    byHand: [],
  });
  await store.note({ kind: 'closed', acta });
  if (drawn)
    await sealDraw(store, await holdDraw(store.bets(), hasWon), '2024-08-21T23:00:01.000Z');
  await store.close();
  const failure = await new ActaFolder(folder, store.lottery, LOTTERY_WINNER_NUMBER).write(lottery);
  if (failure !== undefined) throw failure;
  return folder;
}
