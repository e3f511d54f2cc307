import assert from 'node:assert';
import type { NumberedBatchEncoder } from '../wire/dialect.ts';
import { type EncodedBatch, type Refuse, readBatches } from './batcher.ts';
import type { CsvSource } from './csv-source.ts';
import { FileChanged } from './errors.ts';

/** A batch with the number of its first bet in the upload, counted from 1. */
export interface NumberedBatch extends EncodedBatch {
  readonly seq: number;
}

/**
 * One pass over the file, cut into batches. It outlives connections: unanswered batches are
 * retransmitted over the next one.
 */
export class UploadPass {
  /** Bets that the central has stored, and batches of this pass that it has. */
  bets = 0;
  batches = 0;
  /** The file was changed after its check: the pass ended there. */
  fileChanged = false;
  /** Sent and not answered, in order. */
  readonly unanswered: NumberedBatch[] = [];
  readonly #batches: AsyncGenerator<EncodedBatch>;
  readonly #amountMax: () => number;
  /** Number of the bet that is read next. */
  #next = 1;
  /** A batch must end here: the central has the bets before. */
  #skipEnd = 1;

  constructor(
    source: CsvSource,
    encoder: NumberedBatchEncoder,
    amountMax: () => number,
    refuse: Refuse,
  ) {
    this.#amountMax = amountMax;
    const take = (): Uint8Array => encoder.takeNumbered(this.#next);
    this.#batches = readBatches(source, encoder, () => this.#amountOfNext(), refuse, take);
  }

  /** Number of the bet that is read next. */
  get next(): number {
    return this.#next;
  }

  /** Whether the pass can resume at bet `next`: answered batches are gone. */
  canResumeAt(next: number): boolean {
    return next >= this.#next || this.unanswered.some(({ seq }) => seq === next);
  }

  /** Skips every bet before `next`: the central has them. */
  async skipTo(next: number): Promise<void> {
    while (this.unanswered.length > 0 && this.unanswered[0]!.seq < next) this.stored();
    this.#skipEnd = next;
    while (this.#next < next) {
      const batch = await this.#readOne();
      if (batch === undefined) return;
      this.bets += batch.count;
    }
  }

  #amountOfNext(): number {
    const left = this.#skipEnd - this.#next;
    return left > 0 ? Math.min(left, this.#amountMax()) : this.#amountMax();
  }

  /** The next batch of the file, which is unanswered from now on; undefined at its end. */
  async read(): Promise<NumberedBatch | undefined> {
    const batch = await this.#readOne();
    if (batch !== undefined) this.unanswered.push(batch);
    return batch;
  }

  /** The oldest unanswered batch was stored. */
  stored(): NumberedBatch {
    const batch = this.unanswered.shift();
    assert(batch !== undefined, 'an acknowledgement without an unanswered batch');
    this.batches += 1;
    this.bets += batch.count;
    return batch;
  }

  /** The oldest unanswered batch was not valid. */
  refused(): NumberedBatch {
    return this.unanswered.shift()!;
  }

  async #readOne(): Promise<NumberedBatch | undefined> {
    let value: EncodedBatch | undefined;
    try {
      const read = await this.#batches.next();
      if (!read.done) ({ value } = read);
    } catch (error) {
      if (!(error instanceof FileChanged)) throw error;
      this.fileChanged = true;
    }
    if (value === undefined) return undefined;
    const batch = { ...value, seq: this.#next };
    this.#next += batch.count;
    return batch;
  }
}
