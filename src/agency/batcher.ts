import { BET_FIELDS, findFault, findFaults } from '../lottery/bet-rules.ts';
import type { CsvReader, CsvStep } from '../lottery/csv-reader.ts';
import type { BatchEncoder, LineBatchWriter } from '../wire/dialect.ts';
import type { CsvSource } from './csv-source.ts';
import { RecordFeed } from './record-feed.ts';
import { visible } from './visible.ts';

/** A batch, ready to be sent. */
export interface EncodedBatch {
  readonly frame: Uint8Array;
  /** Number of bets. */
  readonly count: number;
  /** Line of the file with the first bet of the batch. */
  readonly firstLine: number;
}

/** A record of the file that is no bet. */
export interface LineFault {
  readonly line: number;
  /** Lines that the record spans: more than one when quotation marks enclose line ends. */
  readonly lines: number;
  readonly faults: readonly FieldFault[];
  /** The record as it stands, in UTF-8. */
  readonly raw: Buffer;
  /** Whether it names the columns: the first line of a file may. */
  readonly isHeading: boolean;
}

export interface FieldFault {
  /** `line` when the line as a whole is at fault. */
  readonly field: string;
  /** The bytes of the field with invisible characters made visible. */
  readonly value: string;
  readonly reason: string;
}

/**
 * Least bytes that are read as CSV at a time. It doubles while no usual line is found: in a file
 * without any, the search for them is rare.
 */
const READ_BYTES_FIRST = 64;
const READ_BYTES_MAX = 16 * 1024;

/** Digits of the longest number without leading zeros: a shorter one may be truncated. */
const NUMBER_DIGITS = 4;
const LF = 0x0a;
const CR = 0x0d;
/** Last bytes of a complete last line: a line end, or the closing quotation mark of its number. */
const RECORD_ENDS = [LF, CR, 0x22];
const NUMBER = BET_FIELDS.indexOf('number');

type Fault = Pick<FieldFault, 'field' | 'reason'>;

export type Refuse = (fault: LineFault) => void;

/**
 * Cuts the bets of a file into batches that fit into one message of the dialect, in order. Records
 * that are no valid bet go to `refuse` and are left out (exercise 6).
 *
 * @param amountMax most bets of the next batch, asked when the one before has been taken
 * @param take takes the frame of a batch from the encoder
 */
export async function* readBatches(
  source: Pick<CsvSource, 'delimiter' | 'chunks'>,
  encoder: BatchEncoder,
  amountMax: () => number,
  refuse: Refuse,
  take = (): Uint8Array => encoder.take(),
): AsyncGenerator<EncodedBatch> {
  const batcher = new Batcher(source.delimiter, encoder, amountMax, refuse, take);
  for await (const chunk of source.chunks()) yield* batcher.push(chunk);
  yield* batcher.end();
}

/**
 * Usual lines, nearly all of a file, go straight to an encoder that has a `LineBatchWriter`. Every
 * other line is read as CSV, validated and added. The batches are the same either way.
 */
class Batcher {
  readonly #encoder: BatchEncoder;
  readonly #amountOfNext: () => number;
  #amountMax: number;
  readonly #refuse: Refuse;
  readonly #takeFrame: () => Uint8Array;
  readonly #delimiter: number;
  readonly #feed: RecordFeed;
  /** Line of the first bet that the encoder holds. */
  #firstLine = 1;
  /** Whether the record that is read is the last one, which may lack a line end. */
  #ended = false;
  /** Least bytes to read as CSV before there may be usual lines again. */
  #readBytes = 0;

  constructor(
    delimiter: number,
    encoder: BatchEncoder,
    amountMax: () => number,
    refuse: Refuse,
    takeFrame: () => Uint8Array,
  ) {
    this.#encoder = encoder;
    this.#takeFrame = takeFrame;
    this.#amountOfNext = amountMax;
    this.#amountMax = amountMax();
    this.#refuse = refuse;
    this.#delimiter = delimiter;
    this.#feed = new RecordFeed(delimiter);
  }

