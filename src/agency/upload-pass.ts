import type { BatchEncoder, LineGatherer, NumberedBatchEncoder, UnsendableBet } from '../wire/dialect.ts';
import type { FieldRanges } from '../lottery/bet-rules.ts';
import { type EncodedBatch, type Refuse, readBatches } from './batcher.ts';
import type { CsvSource } from './csv-source.ts';

/** A batch with its number in the upload. */
export interface NumberedBatch extends EncodedBatch {
  readonly seq: number;
}

/**
 * One reading of the file from its first bet to its last, cut into batches that are numbered from 1. It outlives
 * connections: what was sent and not answered is kept, and sent again over the next one.
 */
export class UploadPass {
  /** Batches and bets that the central has stored. */
  batches = 0;
  bets = 0;
  /** Batches that are counted as stored because the central did not ask for them. */
  assumed = 0;
  /** Sent and not answered, in order. */
  readonly unanswered: NumberedBatch[] = [];
  readonly #batches: AsyncGenerator<EncodedBatch>;
  #lastRead = 0;

  constructor(source: CsvSource, encoder: NumberedBatchEncoder, amountMax: number, refuse: Refuse) {
    this.#batches = readBatches(source, new NumberingEncoder(encoder), () => amountMax, refuse);
  }

  /** Number of the batch that is read next. */
  get next(): number {
    return this.#lastRead + 1;
  }

  /** Whether it can go on with batch `next`: earlier ones that were answered are not kept. */
  canGoOnAt(next: number): boolean {
    return next >= (this.unanswered[0]?.seq ?? this.next);
  }

  /** Leaves out every batch before `next`: the central has them. */
  async skipTo(next: number): Promise<void> {
    while (this.unanswered.length > 0 && this.unanswered[0]!.seq < next)
      this.#assume(this.unanswered.shift()!);
    while (this.next < next) {
      const batch = await this.#readOne();
      if (batch === undefined) return;
      this.#assume(batch);
    }
  }

  /** The next batch of the file, which is unanswered from now on; undefined at its end. */
  async read(): Promise<NumberedBatch | undefined> {
    const batch = await this.#readOne();
    if (batch !== undefined) this.unanswered.push(batch);
    return batch;
  }

  /** The oldest unanswered batch was stored. */
  stored(): NumberedBatch {
    const batch = this.unanswered.shift()!;
    this.batches += 1;
    this.bets += batch.count;
    return batch;
  }

  /** The oldest unanswered batch was not valid. */
  refused(): NumberedBatch {
    return this.unanswered.shift()!;
  }

  #assume({ count }: NumberedBatch): void {
    this.assumed += 1;
    this.batches += 1;
    this.bets += count;
  }

  async #readOne(): Promise<NumberedBatch | undefined> {
    const { value } = await this.#batches.next();
    if (value === undefined) return undefined;
    this.#lastRead += 1;
    return { ...(value as EncodedBatch), seq: this.#lastRead };
  }
}

/** Gives each batch the number after the one before. */
class NumberingEncoder implements BatchEncoder {
  readonly #encoder: NumberedBatchEncoder;
  #taken = 0;

  constructor(encoder: NumberedBatchEncoder) {
    this.#encoder = encoder;
  }

  get count(): number {
    return this.#encoder.count;
  }

  get lines(): LineGatherer | undefined {
    return this.#encoder.lines;
  }

  add(bet: FieldRanges): 'added' | 'full' | UnsendableBet {
    return this.#encoder.add(bet);
  }

  take(): Uint8Array {
    this.#taken += 1;
    return this.#encoder.takeNumbered(this.#taken);
  }

  takeSingle(): Uint8Array {
    return this.#encoder.takeSingle();
  }
}
