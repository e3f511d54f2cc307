import assert from 'node:assert/strict';
import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import type { UploadPlace } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import { Upload } from '../lottery/uploads.ts';
import type { Store } from '../store/store.ts';
import type { Limits } from '../wire/limits.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { Backpressure } from './backpressure.ts';

/** The durable outcome of a numbered batch; `repeated` when it was stored by an earlier request. */
export type NumberedOutcome =
  | { readonly kind: 'stored'; readonly count: number; readonly repeated: boolean }
  | { readonly kind: 'invalid'; readonly fault: BatchFault; readonly repeated: boolean }
  /** The store has rejected it. */
  | { readonly kind: 'rejected'; readonly count: number; readonly error: unknown };

/** A batch of an upload, as the agency numbers it. */
export interface NumberedBatch {
  readonly agency: number;
  readonly upload: string;
  /** Number of the batch, or of its first bet with `countsBets`; from 1. */
  readonly seq: number;
  readonly countsBets: boolean;
}

/** A batch that is next in its upload. */
export interface NextBatch extends NumberedBatch {
  readonly place: UploadPlace;
  /** Bets of the upload before it. */
  readonly before: number;
}

/** What a batch is, by its number alone. */
export type Classified =
  | { readonly kind: 'next'; readonly batch: NextBatch }
  | { readonly kind: 'repeat'; readonly outcome: NumberedOutcome | Promise<NumberedOutcome> }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The batches of one upload that are appended and not durable. */
class InFlight {
  readonly upload: string;
  /** Number of the next batch. */
  next = 1;
  /** Bets before it. */
  bets = 0;
  /** Invalid batches among them. */
  invalid = 0;
  readonly outcomes = new Map<number, Promise<NumberedOutcome>>();

  constructor(upload: string) {
    this.upload = upload;
  }
}

/**
 * Takes each batch of a resumable upload once (promise P3), and one upload of an agency at a time.
 *
 * With `countsBets` a batch must begin with the next expected bet, since the size of batches may
 * differ after a reconnect. Otherwise batches are numbered: below `next` the outcome is durable,
 * and a repeat gets the same answer; a repeat of a batch in flight shares its outcome; the number
 * after those is next; a higher one is a gap.
 */
export class UploadIntake {
  readonly #lottery: Lottery;
  readonly #store: Store;
  readonly #backpressure: Backpressure;
  readonly #refusedBatchesMax: number;
  /** By agency. */
  readonly #inFlight = new Map<number, InFlight>();

  constructor(lottery: Lottery, store: Store, backpressure: Backpressure, limits: Limits) {
    this.#lottery = lottery;
    this.#store = store;
    this.#backpressure = backpressure;
    this.#refusedBatchesMax = limits.refusedBatchesMax;
  }

  /**
   * The state of an upload once every batch is settled that was appended here, or acknowledged by
   * any other server.
   *
   * @throws StoreError (as a rejection) as `Store.settled` does
   */
  async settled(agency: number, upload: string): Promise<Upload> {
    await this.#store.settled();
    return this.#lottery.uploads.find(agency, upload) ?? new Upload(upload);
  }

  /** An incomplete upload of an agency other than `except`, with its stored bets. */
  openOf(agency: number, except: string | undefined): Pick<Upload, 'name' | 'bets'> | undefined {
    const open = this.#lottery.uploads.openOf(agency, except);
    if (open !== undefined) return open;
    const inFlight = this.#inFlight.get(agency);
    return inFlight && inFlight.upload !== except ? { name: inFlight.upload, bets: 0 } : undefined;
  }

  /** @param refusal why bets of the upload are not taken now, if they are not */
  classify(batch: NumberedBatch, refusal: Refusal | undefined): Classified {
    const { agency, upload: name, seq, countsBets } = batch;
    const upload = this.#lottery.uploads.find(agency, name);
    const inFlight = this.#inFlightOf(agency, name);
    const outcome = countsBets
      ? undefined
      : (settledOutcome(upload, seq) ?? inFlight?.outcomes.get(seq)?.then(asRepeated));
    if (outcome !== undefined) return { kind: 'repeat', outcome };
    // Another server may have stored more of it than was appended here.
    const next = Math.max(inFlight?.next ?? 1, upload?.next ?? 1);
    const before = Math.max(inFlight?.bets ?? 0, upload?.settledBets ?? 0);
    const gap = countsBets ? gapBetween('bet', before + 1, seq) : gapBetween('batch', next, seq);
    const refused = gap ?? refusal ?? this.#limitOf(upload, inFlight);
    if (refused !== undefined) return { kind: 'refused', refusal: refused };
    return { kind: 'next', batch: { ...batch, place: { upload: name, seq: next }, before } };
  }

