import { DamageError } from '../csv/damage.ts';
import type { ReadableFile } from '../csv/files.ts';
import { SequentialReader } from '../csv/sequential-reader.ts';
import {
  decodeHead,
  HEAD_BYTES_MAX,
  HEAD_START,
  isBodyOf,
  type KeptRecord,
  type RecordHead,
} from './outbox-record.ts';

const LF = 0x0a;
const NUL = 0x00;
const SCAN_BYTES = 64 * 1024;

/** A record that was read, and its number. */
export interface ReadRecord {
  readonly number: number;
  readonly record: KeptRecord;
}

export interface SegmentPart {
  /** What the file is called in errors. */
  readonly name: string;
  /** Number of the first record; any when undefined. */
  readonly number: number | undefined;
  /** Where to stop, in bytes. */
  readonly end: number;
  /** Whether a crash may have interrupted the last append to it. */
  readonly mayBeTorn: boolean;
}

/** Reads the records of a segment, one in memory at a time. What a crash can leave at its end is told apart from damage. */
export class SegmentReader {
  /** End of the last record read, in bytes. */
  end = 0;
  /** Length of what follows the last record: the beginning of an append that was never synced. */
  tornBytes = 0;
  readonly #file: ReadableFile;
  readonly #part: SegmentPart;

  constructor(file: ReadableFile, part: SegmentPart) {
    this.#file = file;
    this.#part = part;
  }

  /** @throws DamageError */
  async *read(): AsyncGenerator<ReadRecord> {
    const { name, end, mayBeTorn } = this.#part;
    const reader = new SequentialReader(this.#file);
    let before: RecordHead | undefined;
    while (this.end < end) {
      const found = await readRecord(reader);
      if (found.head !== undefined) this.#checkOrder(found.head, before);
      if (found.record === undefined) {
        if (!mayBeTorn || !(await this.#isTorn(found))) throw new DamageError(name, this.end, found.reason);
        this.tornBytes = end - this.end;
        return;
      }
      before = found.head;
      this.end = reader.position;
      yield { number: found.head.number, record: found.record };
    }
  }

  #checkOrder({ number, first }: RecordHead, before: RecordHead | undefined): void {
    const { name } = this.#part;
    const expected = before === undefined ? this.#part.number : before.number + 1;
    if (expected !== undefined && number !== expected) {
      throw new DamageError(name, this.end, `the record has number ${number}, ${expected} is expected`);
    }
    if (first !== number && first !== before?.first) {
      throw new DamageError(name, this.end, `the record claims to belong to an append from number ${first}`);
    }
  }

  /**
   * Whether an append that was never synced can have left what begins with a record that is not whole: it ends too early, or
   * has zeros where the system wrote what follows first; and no later append was begun behind it. Rows that hold zeros
   * themselves make the last append look so.
   */
  async #isTorn({ head, headBytes, endsEarly }: NotWhole): Promise<boolean> {
    const reader = new SequentialReader(this.#file);
    reader.position = this.end + (head === undefined ? 0 : headBytes);
    let torn = endsEarly;
    let bytes: Buffer = Buffer.alloc(0);
    for (;;) {
      const piece = await reader.read(SCAN_BYTES);
      if (piece.length === 0) return torn;
      torn ||= piece.includes(NUL);
      // A head may lie across two pieces.
      bytes = Buffer.concat([bytes.subarray(-HEAD_BYTES_MAX), piece]);
      if (beginsAppend(bytes)) return false;
    }
  }
}

interface Whole {
  readonly head: RecordHead;
  readonly record: KeptRecord;
}

interface NotWhole {
  readonly head: RecordHead | undefined;
  readonly record: undefined;
  readonly headBytes: number;
  readonly reason: string;
  /** The file ends within it. */
  readonly endsEarly: boolean;
}

async function readRecord(reader: SequentialReader): Promise<Whole | NotWhole> {
  const line = await reader.readThrough(LF);
  const headBytes = line.length;
  const notWhole = (reason: string, endsEarly: boolean, head?: RecordHead): NotWhole => {
    return { head, record: undefined, headBytes, reason, endsEarly };
  };
  if (line.at(-1) !== LF) return notWhole('the file ends within the head of a record', true);
  let head: RecordHead;
  try {
    head = decodeHead(line.subarray(0, -1));
  } catch (error) {
    return notWhole((error as Error).message, false);
  }
  const body = Buffer.allocUnsafe(head.facts + head.rows + 2);
  let length = 0;
  const isThere = await reader.visit(body.length, piece => void (length += piece.copy(body, length)));
  if (!isThere) return notWhole('the file ends within a record', true, head);
  if (!isBodyOf(head, body)) return notWhole('the checksum of the record does not match', false, head);
  const { position, writer, n } = head;
  const facts = body.toString('utf8', 0, head.facts);
  const rows = body.subarray(head.facts + 1, -1);
  return { head, record: { position, writer, n, facts, rows } };
}

/** Whether the head of the first record of an append is in the bytes. */
function beginsAppend(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(HEAD_START); at >= 0; at = bytes.indexOf(HEAD_START, at + 1)) {
    const end = bytes.indexOf(LF, at);
    if (end < 0) return false;
    try {
      const { number, first } = decodeHead(bytes.subarray(at, end));
      if (number === first) return true;
    } catch {
      // It only looked like a head.
    }
  }
  return false;
}
