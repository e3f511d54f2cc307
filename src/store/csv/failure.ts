import { StoreError } from '../store.ts';
import { reasonOf } from './append-file.ts';

/** The first error after which a store takes nothing any more, and when its process may end. */
export class Failure {
  /** Fulfilled with the error when the process may end. */
  readonly announced: Promise<StoreError>;
  #error: StoreError | undefined;
  #kept: Promise<void> = Promise.resolve();
  readonly #announced = Promise.withResolvers<StoreError>();

  constructor() {
    this.announced = this.#announced.promise;
  }

  get error(): StoreError | undefined {
    return this.#error;
  }

  /** Fulfilled when nothing acknowledged vanishes with the process. */
  get kept(): Promise<void> {
    return this.#kept;
  }

  /**
   * @param keep what the process must do before it ends; returns what to add to the error
   * @returns the error that counts: the first one
   */
  fail(error: unknown, keep?: () => Promise<string>): StoreError {
    this.#error ??= asFailed(error);
    if (keep !== undefined) this.#kept = this.#keep(this.#error.message, keep);
    void this.#announce(this.#kept);
    return this.#error;
  }

  async #keep(reason: string, keep: () => Promise<string>): Promise<void> {
    this.#error = new StoreError('failed', `${reason}${await keep()}`);
  }

  async #announce(kept: Promise<void>): Promise<void> {
    await kept;
    this.#announced.resolve(this.#error!);
  }
}

export function asFailed(error: unknown): StoreError {
  if (!(error instanceof StoreError)) return new StoreError('failed', reasonOf(error), error);
  return error.code === 'failed' ? error : new StoreError('failed', error.message, error);
}
