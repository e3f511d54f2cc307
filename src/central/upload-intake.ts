import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import type { Fact, UploadPlace } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import { Upload } from '../lottery/uploads.ts';
import type { Note, Store } from '../store/store.ts';
import type { Limits } from '../wire/limits.ts';
import type { Refusal } from '../wire/refusal.ts';
import type { AfterSync } from './after-sync.ts';

/** What has become of a batch of an upload. `repeated` when it was not the first of its number. */
export type NumberedOutcome =
  | { readonly kind: 'stored'; readonly count: number; readonly repeated: boolean }
  | { readonly kind: 'invalid'; readonly fault: BatchFault; readonly repeated: boolean }
  | { readonly kind: 'refused'; readonly count: number; readonly refusal: Refusal };

export interface UploadIntakeParts {
  readonly lottery: Lottery;
  readonly store: Store;
  readonly limits: Limits;
  readonly afterSync: AfterSync;
  /** Why bets of the agency, of this upload, are not taken now. */
  readonly refusalOfBets: (agency: number, upload: string) => Refusal | undefined;
  /** Why bets that the store has rejected are not taken; throws what is no store's error. */
  readonly refusalOf: (agency: number, upload: string, error: unknown) => Refusal;
}

type Tell = (outcome: NumberedOutcome) => void;

const NOBODY: readonly Tell[] = [];

type BatchFact = Extract<Fact, { kind: 'stored' | 'refused' }>;

/** A batch of an upload, as the agency numbers it. */
export interface NumberedBatch {
  readonly upload: string;
  /** Of the batch, or of its first bet, counted from 1. */
  readonly seq: number;
  readonly countsBets: boolean;
}

/** A batch that the store was given. */
interface HandedOver {
  readonly fact: BatchFact;
  readonly place: UploadPlace;
  /** Bets of the upload before it. */
  readonly before: number;
  readonly countsBets: boolean;
  readonly durable: Promise<void>;
  readonly tell: Tell;
}

/** The batches of one upload that are on their way to the disk. */
class InFlight {
  readonly upload: string;
  /** Number of the batch that comes next. */
  next = 1;
  /** Bets before it. */
  bets = 0;
  /** By their numbers: who else, having repeated one meanwhile, wants to know what becomes of it. */
  readonly repeats = new Map<number, readonly Tell[]>();
  /** Those among them that are not valid. */
  invalid = 0;

  constructor(upload: string) {
    this.upload = upload;
  }
}

/**
 * Takes the batches of resumable uploads, each once (promise P3), and of each agency one upload at a time.
 *
 * With `countsBets` a batch is accepted only if it begins with the next expected bet, since the size of batches may differ
 * after a reconnect. Otherwise batches have numbers: below `next` the outcome is durable, and a repeat gets the same answer;
 * a repeat of a batch in flight waits for its outcome; the number after those is new; a higher one is a gap.
 */
export class UploadIntake {
  readonly #parts: UploadIntakeParts;
  /** Of each agency. */
  readonly #inFlight = new Map<number, InFlight>();

  constructor(parts: UploadIntakeParts) {
    this.#parts = parts;
  }

  /**
   * What is known of an upload, once everything is settled that was handed over here, and known that any other server has
   * acknowledged.
   */
  async settled(agency: number, upload: string): Promise<Upload | Refusal> {
    const { store, lottery, refusalOf } = this.#parts;
    try {
      await store.settled();
    } catch (error) {
      return refusalOf(agency, upload, error);
    }
    return lottery.uploads.find(agency, upload) ?? new Upload(upload);
  }

  /** The upload of an agency that is not complete, apart from one: its name, and how many bets of it are stored. */
  openOf(agency: number, except: string | undefined): Pick<Upload, 'name' | 'bets'> | undefined {
    const open = this.#parts.lottery.uploads.openOf(agency, except);
    if (open !== undefined) return open;
    const inFlight = this.#inFlight.get(agency);
    return inFlight && inFlight.upload !== except ? { name: inFlight.upload, bets: 0 } : undefined;
  }

