import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { reasonOf } from '../../files/system-error.ts';
import type { Fact } from '../../lottery/fact.ts';
import { RowCheck } from '../../lottery/row-check.ts';
import { type OnStoreEvent, StoreError } from '../store.ts';
import { AppendFile } from './append-file.ts';
import { DamageError } from './damage.ts';
import { copyOver, createCopy } from './file-copy.ts';
import { type DataFile, type Files, NO_FILE } from './files.ts';
import type { FolderLease } from './folder-lease.ts';
import { finishVoid } from './interrupted-void.ts';
import {
  type Adopt,
  type Begin,
  encodeRecord,
  hex32,
  JOURNAL_VERSION,
  type JournalRecord,
} from './journal-record.ts';
import { NEW_JOURNAL_FILE, prepareNewJournal } from './new-journal.ts';
import { SequentialReader } from './sequential-reader.ts';
import { BETS_FILE, JOURNAL_FILE, type StoreWalk, walkStore } from './store-walk.ts';

/** The two files, open, and their content. */
export interface RecoveredFiles extends Pick<StoreWalk, 'journalLines' | 'checkpoints'> {
  readonly journal: AppendFile;
  readonly bets: AppendFile;
  /** CRC-32 of all rows. */
  readonly rowsCrc32: number;
  /** When the lottery was begun, ISO 8601. */
  readonly begun: string;
  /** Whether no later line confirms the last one. */
  readonly isUnconfirmed: boolean;
  readonly drawn: boolean;
  /** Torn tails: writes that were never acknowledged. */
  readonly cuts: readonly TailCut[];
}

export interface TailCut {
  readonly file: string;
  readonly bytes: number;
  /** Copy of the tail, where another program may have written it. */
  readonly kept?: string | undefined;
}

export interface RecoveryParts {
  readonly files: Files;
  readonly clock: () => Date;
  /** The expected ones, where the journal does not name them. */
  readonly agencies: string | undefined;
  readonly onFact: (fact: Fact) => void;
  readonly lease: FolderLease;
  readonly onEvent?: OnStoreEvent | undefined;
}

/**
 * Crash recovery (table in docs/STORE.md): creates missing files, verifies existing ones, truncates
 * torn tails, and replays every fact.
 *
 * @param lease renewed before a truncation or a rename: this process may have lost it
 * @throws DamageError when acknowledged data is missing; a system error when the folder is unusable
 */
export async function recoverFiles(
  directory: string,
  { files, clock, agencies, onFact, lease, onEvent }: RecoveryParts,
): Promise<RecoveredFiles> {
  await finishVoid(directory, files, onEvent);
  const journalPath = join(directory, JOURNAL_FILE);
  const betsPath = join(directory, BETS_FILE);
  const opened: DataFile[] = [];
  const open = async (path: string): Promise<DataFile> => {
    try {
      const file = await files.open(path);
      opened.push(file);
      return file;
    } catch (error) {
      throw new StoreError('unusable', `cannot use ${path}, ${reasonOf(error)}`, error);
    }
  };
  try {
    const isNew = (await files.identify(journalPath)) === undefined;
    const betsThere = await files.identify(betsPath);
    if (isNew) await prepareNewJournal(directory, files, betsThere?.bytes ?? 0, lease.isNew);
    else if (betsThere === undefined) await refuseMissingBets(files, journalPath);
    const bets = await open(betsPath);
    if (isNew) {
      const begin = { version: JOURNAL_VERSION, time: clock().toISOString(), agencies };
      await createJournal(directory, files, bets, begin, lease);
    }
    const journal = await open(journalPath);
    const parts = { files, agencies, onFact, lease };
    const recovered = await recoverOpen({ journal, journalPath, bets, betsPath }, parts);
    await files.syncDirectory(directory);
    return recovered;
  } catch (error) {
    for (const file of opened) await file.close().catch(() => {});
    throw error;
  }
}

interface OpenFiles {
  readonly journal: DataFile;
  readonly journalPath: string;
  readonly bets: DataFile;
  readonly betsPath: string;
}

