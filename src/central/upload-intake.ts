import type { BatchFault, BetBatch } from '../lottery/bet-batch.ts';
import type { Fact, UploadPlace } from '../lottery/fact.ts';
import type { Lottery } from '../lottery/lottery.ts';
import type { Upload } from '../lottery/uploads.ts';
import type { Store } from '../store/store.ts';
import type { Limits } from '../wire/limits.ts';
import type { Refusal } from '../wire/refusal.ts';

/** What has become of a batch of an upload. `repeated` when it was not the first of its number. */
export type NumberedOutcome =
  | { readonly kind: 'stored'; readonly count: number; readonly repeated: boolean }
  | { readonly kind: 'invalid'; readonly fault: BatchFault; readonly repeated: boolean }
  | { readonly kind: 'refused'; readonly count: number; readonly refusal: Refusal };

export interface UploadIntakeParts {
  readonly lottery: Lottery;
  readonly store: Store;
  readonly limits: Limits;
  /** Why bets of the agency are not taken now. */
  readonly refusalOfBets: (agency: number) => Refusal | undefined;
  /** The refusal of what a store has rejected; throws what is no store's error. */
  readonly storageRefusal: (error: unknown) => Refusal;
}

/** The batches of one upload that are on their way to the disk. */
interface InFlight {
  /** Number of the batch that comes next. */
  next: number;
  readonly outcomes: Map<number, Promise<NumberedOutcome>>;
  /** Those among them that are not valid. */
  invalid: number;
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

  /** The number with which an upload goes on, when nothing of it is on its way any more. */
  async nextOf(agency: number, upload: string): Promise<number> {
    const inFlight = this.#inFlight.get(keyOf(agency, upload));
    if (inFlight !== undefined) await Promise.all(inFlight.outcomes.values());
    return this.#parts.lottery.uploads.find(agency, upload)?.next ?? 1;
  }

  /** @param read the bets of the batch; called at once, and only when the batch is new */
  take(
    agency: number,
    place: UploadPlace,
    read: () => BetBatch | BatchFault,
  ): NumberedOutcome | Promise<NumberedOutcome> {
    const { lottery, refusalOfBets } = this.#parts;
    const { upload: name, seq } = place;
    const upload = lottery.uploads.find(agency, name);
    const durableNext = upload?.next ?? 1;
    if (seq < durableNext) {
      const fault = upload?.refused.get(seq);
      return fault === undefined
        ? { kind: 'stored', count: 0, repeated: true }
        : { kind: 'invalid', fault, repeated: true };
    }
    const inFlight = this.#inFlight.get(keyOf(agency, name));
    const waiting = inFlight?.outcomes.get(seq);
    if (waiting !== undefined) return waiting.then(asRepeated);
    const next = inFlight?.next ?? durableNext;
    const gap = seq === next ? undefined : gapBetween(next, seq);
    const refusal = gap ?? refusalOfBets(agency) ?? this.#limitOf(agency, upload, inFlight);
    const bets = read();
    if (refusal !== undefined) return { kind: 'refused', count: bets.count, refusal };
    return this.#store(agency, place, bets);
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

  #store(agency: number, place: UploadPlace, bets: BetBatch | BatchFault): Promise<NumberedOutcome> {
    const { store } = this.#parts;
    if ('rows' in bets) {
      const { count } = bets;
      const fact: Fact = { kind: 'stored', agency, count, place };
      return this.#follow(fact, place, store.append(bets, place), { kind: 'stored', count, repeated: false });
    }
    const fact = { kind: 'refused', agency, place, fault: bets } as const;
    return this.#follow(fact, place, store.note(fact), { kind: 'invalid', fault: bets, repeated: false });
  }

  /** Keeps the batch in flight until the disk has spoken. */
  #follow(
    fact: Extract<Fact, { kind: 'stored' | 'refused' }>,
    { upload, seq }: UploadPlace,
    durable: Promise<void>,
    success: NumberedOutcome,
  ): Promise<NumberedOutcome> {
    const { lottery, storageRefusal } = this.#parts;
    const key = keyOf(fact.agency, upload);
    let inFlight = this.#inFlight.get(key);
    if (inFlight === undefined)
      this.#inFlight.set(key, (inFlight = { next: seq, outcomes: new Map(), invalid: 0 }));
    const { outcomes } = inFlight;
    const invalid = fact.kind === 'refused' ? 1 : 0;
    inFlight.next = seq + 1;
    inFlight.invalid += invalid;
    const settle = (next: number): void => {
      outcomes.delete(seq);
      inFlight.invalid -= invalid;
      inFlight.next = next;
      if (outcomes.size === 0) this.#inFlight.delete(key);
    };
    const outcome = durable.then(
      (): NumberedOutcome => {
        settle(inFlight.next);
        lottery.apply(fact);
        return success;
      },
      (error: unknown): NumberedOutcome => {
        // The store has rejected everything behind it as well: the upload goes on from here.
        settle(Math.min(inFlight.next, seq));
        const { count } = fact.kind === 'stored' ? fact : fact.fault;
        return { kind: 'refused', count, refusal: storageRefusal(error) };
      },
    );
    outcomes.set(seq, outcome);
    return outcome;
  }
}

function keyOf(agency: number, upload: string): string {
  return `${agency}|${upload}`;
}

function asRepeated(outcome: NumberedOutcome): NumberedOutcome {
  return outcome.kind === 'refused' ? outcome : { ...outcome, repeated: true };
}

function gapBetween(next: number, seq: number): Refusal {
  return { code: 'sequence-gap', detail: `batch ${next} is expected, this is batch ${seq}` };
}
