import { createHash } from 'node:crypto';
import { type BetBatch, betsOf } from '../../lottery/bet-batch.ts';
import type { Bet } from '../../lottery/bet.ts';
import type { Seal } from '../../lottery/fact.ts';
import { type Store, StoreError } from '../store.ts';

/**
 * The reference store: the shortest code that behaves like a store, except that nothing in it survives the process.
 * Tests hold every other store against it.
 */
export class MemoryStore implements Store {
  readonly failure = new Promise<StoreError>(() => {});
  readonly unsyncedBytes = 0;
  readonly #batches: BetBatch[] = [];
  #sealed = false;

  async append(batch: BetBatch): Promise<void> {
    this.#refuseAfterDraw();
    this.#batches.push({ ...batch, rows: batch.rows.slice() });
  }

  async note(): Promise<void> {
    this.#refuseAfterDraw();
  }

  async seal(): Promise<Seal> {
    this.#refuseAfterDraw();
    this.#sealed = true;
    const hash = createHash('sha256');
    let bytes = 0;
    for (const { rows } of this.#batches) {
      hash.update(rows);
      bytes += rows.length;
    }
    return { bytes, sha256: hash.digest('hex'), time: new Date().toISOString() };
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