async function recoverOpen(
  open: OpenFiles,
  { files, agencies, onFact, lease }: Omit<RecoveryParts, 'clock' | 'onEvent'>,
): Promise<RecoveredFiles> {
  const { journal, journalPath, bets, betsPath } = open;
  let rowsCrc32 = 0;
  let drawn = false;
  let hasAgencies = false;
  let isUnconfirmed = false;
  let begun = '';
  const walk = await walkStore(journal, bets, {
    onRecord({ record }) {
      isUnconfirmed = record.type === 'group';
      if (record.type === 'begin') begun = record.time;
    },
    onRows: piece => void (rowsCrc32 = crc32(piece, rowsCrc32)),
    onFact(fact) {
      if (fact.kind === 'drawn') drawn = true;
      if (fact.kind === 'agencies') hasAgencies = true;
      onFact(fact);
    },
  });
  await lease.renew();
  const isWhole = walk.betsEnd === 0 && walk.betsTornBytes > 0;
  const kept = isWhole ? await keepWhole(open, files, walk.betsTornBytes) : undefined;
  if (walk.betsTornBytes > 0) await bets.truncate(walk.betsEnd);
  if (walk.journalTornBytes > 0) await journal.truncate(walk.journalEnd);
  // A killed process may not have synced its last writes.
  await bets.sync();
  await journal.sync();
  const cuts: TailCut[] = [
    { file: BETS_FILE, bytes: walk.betsTornBytes, kept },
    { file: JOURNAL_FILE, bytes: walk.journalTornBytes },
  ];
  const lines = new AppendFile(journalPath, journal, walk.journalEnd);
  let { journalLines } = walk;
  if (!hasAgencies && !drawn && agencies !== undefined) {
    // A journal of version 1 does not name its agencies.
    await lines.append([encodeRecord((journalLines += 1), { type: 'agencies', agencies })]);
    lines.commit();
    onFact({ kind: 'agencies', agencies });
    isUnconfirmed = false;
  }
  return {
    journal: lines,
    bets: new AppendFile(betsPath, bets, walk.betsEnd),
    rowsCrc32,
    journalLines,
    begun,
    checkpoints: walk.checkpoints,
    isUnconfirmed,
    drawn,
    cuts: cuts.filter(({ bytes }) => bytes > 0),
  };
}

/**
 * Copies a `bets.csv` without a row in the journal before its truncation: the rest of a first write
 * looks like a file of another program.
 *
 * @returns the path of the copy
 */
async function keepWhole(
  { bets, betsPath }: OpenFiles,
  files: Files,
  bytes: number,
): Promise<string> {
  const copy = await createCopy(files, `${betsPath}.cut`);
  try {
    await copyOver(bets, bytes, copy);
  } finally {
    await copy.file.close();
  }
  await files.syncDirectory(dirname(betsPath));
  return copy.path;
}

/** Refuses a journal whose rows are missing. */
async function refuseMissingBets(files: Files, journalPath: string): Promise<void> {
  const journal = await files.openToRead(journalPath);
  try {
    await walkStore(journal, NO_FILE, {});
  } catch (error) {
    if (!(error instanceof StoreError)) {
      throw new StoreError('unusable', `cannot use ${journalPath}, ${reasonOf(error)}`, error);
    }
    if (!(error instanceof DamageError) || error.file !== BETS_FILE) throw error;
    throw new StoreError(
      'unusable',
      `${BETS_FILE} is missing although ${JOURNAL_FILE} vouches for rows in it; if 'loteria draw new' was interrupted, run it again`,
      error,
    );
  } finally {
    await journal.close();
  }
}

/** Creates the journal of a folder without one: an empty one, or one with a `bets.csv` to adopt. */
async function createJournal(
  directory: string,
  files: Files,
  bets: DataFile,
  begin: Omit<Begin, 'type'>,
  lease: FolderLease,
): Promise<void> {
  const records: JournalRecord[] = [{ type: 'begin', ...begin }];
  if ((await bets.size()) > 0) records.push(await adopt(bets));
  await bets.sync();
  const path = join(directory, NEW_JOURNAL_FILE);
  const file = await files.open(path);
  try {
    await file.truncate(0);
    const journal = new AppendFile(path, file, 0);
    await journal.write(records.map((record, index) => encodeRecord(index + 1, record)));
    await journal.sync();
  } finally {
    await file.close();
  }
  await lease.renew();
  await files.rename(path, join(directory, JOURNAL_FILE));
}

/** @throws Error with the line that is no row of a bet; the file is not changed */
async function adopt(bets: DataFile): Promise<Adopt> {
  const end = await bets.size();
  const counts = new Map<number, number>();
  const rows = new RowCheck(({ agency }) => {
    counts.set(agency, (counts.get(agency) ?? 0) + 1);
  });
  let checksum = 0;
  await new SequentialReader(bets).visit(end, piece => {
    checksum = crc32(piece, checksum);
    rows.push(piece);
  });
  const fault = rows.fault ?? rows.tornRow;
  if (fault !== undefined) throw new Error(fault);
  return { type: 'adopt', end, crc32: hex32(checksum), bets: [...counts] };
}