  /**
   * @param read the bets of the batch; called at once, and only when the batch is new
   * @param tell called with what has become of it, at once or when it is durable
   */
  take(agency: number, batch: NumberedBatch, read: () => BetBatch | BatchFault, tell: Tell): void {
    const { lottery, refusalOfBets } = this.#parts;
    const { upload: name, seq, countsBets } = batch;
    const upload = lottery.uploads.find(agency, name);
    const inFlight = this.#inFlightOf(agency, name);
    if (!countsBets) {
      const known = knownOutcome(upload, seq);
      if (known !== undefined) {
        tell(known);
        return;
      }
      const repeats = inFlight?.repeats.get(seq);
      if (repeats !== undefined) {
        inFlight!.repeats.set(seq, [...repeats, tell]);
        return;
      }
    }
    // Another server may have stored more of it than has been handed over here.
    const next = Math.max(inFlight?.next ?? 1, upload?.next ?? 1);
    const before = Math.max(inFlight?.bets ?? 0, upload?.settledBets ?? 0);
    const gap = countsBets ? gapBetween('bet', before + 1, seq) : gapBetween('batch', next, seq);
    const refusal = gap ?? refusalOfBets(agency, name) ?? this.#limitOf(upload, inFlight);
    const bets = read();
    if (refusal !== undefined) {
      tell({ kind: 'refused', count: bets.count, refusal });
      return;
    }
    const place = { upload: name, seq: next };
    const fact: BatchFact =
      'rows' in bets
        ? { kind: 'stored', agency, count: bets.count, place }
        : { kind: 'refused', agency, place, fault: bets };
    const { store } = this.#parts;
    const durable = 'rows' in bets ? store.append(bets, place) : store.note(fact as Note);
    this.#follow({ fact, place, before, countsBets, durable, tell });
  }

  #inFlightOf(agency: number, upload: string): InFlight | undefined {
    const inFlight = this.#inFlight.get(agency);
    return inFlight?.upload === upload ? inFlight : undefined;
  }

  /** Why an upload may not be gone on with. What is on its way to the disk counts. */
  #limitOf(upload: Upload | undefined, inFlight: InFlight | undefined): Refusal | undefined {
    const invalid = (upload?.refused.size ?? 0) + (inFlight?.invalid ?? 0);
    if (invalid < this.#parts.limits.refusedBatchesMax) return undefined;
    return {
      code: 'invalid-bet',
      detail: `${invalid} batches of the upload were not valid, no other is taken`,
    };
  }

  /** Keeps the batch in flight until the disk has spoken. */
  #follow({ fact, place: { upload, seq }, before, countsBets, durable, tell }: HandedOver): void {
    const { agency } = fact;
    const inFlight = this.#inFlightOf(agency, upload) ?? new InFlight(upload);
    const invalid = fact.kind === 'refused' ? 1 : 0;
    const { lottery, afterSync } = this.#parts;
    this.#inFlight.set(agency, inFlight);
    inFlight.next = seq + 1;
    inFlight.bets = before + countOf(fact);
    inFlight.invalid += invalid;
    inFlight.repeats.set(seq, NOBODY);
    afterSync.follow(durable, error => {
      inFlight.invalid -= invalid;
      const known = () => (countsBets ? undefined : knownOutcome(lottery.uploads.find(agency, upload), seq));
      // Another server may have been the first with it.
      const outcome = error === undefined ? outcomeOf(fact) : (known() ?? this.#rejected(fact, error));
      // The store rejects everything of the upload after it as well: the upload goes on from here.
      if (outcome.kind === 'refused') {
        inFlight.next = Math.min(inFlight.next, seq);
        inFlight.bets = Math.min(inFlight.bets, before);
      }
      const repeats = inFlight.repeats.get(seq)!;
      inFlight.repeats.delete(seq);
      if (inFlight.repeats.size === 0) this.#inFlight.delete(agency);
      tell(outcome);
      for (const tellRepeat of repeats) tellRepeat(asRepeated(outcome));
    });
  }

  #rejected(fact: BatchFact, error: unknown): NumberedOutcome {
    return {
      kind: 'refused',
      count: countOf(fact),
      refusal: this.#parts.refusalOf(fact.agency, fact.place!.upload, error),
    };
  }
}

function countOf(fact: BatchFact): number {
  return fact.kind === 'stored' ? fact.count : fact.fault.count;
}

function outcomeOf(fact: BatchFact): NumberedOutcome {
  return fact.kind === 'stored'
    ? { kind: 'stored', count: fact.count, repeated: false }
    : { kind: 'invalid', fault: fact.fault, repeated: false };
}

/** What has become of a batch of which that is known already. */
function knownOutcome(upload: Upload | undefined, seq: number): NumberedOutcome | undefined {
  if (upload === undefined || seq >= upload.next) return undefined;
  const fault = upload.refused.get(seq);
  return fault === undefined
    ? { kind: 'stored', count: 0, repeated: true }
    : { kind: 'invalid', fault, repeated: true };
}

function asRepeated(outcome: NumberedOutcome): NumberedOutcome {
  return outcome.kind === 'refused' ? outcome : { ...outcome, repeated: true };
}

function gapBetween(what: 'batch' | 'bet', next: number, seq: number): Refusal | undefined {
  if (seq === next) return undefined;
  return { code: 'sequence-gap', detail: `${what} ${next} is expected, this is ${what} ${seq}` };
}
