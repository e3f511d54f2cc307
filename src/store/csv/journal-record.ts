import { crc32 } from 'node:zlib';
import type { BatchFault } from '../../lottery/bet-batch.ts';
import type { Intervention } from '../../lottery/fact.ts';

/**
 * `bets.journal`: one line of JSON for each commit (examples in docs/STORE.md).
 *
 *     line   = `{"n":` number `,"type":` type *( `,` member ) `,"check":"` check `"}` LF
 *     number = 1, 2, 3, … without gaps
 *     check  = CRC-32 of the bytes of the line before `,"check":`, 8 hex digits
 *
 * A line and its rows are synced before the next line is written: only the last line can be torn,
 * or lack its rows. Any later line confirms it.
 */
export type JournalRecord =
  | Begin
  | Agencies
  | Adopt
  | Group
  | Finished
  | Reopened
  | Void
  | Checkpoint
  | Close
  | Drawn;

/** The first line. */
export interface Begin {
  readonly type: 'begin';
  readonly version: number;
  /** ISO 8601. */
  readonly time: string;
  /** The expected agencies, such as `1-5,7`; not in version 1. */
  readonly agencies?: string | undefined;
}

/** The expected agencies from here on; without a reason, those of a journal of version 1. */
interface Agencies extends Partial<Intervention> {
  readonly type: 'agencies';
  readonly agencies: string;
}

/** A `bets.csv` without a journal was adopted. */
export interface Adopt extends Rows {
  readonly type: 'adopt';
  /** Number of bets of each agency. */
  readonly bets: readonly (readonly [agency: number, count: number])[];
}

/** The batches of a group commit, in order. */
export interface Group extends Rows {
  readonly type: 'group';
  readonly batches: readonly (StoredBatch | RefusedBatch)[];
}

/** Rows in `bets.csv`, from the end of the record before. */
interface Rows {
  /** Length of `bets.csv` with them, in bytes. */
  readonly end: number;
  /** CRC-32 of the rows, 8 hex digits. */
  readonly crc32: string;
}

/** `upload` and `seq` for a resumable upload. An array for its length. */
export type StoredBatch = readonly [
  agency: number,
  count: number,
  bytes: number,
  upload?: string,
  seq?: number,
];

/** An invalid batch, which uses up its number. */
export interface RefusedBatch extends BatchFault {
  readonly agency: number;
  readonly upload: string;
  readonly seq: number;
}

interface Finished {
  readonly type: 'finished';
  readonly agency: number;
  readonly upload?: string | undefined;
}

/** An agency that had finished may send more. */
interface Reopened extends Intervention {
  readonly type: 'reopened';
  readonly agency: number;
}

/** Rows of an agency, or of one upload, were removed, also from the lines before. */
interface Void extends Intervention {
  readonly type: 'void';
  readonly agency: number;
  readonly upload?: string | undefined;
  /** All its uploads, where the whole agency is void. */
  readonly uploads?: readonly string[] | undefined;
  readonly bets: number;
  readonly bytes: number;
}

/** SHA-256 of `bets.csv` up to `end`; also confirms the group before it. */
export interface Checkpoint {
  readonly type: 'checkpoint';
  readonly end: number;
  readonly sha256: string;
}

/** The acta de cierre: the rows of the draw, unless an operator intervenes before it. */
interface Close {
  readonly type: 'close';
  readonly acta: number;
  readonly time: string;
  readonly bets: number;
  readonly end: number;
  readonly sha256: string;
  readonly text: string;
  /** Some of its rows were voided later. */
  readonly withdrawn?: true;
}

/** The draw, with its seal: the digest of all rows. */
export interface Drawn {
  readonly type: 'draw';
  readonly time: string;
  readonly end: number;
  readonly sha256: string;
  /** Number of all bets. */
  readonly bets: number;
  /** Documents of the winners of each agency that has any, in stored order. */
  readonly winners: readonly (readonly [agency: number, documents: readonly string[]])[];
}

/**
 * Version 1 has neither agencies in its first line nor interventions. It is read and appended to.
 */
export const JOURNAL_VERSION = 2;

const CHECK_BYTES = ',"check":"00000000"}'.length;
const CHECK = /,"check":"([0-9a-f]{8})"\}$/;

/** The line of a record, with its line end. */
export function encodeRecord(n: number, record: JournalRecord): Uint8Array {
  const body = JSON.stringify({ n, ...record }).slice(0, -1);
  return Buffer.from(`${body},"check":"${hex32(crc32(body))}"}\n`);
}

/**
 * The record of a line without its line end.
 *
 * @param n the number that the line must have
 * @throws Error with the reason why it is none
 */
export function decodeRecord(line: Uint8Array, n: number): JournalRecord {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const check = CHECK.exec(bytes.toString('latin1', Math.max(0, bytes.length - CHECK_BYTES)))?.[1];
  if (check === undefined) throw new Error('the line has no checksum');
  const body = bytes.subarray(0, bytes.length - CHECK_BYTES);
  if (hex32(crc32(body)) !== check) throw new Error('the checksum of the line does not match');
  const { n: number, ...record } = JSON.parse(`${body.toString('utf8')}}`) as JournalRecord & {
    n: number;
  };
  if (number !== n) throw new Error(`the line has number ${number}, ${n} is expected`);
  return record;
}

/** A CRC-32 as it stands in the journal. */
export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
