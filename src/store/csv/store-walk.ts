import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { reasonOf } from '../../files/system-error.ts';
import type { Fact, Intervention } from '../../lottery/fact.ts';
import { FolderError, StoreError } from '../store.ts';
import { DamageError } from './damage.ts';
import { type Files, NO_FILE, type ReadableFile } from './files.ts';
import { JournalReader, type JournalLine } from './journal-reader.ts';
import {
  type Adopt,
  type Checkpoint,
  type Group,
  hex32,
  JOURNAL_VERSION,
  type JournalRecord,
  type RefusedBatch,
  type StoredBatch,
} from './journal-record.ts';
import { SequentialReader } from './sequential-reader.ts';

export const BETS_FILE = 'bets.csv';
export const JOURNAL_FILE = 'bets.journal';

/** @throws FolderError; StoreError `unusable` when a folder has no journal */
export async function expectLottery(directory: string, files: Files): Promise<void> {
  const path = join(directory, JOURNAL_FILE);
  try {
    if ((await files.identify(path)) !== undefined) return;
    if ((await files.identify(directory)) === undefined)
      throw new FolderError(directory, 'it does not exist');
  } catch (error) {
    throw error instanceof StoreError ? error : new FolderError(directory, reasonOf(error), error);
  }
  throw new StoreError(
    'unusable',
    `there is no lottery in ${directory}, it has no ${JOURNAL_FILE}; name the DATA_DIR of a server`,
  );
}

/** The result of a walk. */
export interface StoreWalk {
  readonly journalLines: number;
  /** Length of the valid lines, and of the torn tail, in bytes. */
  readonly journalEnd: number;
  readonly journalTornBytes: number;
  /** Length of the rows in the journal, and of the torn tail, in bytes. */
  readonly betsEnd: number;
  readonly betsTornBytes: number;
  readonly checkpoints: readonly Checkpoint[];
}

/** An Error thrown by a visitor becomes a DamageError with the place. */
export interface Visitor {
  /** A record whose rows, if it has any, come next. */
  onRecord?(line: JournalLine): void;
  /** A piece of the rows of the last record, valid during the call. */
  onRows?(piece: Buffer): void;
  /** The rows of a record are complete and have the right checksum. */
  onRowsEnd?(record: JournalRecord): void;
  onFact?(fact: Fact): void;
}

/**
 * Reads the journal and `bets.csv` once, side by side, and verifies every line and the checksum of
 * every row. An unconfirmed last line without its rows belongs to the torn tail.
 *
 * @throws DamageError with file, offset and reason
 */
export async function walkStore(
  journal: ReadableFile,
  bets: ReadableFile,
  visitor: Visitor,
): Promise<StoreWalk> {
  const lines = new JournalReader(JOURNAL_FILE, journal);
  const rows = new SequentialReader(bets);
  const checkpoints: Checkpoint[] = [];
  let drawn = false;
  let journalLines = 0;
  let journalEnd = 0;
  for await (const line of lines.read()) {
    const { offset, record, isLast } = line;
    const damaged = (reason: string, cause?: unknown): DamageError =>
      new DamageError(JOURNAL_FILE, offset, reason, cause);
    const complaint = complaintAbout(line, {
      betsEnd: rows.position,
      checkpointEnd: checkpoints.at(-1)?.end ?? 0,
      drawn,
    });
    if (complaint !== undefined) throw damaged(complaint);
    if (
      isLast &&
      record.type === 'group' &&
      bets !== NO_FILE &&
      !(await hasRows(bets, rows.position, record))
    )
      break;
    attempt(() => visitor.onRecord?.(line), damaged);
    if (record.type === 'adopt' || record.type === 'group') await visitRows(record, rows, visitor);
    if (record.type === 'checkpoint') checkpoints.push(record);
    if (record.type === 'draw') drawn = true;
    attempt(() => {
      for (const fact of factsOf(record)) visitor.onFact?.(fact);
    }, damaged);
    journalLines = line.n;
    journalEnd = lines.end;
  }
  const journalTornBytes = lines.end + lines.tornBytes - journalEnd;
  if (journalLines === 0)
    throw new DamageError(JOURNAL_FILE, 0, 'it does not begin with its first line');
  const betsTornBytes = Math.max(0, (await bets.size()) - rows.position);
  if (drawn && journalTornBytes > 0)
    throw new DamageError(JOURNAL_FILE, journalEnd, 'something follows the draw');
  if (drawn && betsTornBytes > 0) {
    throw new DamageError(
      BETS_FILE,
      rows.position,
      `${betsTornBytes} bytes were added after the draw`,
    );
  }
  return {
    journalLines,
    journalEnd,
    journalTornBytes,
    betsEnd: rows.position,
    betsTornBytes,
    checkpoints,
  };
}

/** From the lines before. */
interface Before {
  readonly betsEnd: number;
  readonly checkpointEnd: number;
  readonly drawn: boolean;
}

