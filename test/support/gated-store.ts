import type { BetsDigest } from '../../src/lottery/acta.ts';
import type { BetBatch } from '../../src/lottery/bet-batch.ts';
import type { Bet } from '../../src/lottery/bet.ts';
import type { Fact, UploadPlace } from '../../src/lottery/fact.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { type Note, type OnFact, type Store, StoreError } from '../../src/store/store.ts';

/** A pending call: its fact, and the rows of a batch. */
interface Waiting {
  readonly fact: Note | Extract<Fact, { kind: 'stored' }>;
  readonly batch?: BetBatch;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

/** Messages of rejections, by code. */
const REFUSALS = {
  full: 'cannot write bets.csv, the disk is full (ENOSPC)',
  unavailable: 'no node leads the stream',
  overtaken: 'another server was first',
} as const;

/**
 * The memory store with a gate: while `held`, calls stay pending until the test commits or rejects
 * them.
 */
export class GatedStore implements Store {
  readonly failure: Promise<StoreError> = new Promise(() => {});
  held: boolean;
  /** Appended batches, in order. */
  readonly appended: BetBatch[] = [];
  /** Appended notes, in order. */
  readonly noted: Note[] = [];
  /** Durable rows. */
  rows = '';
  /** Durable facts, in order. */
  readonly facts: Fact[] = [];
  /** Called with each durable fact. */
  onFact: OnFact = () => {};
  /** Number of reads of the bets: one per draw. */
  reads = 0;
  /** Number of appended draws. */
  seals = 0;
  /** Codes with which the next draws are rejected, oldest first. */
  readonly sealRefusals: (keyof typeof REFUSALS)[] = [];
  /** An additional condition of `settled`. */
  settling: Promise<void> = Promise.resolve();
  /** Number of its calls. */
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

  /** Commits the oldest pending calls. */
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

  /** Commits all pending and future calls. */
  open(): void {
    this.held = false;
    this.letIn();
  }

  /** Rejects all pending calls: a store never stores a later batch without an earlier one. */
  refuse(reason: keyof typeof REFUSALS = 'full'): void {
    for (const { reject } of this.#waiting.splice(0)) reject(storeError(reason));
  }

  /** Rejects only the oldest pending call: another server was first. */
  overtake(): void {
    this.#waiting.shift()!.reject(storeError('overtaken'));
  }

  /** Applies a durable fact of another server on the same log. */
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

/** A draw without bets, held by another server. */
export function drawnBy(sha256: string, ofAgency1: readonly string[] = []): Fact {
  const seal = { bytes: 0, sha256, time: '2026-01-02T03:04:05.000Z' };
  return { kind: 'drawn', draw: { bets: 0, winners: new Map([[1, ofAgency1]]) }, seal };
}

/** The error of a rejection. */
export function storeError(reason: keyof typeof REFUSALS): StoreError {
  return new StoreError(reason, REFUSALS[reason]);
}