  /** The batches that the next bytes of the file complete. */
  *push(chunk: Uint8Array): Generator<EncodedBatch> {
    const { lines } = this.#encoder;
    if (lines === undefined) {
      this.#feed.push(chunk);
      yield* this.#readRecords();
      return;
    }
    lines.load(chunk, this.#delimiter);
    let at = 0;
    while (at < chunk.length) {
      if (this.#feed.isUsedUp) at = this.#addUsualLines(lines, at);
      if (this.#encoder.count === this.#amountMax) {
        yield* this.#take();
      } else if (at < chunk.length) {
        at = this.#feed.pushLines(chunk, at, this.#readBytes);
        yield* this.#readRecords();
        this.#readBytes = Math.min(Math.max(this.#readBytes * 2, READ_BYTES_FIRST), READ_BYTES_MAX);
      }
    }
  }

  /** The last batches: no more bytes follow. */
  *end(): Generator<EncodedBatch> {
    this.#feed.reader.end();
    this.#ended = true;
    yield* this.#readRecords();
    if (this.#encoder.count > 0) yield* this.#take();
  }

  /** Adds usual lines from `at` on; returns the place after them. */
  #addUsualLines(lines: LineBatchWriter, at: number): number {
    const encoder = this.#encoder;
    const before = encoder.count;
    const end = lines.addLines(at, this.#amountMax);
    if (before === 0) this.#firstLine = this.#feed.reader.nextLine;
    this.#feed.skipLines(encoder.count - before);
    if (end > at) this.#readBytes = 0;
    return end;
  }

  /** Adds the records that the CSV reader has. */
  *#readRecords(): Generator<EncodedBatch> {
    const encoder = this.#encoder;
    const feed = this.#feed;
    for (let step = feed.next(); step === 'record' || step === 'broken'; step = feed.next()) {
      let added = this.#addLine(step);
      if (added === 'full') {
        yield* this.#take();
        added = this.#addLine(step);
      }
      if (typeof added === 'object') this.#refuse(faultOf(feed.reader, added));
      else if (encoder.count === 1) this.#firstLine = feed.reader.line;
      if (encoder.count === this.#amountMax) yield* this.#take();
    }
  }

  /** Adds the current record; or says what makes it no bet, or impossible to send. */
  #addLine(step: CsvStep): 'added' | 'full' | readonly Fault[] {
    const { reader } = this.#feed;
    if (step === 'broken') return [{ field: 'line', reason: 'not-csv' }];
    if (reader.fieldCount < BET_FIELDS.length) return [{ field: 'line', reason: 'too-few-fields' }];
    if (reader.fieldCount > BET_FIELDS.length)
      return [{ field: 'line', reason: 'too-many-fields' }];
    if (findFault(reader) !== undefined) return findFaults(reader);
    if (this.#ended && mayBeCutOff(reader)) return [{ field: 'number', reason: 'no-line-end' }];
    const added = this.#encoder.add(reader);
    return typeof added === 'object' ? [added] : added;
  }

  *#take(): Generator<EncodedBatch> {
    yield { count: this.#encoder.count, firstLine: this.#firstLine, frame: this.#takeFrame() };
    this.#amountMax = this.#amountOfNext();
  }
}

/**
 * A last line without a line end may be cut off inside its number. A file of one line has no other
 * to compare with.
 */
function mayBeCutOff({ starts, ends, line, raw }: CsvReader): boolean {
  return (
    line > 1 &&
    ends[NUMBER]! - starts[NUMBER]! < NUMBER_DIGITS &&
    !RECORD_ENDS.includes(raw.at(-1)!)
  );
}

function faultOf(reader: CsvReader, found: readonly Fault[]): LineFault {
  const { line, lines, bytes, starts, ends, raw } = reader;
  const whole = raw.subarray(0, raw.findLastIndex(byte => byte !== LF && byte !== CR) + 1);
  const faults = found.map(({ field, reason }) => {
    const index = BET_FIELDS.findIndex(name => name === field);
    return {
      field,
      value: visible(index < 0 ? whole : bytes.subarray(starts[index], ends[index])),
      reason,
    };
  });
  const words = faults
    .filter(({ value }) => /^\D*\p{L}\D*$/u.test(value))
    .map(({ field }) => field);
  // The names of columns are valid first and last names.
  const isHeading = line === 1 && BET_FIELDS.slice(2).every(field => words.includes(field));
  return { line, lines, faults, raw: Buffer.from(raw), isHeading };
}