/** What is wrong with a record, apart from its rows. */
function complaintAbout({ n, record }: JournalLine, before: Before): string | undefined {
  const { betsEnd, checkpointEnd, drawn } = before;
  if ((n === 1) !== (record.type === 'begin'))
    return n === 1 ? 'it does not begin with its first line' : 'a second first line';
  if (drawn) return 'a line follows the draw';
  if ('end' in record && !(Number.isSafeInteger(record.end) && record.end >= 0))
    return 'its end is no offset';
  switch (record.type) {
    case 'begin':
      return record.version <= JOURNAL_VERSION
        ? undefined
        : `format ${record.version} was written by another version of this program`;
    case 'adopt':
    case 'group':
      return record.end < betsEnd
        ? `it ends at ${record.end}, before its beginning at ${betsEnd}`
        : undefined;
    case 'checkpoint':
      if (record.end < checkpointEnd)
        return `a checkpoint of ${record.end} bytes behind one of ${checkpointEnd}`;
      return record.end > betsEnd
        ? `a checkpoint of ${record.end} bytes, ${betsEnd} are there`
        : undefined;
    case 'close':
    case 'draw':
      return record.end !== betsEnd && !('withdrawn' in record)
        ? `a ${record.type} over ${record.end} bytes, ${betsEnd} are there`
        : undefined;
    case 'agencies':
    case 'finished':
    case 'reopened':
    case 'void':
      return undefined;
    default:
      return `'${String((record as { type: unknown }).type)}' is no type of line`;
  }
}

/** Whether the rows of a record, from `start`, are intact. */
async function hasRows(
  bets: ReadableFile,
  start: number,
  { end, crc32: expected }: Group,
): Promise<boolean> {
  let checksum = 0;
  const rows = new SequentialReader(bets, start);
  const isWhole = await rows.visit(end - start, piece => void (checksum = crc32(piece, checksum)));
  return isWhole && hex32(checksum) === expected;
}

/** Verifies the rows of a record. */
async function visitRows(
  record: Adopt | Group,
  rows: SequentialReader,
  visitor: Visitor,
): Promise<void> {
  const start = rows.position;
  let checksum = 0;
  const damaged = (reason: string, cause?: unknown): DamageError =>
    new DamageError(BETS_FILE, start, reason, cause);
  const whole = await rows.visit(record.end - start, piece => {
    checksum = crc32(piece, checksum);
    attempt(() => visitor.onRows?.(piece), damaged);
  });
  if (!whole) {
    throw new DamageError(
      BETS_FILE,
      rows.position,
      `the file ends here, the journal vouches for ${record.end} bytes`,
    );
  }
  if (hex32(checksum) !== record.crc32) {
    throw damaged(`the checksum of the rows up to offset ${record.end} does not match`);
  }
  attempt(() => visitor.onRowsEnd?.(record), damaged);
}

function attempt(act: () => void, damaged: (reason: string, cause: unknown) => DamageError): void {
  try {
    act();
  } catch (error) {
    throw error instanceof DamageError ? error : damaged((error as Error).message, error);
  }
}

/** The facts of a journal record. */
export function* factsOf(record: JournalRecord): Generator<Fact> {
  switch (record.type) {
    case 'adopt':
      yield { kind: 'adopted', bets: new Map(record.bets) };
      return;
    case 'group':
      for (const batch of record.batches)
        yield 'reason' in batch ? refusedFact(batch) : storedFact(batch);
      return;
    case 'finished':
      yield { kind: 'finished', agency: record.agency, upload: record.upload };
      return;
    case 'draw': {
      const { bets, winners, end: bytes, sha256, time } = record;
      yield {
        kind: 'drawn',
        draw: { bets, winners: new Map(winners) },
        seal: { bytes, sha256, time },
      };
      return;
    }
    case 'close': {
      const { acta: number, time, bets, end: bytes, sha256, text } = record;
      yield { kind: 'closed', acta: { number, time, bets, bytes, sha256, text } };
      return;
    }
    case 'begin':
      if (record.agencies !== undefined) yield { kind: 'agencies', agencies: record.agencies };
      return;
    case 'agencies':
      yield { kind: 'agencies', agencies: record.agencies, intervention: interventionOf(record) };
      return;
    case 'reopened':
      yield { kind: 'reopened', agency: record.agency, intervention: interventionOf(record)! };
      return;
    case 'void': {
      const { agency, upload, uploads, bets } = record;
      yield {
        kind: 'voided',
        agency,
        upload,
        uploads,
        bets,
        intervention: interventionOf(record)!,
      };
      return;
    }
    case 'checkpoint':
  }
}

function interventionOf({ reason, by, time }: Partial<Intervention>): Intervention | undefined {
  return reason === undefined ? undefined : { reason, by: by!, time: time! };
}

function storedFact([agency, count, , upload, seq]: StoredBatch): Fact {
  const place = upload === undefined || seq === undefined ? undefined : { upload, seq };
  return { kind: 'stored', agency, count, place };
}

function refusedFact({ agency, upload, seq, ...fault }: RefusedBatch): Fact {
  return { kind: 'refused', agency, place: { upload, seq }, fault };
}
