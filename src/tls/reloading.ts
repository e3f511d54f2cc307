/** The content of files that may change. Unusable files leave the last usable content in force. */
export class Reloading<Value> {
  readonly #read: () => Value;
  #value: Value;
  /** Result of the last look, for comparison. */
  #found: string;

  /** @throws the error of `read` */
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
   * @returns `changed`, a new error, or undefined if nothing is new
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

  /** Makes the next look report its result even if it is the same. */
  forget(): void {
    this.#found = '';
  }
}
