import type { BetsDigest } from '../../src/lottery/acta.ts';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import type { Fact, UploadPlace } from '../../src/lottery/fact.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { type Note, type OnFact, type Store, StoreError } from '../../src/store/store.ts';

/** What waits at the door of the store: the fact that it becomes, and the rows of a batch. */
interface Waiting {
  readonly fact: Note | Extract<Fact, { kind: 'stored' }>;
  readonly batch?: BetBatch;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

/** What a store says that does not take something. */
const REFUSALS = {
  full: 'cannot write bets.csv, the disk is full (ENOSPC)',
  unavailable: 'no node leads the stream',
  overtaken: 'another server was first',
} as const;

/**
 * The memory store, with a door: while `held`, batches and notes wait until the test lets them in
 * or refuses them.
 */
export class GatedStore implements Store {
  readonly failure: Promise<StoreError> = new Promise(() => {});
  held: boolean;
  /** Batches that were handed over, in order. */
  readonly appended: BetBatch[] = [];
  /** Notes that were handed over, in order. */
  readonly noted: Note[] = [];
  /** Rows that are durable. */
  rows = '';
  /** Facts that are durable, in order. */
  readonly facts: Fact[] = [];
  /** Told each of them. */
  onFact: OnFact = () => {};
  /** How often the bets were read: once per draw. */
  reads = 0;
  /** How often the draw was handed over. */
  seals = 0;
  /**
   * What becomes of the next draws that are handed over, oldest first: each is refused for this
   * reason.
   */
  readonly sealRefusals: (keyof typeof REFUSALS)[] = [];
  /** What `settled` waits for as well. */
  settling: Promise<void> = Promise.resolve();
  /** How often it was called. */
  asked = 0;
  readonly lottery = 'of the test';
  readonly #memory = new MemoryStore(fact => {
    this.facts.push(fact);
    this.onFact(fact);
  });
  readonly #waiting: Waiting[] = [];
  #done: Promise<unknown> = Promise.resolve();

  constructor(options: { held?: boolean } = {}) {
    this.held = options.held ?? false;
  }

  get unsyncedBytes(): number {
    return this.#waiting.reduce((sum, { batch }) => sum + (batch?.rows.length ?? 0), 0);
  }

  append(given: BetBatch, place?: UploadPlace): Promise<void> {
    const batch = { ...given, rows: given.rows.slice() };
    this.appended.push(batch);
    const { agency, count } = batch;
    return this.#arrive({ kind: 'stored', agency, count, place }, batch);
  }

  async note(note: Note): Promise<void> {
    if (note.kind === 'closed') return this.#memory.note(note);
    if (note.kind === 'drawn') {
      this.seals += 1;
      const refusal = this.sealRefusals.shift();
      if (refusal !== undefined) throw storeError(refusal);
      return this.#memory.note(note);
    }
    this.noted.push(note);
    return this.#arrive(note);
  }

  digest(): Promise<BetsDigest> {
    return this.#memory.digest();
  }

  #arrive(fact: Waiting['fact'], batch?: BetBatch): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ fact, ...(batch && { batch }), fulfil: resolve, reject });
    this.#done = Promise.allSettled([this.#done, promise]);
    if (!this.held) this.letIn();
    return promise;
  }

  /** Makes the oldest that wait durable. */
  letIn(count = Infinity): void {
    for (const { fact, batch, fulfil } of this.#waiting.splice(0, count)) {
      if (fact.kind === 'stored') {
        this.rows += Buffer.from(batch!.rows).toString('utf8');
        void this.#memory.append(batch!, fact.place);
      } else {
        void this.#memory.note(fact);
      }
      fulfil();
    }
  }

  /** Makes everything durable that waits and that will come. */
  open(): void {
    this.held = false;
    this.letIn();
  }

  /**
   * Refuses all that wait, as the promise of every store says: nobody's later batch is stored
   * without the earlier one.
   */
  refuse(reason: keyof typeof REFUSALS = 'full'): void {
    for (const { reject } of this.#waiting.splice(0)) reject(storeError(reason));
  }

  /** Refuses the oldest that waits and nothing else: another server was first with it. */
  overtake(): void {
    this.#waiting.shift()!.reject(storeError('overtaken'));
  }

  /** Another server on the same log has handed over something that is durable. */
  tellOfAnother(fact: Fact): void {
    this.facts.push(fact);
    this.onFact(fact);
  }

  async settled(): Promise<void> {
    this.asked += 1;
    await this.settling;
    await this.#done;
  }

  bets(): AsyncGenerator<Iterable<Bet>> {
    this.reads += 1;
    return this.#memory.bets();
  }

  async close(): Promise<void> {}
}

export const finishedBy = (agency: number): Fact => ({
  kind: 'finished',
  agency,
  upload: undefined,
});

/** A draw without any bet, that another server has held. */
export function drawnBy(sha256: string, ofAgency1: readonly string[] = []): Fact {
  const seal = { bytes: 0, sha256, time: '2026-01-02T03:04:05.000Z' };
  return { kind: 'drawn', draw: { bets: 0, winners: new Map([[1, ofAgency1]]) }, seal };
}

/** The error of a store that does not take something. */
export function storeError(reason: keyof typeof REFUSALS): StoreError {
  return new StoreError(reason, REFUSALS[reason]);
}
