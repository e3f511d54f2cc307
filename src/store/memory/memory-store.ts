import { createHash } from 'node:crypto';
import { type BetBatch, betsOf } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import type { BetsDigest } from '../../lottery/acta.ts';
import { AgencyDigests } from '../../lottery/agency-digests.ts';
import type { UploadPlace } from '../../lottery/fact.ts';
import { type Note, type OnFact, type Store, StoreError } from '../store.ts';

/** The reference store: nothing survives the process. */
export class MemoryStore implements Store {
  readonly failure = new Promise<StoreError>(() => {});
  readonly unsyncedBytes = 0;
  readonly lottery = new Date().toISOString();
  readonly #batches: BetBatch[] = [];
  readonly #onFact: OnFact;
  #sealed = false;

  constructor(onFact: OnFact = () => {}) {
    this.#onFact = onFact;
  }

  async append(batch: BetBatch, place?: UploadPlace): Promise<void> {
    this.#refuseAfterDraw();
    const { agency, count, rows } = batch;
    // Not `slice`, which shares the memory of a Buffer.
    this.#batches.push({ agency, count, rows: new Uint8Array(rows) });
    this.#onFact({ kind: 'stored', agency, count, place });
  }

  async note(note: Note): Promise<void> {
    this.#refuseAfterDraw();
    this.#sealed = note.kind === 'drawn';
    this.#onFact(note);
  }

  async digest(): Promise<BetsDigest> {
    const hash = createHash('sha256');
    const agencies = new AgencyDigests();
    let bytes = 0;
    for (const { rows } of this.#batches) {
      hash.update(rows);
      agencies.push(rows);
      bytes += rows.length;
    }
    return { bytes, sha256: hash.digest('hex'), agencies: agencies.sha256s };
  }

  async settled(): Promise<void> {}

  async *bets(): AsyncGenerator<Iterable<Bet>> {
    for (const batch of this.#batches) yield betsOf(batch);
  }

  async close(): Promise<void> {}

  #refuseAfterDraw(): void {
    if (this.#sealed) throw new StoreError('failed', 'nothing is stored after the draw');
  }
}
