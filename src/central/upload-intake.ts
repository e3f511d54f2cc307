import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import type { Fact, UploadPlace } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { Upload } from '../lottery/uploads.ts';
import type { Store } from '../store/store.ts';
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
  /** Why bets of the agency are not taken now. */
  readonly refusalOfBets: (agency: number) => Refusal | undefined;
  /** Why bets that the store has rejected are not taken; throws what is no store's error. */
  readonly refusalOf: (agency: number, error: unknown) => Refusal;
}

type Tell = (outcome: NumberedOutcome) => void;

const NOBODY: readonly Tell[] = [];

type BatchFact = Extract<Fact, { kind: 'stored' | 'refused' }>;

/** The batches of one upload that are on their way to the disk. */
class InFlight {
  /** Number of the batch that comes next. */
  next = 1;
  /** By their numbers: who else, having repeated one meanwhile, wants to know what becomes of it. */
  readonly repeats = new Map<number, readonly Tell[]>();
  /** Those among them that are not valid. */
  invalid = 0;
}

/**
 * Takes the batches of resumable uploads, each number once (promise P3). Every number is in one of three places: below the
 * upload's `next` its outcome is durable and is told again; then come those on their way to the disk, whose outcome a repeat
 * waits for as well; the one after them is new; anything beyond is a gap.
 */
export class UploadIntake {
  readonly #parts: UploadIntakeParts;
  readonly #inFlight = new Map<string, InFlight>();

  constructor(parts: UploadIntakeParts) {
    this.#parts = parts;
  }

  /**
   * The number with which an upload goes on, once everything is settled that was handed over here, and known that any other server
   * has acknowledged.
   */
  async nextOf(agency: number, upload: string): Promise<number | Refusal> {
    const { store, lottery, refusalOf } = this.#parts;
    try {
      await store.settled();
    } catch (error) {
      return refusalOf(agency, error);
    }
    return lottery.uploads.find(agency, upload)?.next ?? 1;
  }

  /**
   * @param read the bets of the batch; called at once, and only when the batch is new
   * @param tell called with what has become of it, at once or when it is durable
   */
  take(agency: number, place: UploadPlace, read: () => BetBatch | BatchFault, tell: Tell): void {
    const { lottery, refusalOfBets } = this.#parts;
    const { upload: name, seq } = place;
    const upload = lottery.uploads.find(agency, name);
    const known = knownOutcome(upload, seq);
    if (known !== undefined) {
      tell(known);
      return;
    }
    const inFlight = this.#inFlight.get(keyOf(agency, name));
    const repeats = inFlight?.repeats.get(seq);
    if (repeats !== undefined) {
      inFlight!.repeats.set(seq, [...repeats, tell]);
      return;
    }
    // Another server may have stored more of it than has been handed over here.
    const next = Math.max(inFlight?.next ?? 1, upload?.next ?? 1);
    const refusal = gapBetween(next, seq) ?? refusalOfBets(agency) ?? this.#limitOf(agency, upload, inFlight);
    const bets = read();
    if (refusal === undefined) this.#store(agency, place, bets, tell);
    else tell({ kind: 'refused', count: bets.count, refusal });
  }

  /** Why an upload may not be begun or gone on with. What is on its way to the disk counts. */
  #limitOf(agency: number, upload: Upload | undefined, inFlight: InFlight | undefined): Refusal | undefined {
    const { lottery, limits } = this.#parts;
    if (upload === undefined && inFlight === undefined) {
      const begun = lottery.uploads.countOf(agency) + this.#beginning(agency);
      if (begun < limits.agencyUploadsMax) return undefined;
      return { code: 'busy', detail: `the agency has begun ${begun} uploads, no other is taken` };
    }
    const invalid = (upload?.refused.size ?? 0) + (inFlight?.invalid ?? 0);
    if (invalid < limits.refusedBatchesMax) return undefined;
    return {
      code: 'invalid-bet',
      detail: `${invalid} batches of the upload were not valid, no other is taken`,
    };
  }

  /** Number of the agency's uploads of which nothing is durable yet. */
  #beginning(agency: number): number {
    const names = [...this.#inFlight.keys()].filter(key => key.startsWith(keyOf(agency, '')));
    const { uploads } = this.#parts.lottery;
    return names.filter(key => uploads.find(agency, key.slice(keyOf(agency, '').length)) === undefined)
      .length;
  }

  #store(agency: number, place: UploadPlace, bets: BetBatch | BatchFault, tell: Tell): void {
    const { store } = this.#parts;
    if ('rows' in bets) {
      const durable = store.append(bets, place);
      this.#follow({ kind: 'stored', agency, count: bets.count, place }, place, durable, tell);
    } else {
      const fact = { kind: 'refused', agency, place, fault: bets } as const;
      this.#follow(fact, place, store.note(fact), tell);
    }
  }

  /** Keeps the batch in flight until the disk has spoken. */
  #follow(fact: BatchFact, { upload, seq }: UploadPlace, durable: Promise<void>, tell: Tell): void {
    const { afterSync } = this.#parts;
    const key = keyOf(fact.agency, upload);
    const inFlight = this.#inFlight.get(key) ?? new InFlight();
    const invalid = fact.kind === 'refused' ? 1 : 0;
    this.#inFlight.set(key, inFlight);
    inFlight.next = seq + 1;
    inFlight.invalid += invalid;
    inFlight.repeats.set(seq, NOBODY);
    afterSync.follow(durable, error => {
      inFlight.invalid -= invalid;
      const outcome = error === undefined ? outcomeOf(fact) : this.#rejected(fact, error);
      // The store rejects everything of the upload after it as well: the upload goes on from here.
      if (outcome.kind === 'refused') inFlight.next = Math.min(inFlight.next, seq);
      const repeats = inFlight.repeats.get(seq)!;
      inFlight.repeats.delete(seq);
      if (inFlight.repeats.size === 0) this.#inFlight.delete(key);
      tell(outcome);
      for (const tellRepeat of repeats) tellRepeat(asRepeated(outcome));
    });
  }

  /** What to say of a batch that the store has rejected: another server may have been the first with it. */
  #rejected(fact: BatchFact, error: unknown): NumberedOutcome {
    const { lottery, refusalOf } = this.#parts;
    const { agency, place } = fact;
    const upload = lottery.uploads.find(agency, place!.upload);
    const known = knownOutcome(upload, place!.seq);
    if (known !== undefined) return known;
    const refusal = refusalOf(agency, error);
    const count = fact.kind === 'stored' ? fact.count : fact.fault.count;
    return { kind: 'refused', count, refusal };
  }
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

function keyOf(agency: number, upload: string): string {
  return `${agency}|${upload}`;
}

function asRepeated(outcome: NumberedOutcome): NumberedOutcome {
  return outcome.kind === 'refused' ? outcome : { ...outcome, repeated: true };
}

function gapBetween(next: number, seq: number): Refusal | undefined {
  if (seq === next) return undefined;
  return { code: 'sequence-gap', detail: `batch ${next} is expected, this is batch ${seq}` };
}
