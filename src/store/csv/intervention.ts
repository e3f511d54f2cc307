import type { Fact } from '../../lottery/fact.ts';
import type { ByHand } from '../../lottery/fact.ts';
import { Lottery } from '../../lottery/lottery.ts';
import { type Files, NODE_FILES } from './files.ts';
import { FolderLease } from './folder-lease.ts';
import { encodeRecord, type JournalRecord } from './journal-record.ts';
import { recoverFiles } from './recovery.ts';
import { expectLottery } from './store-walk.ts';
import { voidRows } from './void-rows.ts';

/**
 * Changes by hand what agencies have done, while no server runs.
 *
 * @param agencies that the draw waits for, where the journal does not say
 * @param decide looks at the lottery and says what is done; what it throws is thrown, and nothing is done
 * @returns the names of files that are kept as they were before
 * @throws StoreError `unusable` when a server has the folder or there is no lottery in it, `failed` and `full`
 */
export async function intervene(
  directory: string,
  agencies: string,
  decide: (lottery: Lottery) => ByHand,
  files: Files = NODE_FILES,
): Promise<string[]> {
  // Before the lock file is created; and again, for `draw new` may have run meanwhile.
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
  if (fact.kind === 'agencies') return { type: 'agencies', agencies: fact.agencies, ...fact.intervention };
  return { type: 'reopened', agency: fact.agency, ...fact.intervention };
}
