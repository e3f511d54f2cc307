import { crc32 } from 'node:zlib';
import { hex32 } from '../csv/journal-record.ts';

/** Which record of the stream something is. */
export interface RecordPlace {
  /** Position in the stream when it was applied. */
  readonly position: number;
  /** Which server process wrote it: printable ASCII, at most `WRITER_CHARACTERS_MAX`. */
  readonly writer: string;
  /** Its number among the records of that process, from 1 without gaps. */
  readonly n: number;
}

/** A record of the stream as the outbox keeps it. */
export interface KeptRecord extends RecordPlace {
  /** The facts of the record as JSON text, as `JSON.stringify` makes it. The outbox does not look into it. */
  readonly facts: string;
  /** Rows of `bets.csv` of those facts; may be empty. */
  readonly rows: Uint8Array;
}

/** What stands before the bytes of a record. */
export interface RecordHead extends RecordPlace {
  /** Counts all records that the outbox was ever given. */
  readonly number: number;
  /** The `number` of the first record of the same append: they were synced together. */
  readonly first: number;
  /** Lengths, in bytes. */
  readonly facts: number;
  readonly rows: number;
  /** CRC-32 of all that follows the head, 8 hex digits. */
  readonly crc32: string;
}

/** Of facts and of rows, in bytes: the stream takes messages of a few MB at most. */
export const PART_BYTES_MAX = 16 * 1024 * 1024;

const WRITER_CHARACTERS_MAX = 64;

/** A head with the longest writer, every character of it escaped, and the largest numbers has 360 bytes. */
export const HEAD_BYTES_MAX = 512;

/** How a head begins. */
export const HEAD_START = '{"number":';

const LF = Buffer.from('\n');
const CHECK_BYTES = ',"check":"00000000"}'.length;
const CHECK = /,"check":"([0-9a-f]{8})"\}$/;
const WRITER = new RegExp(`^[\\x20-\\x7e]{1,${WRITER_CHARACTERS_MAX}}$`);

/**
 * A record in a segment, of which `less` shows something sensible:
 *
 *     record = head LF facts LF rows LF
 *     head   = `{"number":` number `,"first":` number `,"position":` number `,"writer":` string `,"n":` number
 *              `,"facts":` bytes `,"rows":` bytes `,"crc32":"` hex `","check":"` hex `"}`
 *     number = 1, 2, 3, … without gaps, also from one segment to the next
 *     first  = the number of the first record of the same append
 *     crc32  = CRC-32 of `facts LF rows LF`, 8 hex digits
 *     check  = CRC-32 of the bytes of the head before `,"check":`, 8 hex digits
 *
 * An append is written and synced before the next one is begun. So where `first` is its own number, everything before was
 * durable once.
 *
 * @returns its bytes, without a copy of the rows
 */
export function encodeKept(record: KeptRecord, number: number, first: number): Uint8Array[] {
  const { position, writer, n, rows } = record;
  const facts = Buffer.from(`${record.facts}\n`);
  const head: RecordHead = {
    number,
    first,
    position,
    writer,
    n,
    facts: facts.length - 1,
    rows: rows.length,
    crc32: hex32(crc32(LF, crc32(rows, crc32(facts)))),
  };
  const body = JSON.stringify(head).slice(0, -1);
  const line = Buffer.from(`${body},"check":"${hex32(crc32(body))}"}\n`);
  return [Buffer.concat([line, facts]), rows, LF];
}

/**
 * The head in a line without its line end.
 *
 * @throws Error with the reason why it is none
 */
export function decodeHead(line: Uint8Array): RecordHead {
  if (line.length > HEAD_BYTES_MAX) throw new Error('the head of the record has no end');
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  const check = CHECK.exec(text)?.[1];
  if (check === undefined) throw new Error('the head of the record has no checksum');
  const body = line.subarray(0, line.length - CHECK_BYTES);
  if (hex32(crc32(body)) !== check) throw new Error('the checksum of the head of the record does not match');
  const head = JSON.parse(text) as RecordHead;
  const fault = faultOfPlace(head) ?? faultOfLength(head.facts) ?? faultOfLength(head.rows);
  if (fault !== undefined) throw new Error(fault);
  return head;
}

/** Whether facts and rows, with their line ends, are those that the head was written for. */
export function isBodyOf(head: RecordHead, body: Uint8Array): boolean {
  return hex32(crc32(body)) === head.crc32;
}

/** @throws RangeError when a record cannot be written, which is a mistake of the program */
export function assertKeepable(record: KeptRecord): void {
  const fault =
    faultOfPlace(record) ??
    faultOfLength(Buffer.byteLength(record.facts)) ??
    faultOfLength(record.rows.length);
  if (fault !== undefined) throw new RangeError(fault);
}

function faultOfPlace({ position, writer, n }: RecordPlace): string | undefined {
  if (!Number.isSafeInteger(position) || position < 0) return `position ${position} is none`;
  if (!Number.isSafeInteger(n) || n < 1) return `n ${n} is no number of a record`;
  if (!WRITER.test(writer)) return `writer ${JSON.stringify(writer)} is no short ASCII text`;
  return undefined;
}

function faultOfLength(length: number): string | undefined {
  if (Number.isSafeInteger(length) && length >= 0 && length <= PART_BYTES_MAX) return undefined;
  return `a part of the record has ${length} bytes, ${PART_BYTES_MAX} is the most`;
}
