import { reasonOf } from '../../files/system-error.ts';
import { StoreError } from '../store.ts';

/** The first error after which a store takes nothing any more, and when its process may end. */
export class Failure {
  /** Fulfilled with the error when the process may end. */
  readonly announced: Promise<StoreError>;
  #error: StoreError | undefined;
  #rescued: Promise<void> = Promise.resolve();
  readonly #announced = Promise.withResolvers<StoreError>();

  constructor() {
    this.announced = this.#announced.promise;
  }

  get error(): StoreError | undefined {
    return this.#error;
  }

  /** Fulfilled when nothing acknowledged vanishes with the process. */
  get rescued(): Promise<void> {
    return this.#rescued;
  }

  /**
   * @param rescue runs before the process may end; returns what to add to the error
   * @returns the first error
   */
  fail(error: unknown, rescue?: () => Promise<string>): StoreError {
    this.#error ??= asFailed(error);
    if (rescue !== undefined) this.#rescued = this.#rescue(this.#error.message, rescue);
    void this.#announce(this.#rescued);
    return this.#error;
  }

  async #announce(rescued: Promise<void>): Promise<void> {
    await rescued;
    this.#announced.resolve(this.#error!);
  }

  async #rescue(reason: string, rescue: () => Promise<string>): Promise<void> {
    this.#error = new StoreError('failed', `${reason}${await rescue()}`);
  }
}

export function asFailed(error: unknown): StoreError {
  if (!(error instanceof StoreError)) return new StoreError('failed', reasonOf(error), error);
  return error.code === 'failed' ? error : new StoreError('failed', error.message, error);
}
