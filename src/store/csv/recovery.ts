import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Bet } from '../../lottery/bet.ts';
import type { Fact } from '../../lottery/fact.ts';
import { RowDecoder } from '../../lottery/row-decoder.ts';
import { StoreError } from '../store.ts';
import { AppendFile, reasonOf } from './append-file.ts';
import { DamageError } from './damage.ts';
import { type DataFile, type Files, NO_FILE } from './files.ts';
import {
  type Adopt,
  type Begin,
  type Checkpoint,
  encodeRecord,
  hex32,
  JOURNAL_VERSION,
  type JournalRecord,
} from './journal-record.ts';
import { SequentialReader } from './sequential-reader.ts';
import { BETS_FILE, JOURNAL_FILE, walkStore } from './store-walk.ts';
import { finishVoid } from './void-rows.ts';

/** The journal's name until its first lines are durable: a journal that is there begins as it should. */
const NEW_JOURNAL_FILE = 'bets.journal.new';

const LF = 0x0a;

/** The two files, open, and what was found in them. */
export interface RecoveredFiles {
  readonly journal: AppendFile;
  readonly bets: AppendFile;
  readonly journalLines: number;
  readonly checkpoints: readonly Checkpoint[];
  /** The last line is one that no later line confirms. */
  readonly isUnconfirmed: boolean;
  readonly drawn: boolean;
  /** What was cut off: the rest of a write that was never acknowledged. */
  readonly cuts: readonly TailCut[];
}

export interface TailCut {
  readonly file: string;
  readonly bytes: number;
}

export interface RecoveryParts {
  readonly files: Files;
  readonly clock: () => Date;
  /** Those that the draw waits for, where the journal does not say. */
  readonly agencies: string | undefined;
  readonly onFact: (fact: Fact) => void;
}

/**
 * Opens the two files of a folder as the last process left them, however it ended (docs/STORE.md has the table): creates
 * what is missing, checks what is there, cuts off what was begun and never acknowledged, and gives back every fact.
 *
 * @throws DamageError when something is missing that was acknowledged; a system error when the folder cannot be used
 */
export async function recoverFiles(
  directory: string,
  { files, clock, agencies, onFact }: RecoveryParts,
): Promise<RecoveredFiles> {
  await finishVoid(directory, files);
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
    const isNew = !(await files.exists(journalPath));
    const betsThere = await files.exists(betsPath);
    if (!isNew && !betsThere) await refuseMissingBets(files, journalPath);
    const bets = await open(betsPath);
    let betsCut = 0;
    if (isNew)
      betsCut = await createJournal(directory, files, bets, {
        version: JOURNAL_VERSION,
        time: clock().toISOString(),
        agencies,
      });
    const journal = await open(journalPath);
    const recovered = await recoverOpen({ journal, journalPath, bets, betsPath, betsCut }, agencies, onFact);
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
  /** Bytes that were cut off `bets.csv` before it was adopted. */
  readonly betsCut: number;
}

async function recoverOpen(
  files: OpenFiles,
  agencies: string | undefined,
  onFact: (fact: Fact) => void,
): Promise<RecoveredFiles> {
  const { journal, journalPath, bets, betsPath, betsCut } = files;
  let drawn = false;
  let hasAgencies = false;
  let isUnconfirmed = false;
  const walk = await walkStore(journal, bets, {
    onRecord: ({ record }) => void (isUnconfirmed = record.type === 'group'),
    onFact(fact) {
      if (fact.kind === 'drawn') drawn = true;
      if (fact.kind === 'agencies') hasAgencies = true;
      onFact(fact);
    },
  });
  if (walk.betsTornBytes > 0) await bets.truncate(walk.betsEnd);
  if (walk.journalTornBytes > 0) await journal.truncate(walk.journalEnd);
  // A process that was killed may have written what it did not sync. From here on it counts as durable.
  await bets.sync();
  await journal.sync();
  const cuts: TailCut[] = [
    { file: BETS_FILE, bytes: walk.betsTornBytes + betsCut },
    { file: JOURNAL_FILE, bytes: walk.journalTornBytes },
  ];
  const lines = new AppendFile(journalPath, journal, walk.journalEnd);
  let { journalLines } = walk;
  if (!hasAgencies && !drawn && agencies !== undefined) {
    // A journal of version 1: from here on it is of these agencies.
    await lines.append([encodeRecord((journalLines += 1), { type: 'agencies', agencies })]);
    lines.keep();
    onFact({ kind: 'agencies', agencies });
    isUnconfirmed = false;
  }
  return {
    journal: lines,
    bets: new AppendFile(betsPath, bets, walk.betsEnd),
    journalLines,
    checkpoints: walk.checkpoints,
    isUnconfirmed,
    drawn,
    cuts: cuts.filter(({ bytes }) => bytes > 0),
  };
}

/** A journal that vouches for rows, and no rows: somebody has taken them away. */
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

/**
 * Makes the journal of a folder that has none: of an empty one, or one where a `bets.csv` is taken over as it is.
 *
 * @returns bytes that were cut off `bets.csv`: a last row without line end
 */
async function createJournal(
  directory: string,
  files: Files,
  bets: DataFile,
  begin: Omit<Begin, 'type'>,
): Promise<number> {
  const records: JournalRecord[] = [{ type: 'begin', ...begin }];
  const size = await bets.size();
  const end = await wholeRowsLength(bets, size);
  if (end > 0) records.push(await adopt(bets, end));
  if (end < size) await bets.truncate(end);
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
  await files.rename(path, join(directory, JOURNAL_FILE));
  return size - end;
}

async function adopt(bets: DataFile, end: number): Promise<Adopt> {
  const decoder = new RowDecoder(BETS_FILE);
  const counts = new Map<number, number>();
  const count = ({ agency }: Bet): void => void counts.set(agency, (counts.get(agency) ?? 0) + 1);
  let checksum = 0;
  await new SequentialReader(bets).visit(end, piece => {
    checksum = crc32(piece, checksum);
    decoder.push(piece);
    decoder.visit(count);
  });
  decoder.end();
  decoder.visit(count);
  return { type: 'adopt', end, crc32: hex32(checksum), bets: [...counts] };
}

/** Length of the part of `bets.csv` that ends with a line end; what follows is a row that nobody finished writing. */
async function wholeRowsLength(bets: DataFile, size: number): Promise<number> {
  const block = Buffer.allocUnsafe(64 * 1024);
  for (let end = size; end > 0; end -= block.length) {
    const start = Math.max(0, end - block.length);
    const length = await readFully(bets, block.subarray(0, end - start), start);
    const lineEnd = block.subarray(0, length).lastIndexOf(LF);
    if (lineEnd >= 0) return start + lineEnd + 1;
  }
  return 0;
}

/** Reads until `into` is full or the file ends; returns the number of bytes read. */
async function readFully(file: DataFile, into: Uint8Array, position: number): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const read = await file.read(into.subarray(length), position + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
