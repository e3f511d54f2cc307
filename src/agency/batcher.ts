import { BET_FIELDS, findFault } from '../lottery/bet-rules.ts';
import type { CsvStep } from '../lottery/csv-reader.ts';
import type { BatchEncoder, LineGatherer } from '../wire/dialect.ts';
import type { CsvSource } from './csv-source.ts';
import { RecordFeed } from './record-feed.ts';

/** A batch, ready to be sent. */
export interface EncodedBatch {
  readonly frame: Uint8Array;
  /** Number of bets. */
  readonly count: number;
  /** Line of the file with the first bet of the batch. */
  readonly firstLine: number;
}

/** A line of the file that is no bet. */
export interface LineFault {
  readonly line: number;
  /** `line` when the line as a whole is at fault. */
  readonly field: string;
  readonly reason: string;
}

/**
 * Least bytes that are read as CSV at a time: one line where usual lines are found around it, and twice as many each time that
 * none was found. In a file without any it is seldom looked for them.
 */
const READ_BYTES_FIRST = 64;
const READ_BYTES_MAX = 16 * 1024;

type Refuse = (fault: LineFault) => void;

/**
 * Cuts the bets of a file into batches of at most `amountMax` bets that fit into one message of the dialect, in the order
 * of the file. What is not a valid bet is told to `refuse` and left out (exercise 6).
 */
export async function* readBatches(
  source: Pick<CsvSource, 'delimiter' | 'chunks'>,
  encoder: BatchEncoder,
  amountMax: number,
  refuse: Refuse,
): AsyncGenerator<EncodedBatch> {
  const batcher = new Batcher(source.delimiter, encoder, amountMax, refuse);
  for await (const chunk of source.chunks()) yield* batcher.push(chunk);
  yield* batcher.end();
}

/**
 * There are two ways from a line into a batch. The usual lines, nearly all of a file, go straight to the encoder where it has a
 * way for them (`LineGatherer`). Every other line is read as CSV, judged by the rules and added: with an encoder that has only
 * `add` that is the whole file. Batches are the same either way.
 */
class Batcher {
  readonly #encoder: BatchEncoder;
  readonly #amountMax: number;
  readonly #refuse: Refuse;
  readonly #delimiter: number;
  readonly #feed: RecordFeed;
  /** Line of the first bet that the encoder holds. */
  #firstLine = 1;
  /** Least bytes to read as CSV before there may be usual lines again. */
  #readBytes = 0;

  constructor(delimiter: number, encoder: BatchEncoder, amountMax: number, refuse: Refuse) {
    this.#encoder = encoder;
    this.#amountMax = amountMax;
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
      if (this.#feed.isUsedUp) at = this.#gather(lines, at);
      if (this.#encoder.count === this.#amountMax) {
        yield this.#take();
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
    yield* this.#readRecords();
    if (this.#encoder.count > 0) yield this.#take();
  }

  /** Adds usual lines from `at` on; returns the place behind them. */
  #gather(lines: LineGatherer, at: number): number {
    const encoder = this.#encoder;
    const before = encoder.count;
    const end = lines.gather(at, this.#amountMax);
    if (before === 0) this.#firstLine = this.#feed.reader.nextLine;
    this.#feed.passBy(encoder.count - before);
    if (end > at) this.#readBytes = 0;
    return end;
  }

  /** Adds what the reader of CSV has got. */
  *#readRecords(): Generator<EncodedBatch> {
    const encoder = this.#encoder;
    const feed = this.#feed;
    for (let step = feed.next(); step === 'record' || step === 'broken'; step = feed.next()) {
      let added = addLine(step, feed, encoder);
      if (added === 'full') {
        yield this.#take();
        added = addLine(step, feed, encoder);
      }
      if (typeof added === 'object') this.#refuse(added);
      else if (encoder.count === 1) this.#firstLine = feed.reader.line;
      if (encoder.count === this.#amountMax) yield this.#take();
    }
  }

  #take(): EncodedBatch {
    return { count: this.#encoder.count, firstLine: this.#firstLine, frame: this.#encoder.take() };
  }
}

function addLine(step: CsvStep, feed: RecordFeed, encoder: BatchEncoder): 'added' | 'full' | LineFault {
  const { reader } = feed;
  const { line, fieldCount } = reader;
  if (step === 'broken') return { line, field: 'line', reason: 'not-csv' };
  if (fieldCount < BET_FIELDS.length) return { line, field: 'line', reason: 'too-few-fields' };
  if (fieldCount > BET_FIELDS.length) return { line, field: 'line', reason: 'too-many-fields' };
  const fault = findFault(reader);
  if (fault !== undefined) return { line, ...fault };
  const added = encoder.add(reader);
  return typeof added === 'object' ? { line, ...added } : added;
}
