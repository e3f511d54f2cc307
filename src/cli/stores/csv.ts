import { join } from 'node:path';
import { formatAgencies } from '../../lottery/agency-ranges.ts';
import { CsvStore } from '../../store/csv/csv-store.ts';
import { LOCK_FILE } from '../../store/csv/folder-lease.ts';
import { inspectStore } from '../../store/csv/inspection.ts';
import { intervene } from '../../store/csv/intervention.ts';
import { BETS_FILE, JOURNAL_FILE } from '../../store/csv/store-walk.ts';
import type { ConfiguredStore, LotteryConfig } from './configured-store.ts';

export { archiveDraw } from '../../store/csv/archive.ts';
export { describeRecord } from '../../store/csv/describe-record.ts';
export { BETS_FILE, JOURNAL_FILE } from '../../store/csv/store-walk.ts';
export { verifyStore, visitJournal } from '../../store/csv/inspection.ts';

/** The files `bets.csv` and `bets.journal` in `DATA_DIR`. */
export function csvStore({ dataDirectory, agencies }: LotteryConfig): ConfiguredStore {
  const configured = formatAgencies(agencies);
  return {
    async open({ lottery, watch, onEvent }) {
      const onFact = lottery.apply.bind(lottery);
      const options = { agencies: configured, onFact, watch, onEvent };
      return { ...(await CsvStore.open(dataDirectory, options)), files: [BETS_FILE, JOURNAL_FILE] };
    },
    read: onRows => inspectStore(dataDirectory, agencies, onRows),
    intervene: decide => intervene(dataDirectory, configured, decide),
    files: [BETS_FILE, JOURNAL_FILE, LOCK_FILE].map(name => join(dataDirectory, name)),
    folder: () => dataDirectory,
  };
}
