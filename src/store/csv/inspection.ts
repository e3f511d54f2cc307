import { join } from 'node:path';
import { reasonOf } from '../../files/system-error.ts';
import type { BetsDigest } from '../../lottery/acta.ts';
import type { Bet } from '../../lottery/bet.ts';
import { Lottery } from '../../lottery/lottery.ts';
import { type OnRows, StoreError, type StoreReading } from '../store.ts';
import { Auditor } from './auditor.ts';
import { NO_FILE, NODE_FILES, type ReadableFile } from './files.ts';
import { refuseHalfVoid } from './interrupted-void.ts';
import { type JournalLine, JournalReader } from './journal-reader.ts';
import type { Drawn } from './journal-record.ts';
import { RunningDigest } from './running-digest.ts';
import { BETS_FILE, expectLottery, JOURNAL_FILE, type StoreWalk, walkStore } from './store-walk.ts';

/** What stands in the files of a store. */
export interface Inspection extends StoreWalk, StoreReading {
  readonly draw: Drawn | undefined;
}

/** With the digest of the rows in the journal; after the draw, the seal. */
export interface Verification extends Inspection, BetsDigest {}

/**
 * Reads and verifies the files of a store without changing them, also beside a running server.
 *
 * @param expected the agencies, where the journal does not name them
 * @param onRows called with the rows before their checksum is verified
 * @throws StoreError when there is nothing to read, DamageError
 */
export function inspectStore(
  directory: string,
  expected: Iterable<number>,
  onRows?: OnRows,
): Promise<Inspection> {
  return withFiles(directory, (journal, bets) => inspect(journal, bets, expected, { onRows }));
}

/**
 * Verifies besides that the rows are the bets in the journal, that none follows the end of its
 * agency, every digest, and the winners.
 *
 * @throws StoreError when there is nothing to read, DamageError
 */
export function verifyStore(
  directory: string,
  hasWon: (bet: Bet) => boolean,
): Promise<Verification> {
  return withFiles(directory, async (journal, bets) => {
    const auditor = new Auditor(hasWon);
    const inspection = await inspect(journal, bets, [], { auditor });
    const { draw, checkpoints, betsEnd } = inspection;
    const sealed =
      draw === undefined
        ? []
        : [{ type: 'checkpoint', end: draw.end, sha256: draw.sha256 } as const];
    const digest = new RunningDigest(bets, [...checkpoints, ...sealed]);
    await digest.advance(betsEnd, () => true);
    return { ...inspection, ...digest.digest };
  });
}

/**
 * Calls `visit` with every line of a journal.
 *
 * @throws StoreError when there is none, DamageError
 */
export async function visitJournal(
  directory: string,
  visit: (line: JournalLine) => void,
): Promise<void> {
  await expectLottery(directory, NODE_FILES);
  const journal = await openToRead(directory, JOURNAL_FILE);
  try {
    for await (const line of new JournalReader(JOURNAL_FILE, journal).read()) visit(line);
  } finally {
    await journal.close();
  }
}

async function inspect(
  journal: ReadableFile,
  bets: ReadableFile,
  expected: Iterable<number>,
  { auditor, onRows }: { readonly auditor?: Auditor; readonly onRows?: OnRows | undefined },
): Promise<Inspection> {
  const lottery = new Lottery(expected);
  let begun = '';
  let draw: Drawn | undefined;
  const walk = await walkStore(journal, bets, {
    onRecord(line) {
      if (line.record.type === 'begin') begun = line.record.time;
      if (line.record.type === 'draw') draw = line.record;
      auditor?.onRecord(line.record);
    },
    onRows(piece) {
      auditor?.onRows(piece);
      onRows?.(piece);
    },
    onRowsEnd: () => auditor?.onRowsEnd(),
    onFact: fact => lottery.apply(fact),
  });
  return { ...walk, lottery, begun, draw };
}

/** Opens both files, does something with them and closes them. */
async function withFiles<Result>(
  directory: string,
  act: (journal: ReadableFile, bets: ReadableFile) => Promise<Result>,
): Promise<Result> {
  await expectLottery(directory, NODE_FILES);
  await refuseHalfVoid(directory, NODE_FILES);
  const journal = await openToRead(directory, JOURNAL_FILE);
  try {
    const bets = await openBets(directory);
    try {
      return await act(journal, bets);
    } finally {
      await bets.close();
    }
  } finally {
    await journal.close();
  }
}

/** A missing `bets.csv` reads as empty; the journal knows whether it should have rows. */
async function openBets(directory: string): Promise<ReadableFile> {
  const there = await NODE_FILES.identify(join(directory, BETS_FILE));
  return there === undefined ? NO_FILE : openToRead(directory, BETS_FILE);
}

async function openToRead(directory: string, name: string): Promise<ReadableFile> {
  const path = join(directory, name);
  const refuse = (error: unknown): never => {
    throw new StoreError('unusable', `cannot read ${path}, ${reasonOf(error)}`, error);
  };
  const file = await NODE_FILES.openToRead(path).catch(refuse);
  return {
    // Opening a folder succeeds, and reading it does not.
    read: async (into, at) => file.read(into, at).catch(refuse),
    size: async () => file.size(),
    close: async () => file.close(),
  };
}
