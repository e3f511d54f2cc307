/** What files hold, read again now and then. Files that cannot be used leave in force what was read before. */
export class Reloading<Value> {
  readonly #read: () => Value;
  #value: Value;
  /** What the last look has found, to tell a change. */
  #found: string;

  /** @throws what `read` throws */
  constructor(read: () => Value) {
    this.#read = read;
    this.#value = read();
    this.#found = JSON.stringify(this.#value);
  }

  get value(): Value {
    return this.#value;
  }

  /**
   * Reads the files again.
   *
   * @returns what is new: other contents, or the reason why they cannot be used; undefined when nothing is
   */
  look(): 'changed' | Error | undefined {
    let outcome: 'changed' | Error;
    let found: string;
    let value = this.#value;
    try {
      value = this.#read();
      outcome = 'changed';
      found = JSON.stringify(value);
    } catch (error) {
      outcome = error as Error;
      found = outcome.message;
    }
    if (found === this.#found) return undefined;
    this.#found = found;
    this.#value = value;
    return outcome;
  }

  /** The next look reports what it finds even if it is the same. */
  forget(): void {
    this.#found = '';
  }
}
