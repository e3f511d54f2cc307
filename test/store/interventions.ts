import type { ByHand } from '../../src/lottery/fact.ts';
import type { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { inspectStore } from '../../src/store/csv/inspection.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Interventions, and a lottery for them. */

export const INTERVENTION = {
  reason: 'wrong file',
  by: 'ana@central',
  time: '2026-11-30T10:00:00.000Z',
};

export const voided = (agency: number, upload?: string): ByHand => ({
  kind: 'voided',
  agency,
  upload,
  bets: 0,
  intervention: INTERVENTION,
});
export const REOPENED: ByHand = { kind: 'reopened', agency: 2, intervention: INTERVENTION };
export const AGENCIES: ByHand = { kind: 'agencies', agencies: '1-3', intervention: INTERVENTION };

/**
 * Batches of two agencies, in groups; agency 2 has sent two uploads and bets without one. Then the
 * lottery is closed.
 */
export const BATCHES = [
  { name: 1, agency: 1, count: 2, place: { upload: 'one', seq: 1 } },
  { name: 2, agency: 2, count: 3, place: undefined },
  { name: 3, agency: 2, count: 1, place: { upload: 'two', seq: 1 } },
  { name: 4, agency: 1, count: 1, place: { upload: 'one', seq: 2 } },
  { name: 5, agency: 2, count: 4, place: { upload: 'other', seq: 1 } },
] as const;

export const BETS_IN_ALL = BATCHES.reduce((sum, { count }) => sum + count, 0);

export async function fill(store: CsvStore): Promise<void> {
  for (const { name, agency, count, place } of BATCHES) {
    const durable = store.append(batchNamed(name, count, agency), place);
    if (name % 2 === 1) await durable;
  }
  await store.note({ kind: 'finished', agency: 2, upload: 'other' });
  const { bytes, sha256 } = await store.digest();
  const acta = {
    number: 1,
    time: INTERVENTION.time,
    bets: BETS_IN_ALL,
    bytes,
    sha256,
    text: 'acta 1\n',
  };
  await store.note({ kind: 'closed', acta });
}

export async function filledFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const { store } = await CsvStore.open(folder, { agencies: '1-2' });
  await fill(store);
  await store.close();
  return folder;
}

export async function lotteryIn(folder: string): Promise<Lottery> {
  return (await inspectStore(folder, [])).lottery;
}
