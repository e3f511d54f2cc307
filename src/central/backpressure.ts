import type { BetBatch } from '../lottery/bet-batch.ts';
import type { UploadPlace } from '../lottery/fact.ts';
import type { Store } from '../store/store.ts';

/** Back-pressure from the disk: bounds the bytes of rows that are appended and not durable. */
export class Backpressure {
  readonly #store: Store;
  readonly #unsyncedBytesMax: number;
  /** Of the newest group commit; its batches share the promise. */
  #durable: Promise<void> | undefined;
  #released: PromiseWithResolvers<void> | undefined;

  constructor(store: Store, { unsyncedBytesMax }: { readonly unsyncedBytesMax: number }) {
    this.#store = store;
    this.#unsyncedBytesMax = unsyncedBytesMax;
  }

  /** Whether connections should stop reading. */
  get isOn(): boolean {
    return this.#store.unsyncedBytes >= this.#unsyncedBytesMax;
  }

  /** Fulfilled when it is off again. */
  released(): Promise<void> {
    this.#released ??= Promise.withResolvers();
    return this.#released.promise;
  }

  /** Appends to the store, and checks for release once per group commit. */
  append(batch: BetBatch, place?: UploadPlace): Promise<void> {
    const durable = this.#store.append(batch, place);
    if (durable !== this.#durable) {
      this.#durable = durable;
      void durable.then(this.#release, this.#release);
    }
    return durable;
  }

  readonly #release = (): void => {
    if (this.#released === undefined || this.isOn) return;
    this.#released.resolve();
    this.#released = undefined;
  };
}