  /** Appends a batch, or the fault for which its number is used up. Classified in the same turn. */
  append(batch: NextBatch, bets: BetBatch | BatchFault): Promise<NumberedOutcome> {
    const { agency, place, before } = batch;
    const inFlight = this.#inFlightOf(agency, place.upload) ?? new InFlight(place.upload);
    assert(place.seq >= inFlight.next, 'a batch is appended in the turn that classifies it');
    const isValid = 'rows' in bets;
    assert(!isValid || bets.agency === agency, 'a batch holds bets of its agency');
    const durable = isValid
      ? this.#backpressure.append(bets, place)
      : this.#store.note({ kind: 'refused', agency, place, fault: bets });
    this.#inFlight.set(agency, inFlight);
    inFlight.next = place.seq + 1;
    inFlight.bets = before + bets.count;
    if (!isValid) inFlight.invalid += 1;
    // The rows are not valid any more when it is durable.
    const stored = isValid ? storedOutcome(bets.count) : invalidOutcome(bets);
    const outcome = this.#settle(batch, bets.count, stored, inFlight, durable);
    inFlight.outcomes.set(place.seq, outcome);
    return outcome;
  }

  async #settle(
    batch: NextBatch,
    count: number,
    stored: NumberedOutcome,
    inFlight: InFlight,
    durable: Promise<void>,
  ): Promise<NumberedOutcome> {
    const { agency, place, before } = batch;
    let outcome = stored;
    try {
      await durable;
    } catch (error) {
      // Another server may have stored the same batch.
      outcome = this.#settledOutcomeOf(batch) ?? { kind: 'rejected', count, error };
    }
    if (outcome.kind === 'rejected') {
      // The store rejects every later batch too: the upload continues from here.
      inFlight.next = Math.min(inFlight.next, place.seq);
      inFlight.bets = Math.min(inFlight.bets, before);
    }
    if (stored.kind === 'invalid') inFlight.invalid -= 1;
    inFlight.outcomes.delete(place.seq);
    if (inFlight.outcomes.size === 0) this.#inFlight.delete(agency);
    return outcome;
  }

  #settledOutcomeOf({ agency, place, countsBets }: NextBatch): NumberedOutcome | undefined {
    if (countsBets) return undefined;
    return settledOutcome(this.#lottery.uploads.find(agency, place.upload), place.seq);
  }

  #inFlightOf(agency: number, upload: string): InFlight | undefined {
    const inFlight = this.#inFlight.get(agency);
    return inFlight?.upload === upload ? inFlight : undefined;
  }

  #limitOf(upload: Upload | undefined, inFlight: InFlight | undefined): Refusal | undefined {
    const invalid = (upload?.refused.size ?? 0) + (inFlight?.invalid ?? 0);
    if (invalid < this.#refusedBatchesMax) return undefined;
    const detail = `${invalid} batches of the upload were not valid, no other is taken`;
    return { code: 'invalid-bet', detail };
  }
}

/** The outcome of a number below the upload's next one. */
function settledOutcome(upload: Upload | undefined, seq: number): NumberedOutcome | undefined {
  if (upload === undefined || seq >= upload.next) return undefined;
  const fault = upload.refused.get(seq);
  return asRepeated(fault === undefined ? storedOutcome(0) : invalidOutcome(fault));
}

const storedOutcome = (count: number): NumberedOutcome => ({
  kind: 'stored',
  count,
  repeated: false,
});

const invalidOutcome = (fault: BatchFault): NumberedOutcome => ({
  kind: 'invalid',
  fault,
  repeated: false,
});

function asRepeated(outcome: NumberedOutcome): NumberedOutcome {
  return outcome.kind === 'rejected' ? outcome : { ...outcome, repeated: true };
}

function gapBetween(what: 'batch' | 'bet', next: number, seq: number): Refusal | undefined {
  if (seq === next) return undefined;
  return { code: 'sequence-gap', detail: `${what} ${next} is expected, this is ${what} ${seq}` };
}
