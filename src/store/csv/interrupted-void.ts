import { join } from 'node:path';
import { type OnStoreEvent, StoreError } from '../store.ts';
import type { Files, ReadableFile } from './files.ts';
import type { JournalRecord } from './journal-record.ts';
import { beginsLikeJournal, using } from './new-journal.ts';
import { BETS_FILE, JOURNAL_FILE, walkStore } from './store-walk.ts';

/**
 * The two files as a void will leave them. One step decides: `bets.journal.next` is renamed to
 * `bets.journal`. Before it nothing has happened. After it `bets.csv.next` is renamed too, by the
 * next process where this one was interrupted.
 */
export const NEXT_JOURNAL = `${JOURNAL_FILE}.next`;
export const NEXT_BETS = `${BETS_FILE}.next`;

/**
 * Completes or undoes a void that was interrupted, before anything else is done with the files.
 *
 * @throws StoreError `unusable` when a `.next` file is not what a void has written
 */
export async function finishVoid(
  directory: string,
  files: Files,
  onEvent: OnStoreEvent = () => {},
): Promise<void> {
  const [journal, bets] = [join(directory, NEXT_JOURNAL), join(directory, NEXT_BETS)];
  const warn = (file: string, warning: string): void =>
    onEvent({ event: 'store-warning', file, warning });
  if ((await files.identify(journal)) !== undefined) {
    refuseUnless(journal, await using(() => files.open(journal), journal, beginsLikeJournal));
    if ((await files.identify(bets)) !== undefined) await files.remove(bets);
    await files.syncDirectory(directory);
    await files.remove(journal);
    await files.syncDirectory(directory);
    warn(journal, 'a void was interrupted before it took effect; it was undone');
  } else if ((await files.identify(bets)) !== undefined) {
    const isOfVoid = (next: ReadableFile): Promise<boolean> =>
      matchesLastVoid(directory, next, files);
    refuseUnless(bets, await using(() => files.open(bets), bets, isOfVoid));
    await renameBets(directory, files);
    warn(
      bets,
      `a void was interrupted; the file was renamed to ${BETS_FILE}, which completes the void`,
    );
  }
}

/** The commit of a void's rows. */
export async function renameBets(directory: string, files: Files): Promise<void> {
  await files.rename(join(directory, NEXT_BETS), join(directory, BETS_FILE));
  await files.syncDirectory(directory);
}

/**
 * For readers: between the two renames journal and rows do not match.
 *
 * @throws StoreError `unusable`
 */
export async function refuseHalfVoid(directory: string, files: Files): Promise<void> {
  const path = join(directory, NEXT_BETS);
  if ((await files.identify(join(directory, NEXT_JOURNAL))) !== undefined) return;
  if ((await files.identify(path)) === undefined) return;
  const isOfVoid = (next: ReadableFile): Promise<boolean> =>
    matchesLastVoid(directory, next, files);
  refuseUnless(path, await using(() => files.openToRead(path), path, isOfVoid));
  throw new StoreError(
    'unusable',
    `a void in ${directory} was interrupted after it took effect, or is about to end; ` +
      'the next start of the server, or the next command that changes the lottery, completes it; nothing is damaged',
  );
}

/** Whether rows are those that the last line of the journal, a void, has left of `bets.csv`. */
async function matchesLastVoid(
  directory: string,
  next: ReadableFile,
  files: Files,
): Promise<boolean> {
  const journalPath = join(directory, JOURNAL_FILE);
  const before = await files.identify(join(directory, BETS_FILE));
  if (before === undefined || (await files.identify(journalPath)) === undefined) return false;
  const journal = await files.openToRead(journalPath);
  let last: JournalRecord | undefined;
  try {
    const walk = await walkStore(journal, next, { onRecord: ({ record }) => void (last = record) });
    const isWhole = walk.betsTornBytes === 0 && walk.journalTornBytes === 0;
    return isWhole && last?.type === 'void' && before.bytes === walk.betsEnd + last.bytes;
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  } finally {
    await journal.close();
  }
}

function refuseUnless(path: string, isOurs: boolean): void {
  if (isOurs) return;
  throw new StoreError(
    'unusable',
    `${path} is not what the last void in ${JOURNAL_FILE} has written; compare it with ${BETS_FILE}, and move it away`,
  );
}
