import type { ByHand, Fact } from '../../lottery/fact.ts';
import { Lottery } from '../../lottery/lottery.ts';
import { type Files, NODE_FILES } from './files.ts';
import { FolderLease } from './folder-lease.ts';
import { encodeRecord, type JournalRecord } from './journal-record.ts';
import { recoverFiles } from './recovery.ts';
import { expectLottery } from './store-walk.ts';
import { voidRows } from './void-rows.ts';

/**
 * Appends an operator's intervention while no server runs.
 *
 * @param agencies the expected ones, where the journal does not name them
 * @param decide returns the intervention, or throws to cancel
 * @returns the names of copies of the files before
 * @throws StoreError `unusable` when a server has the folder or it has no lottery; `failed`, `full`
 */
export async function intervene(
  directory: string,
  agencies: string,
  decide: (lottery: Lottery) => ByHand,
  files: Files = NODE_FILES,
): Promise<string[]> {
  // Before the lock file is created, and again after: `draw new` may have run meanwhile.
  await expectLottery(directory, files);
  const lease = await FolderLease.take(directory, files);
  try {
    await expectLottery(directory, files);
    const lottery = new Lottery([]);
    const onFact = (fact: Fact): void => lottery.apply(fact);
    const recovered = await recoverFiles(directory, {
      files,
      clock: () => new Date(),
      agencies,
      onFact,
      lease,
    });
    const { bets, journal, journalLines } = recovered;
    try {
      const fact = decide(lottery);
      if (fact.kind === 'voided') return await voidRows(directory, recovered, fact, files);
      await journal.append([encodeRecord(journalLines + 1, recordOf(fact))]);
      return [];
    } finally {
      await Promise.all([bets.file.close(), journal.file.close()]);
    }
  } finally {
    lease.release();
  }
}

function recordOf(fact: Exclude<ByHand, { kind: 'voided' }>): JournalRecord {
  if (fact.kind === 'agencies')
    return { type: 'agencies', agencies: fact.agencies, ...fact.intervention };
  return { type: 'reopened', agency: fact.agency, ...fact.intervention };
}
