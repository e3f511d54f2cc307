/** Where one server listens, and the text that named it. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/**
 * The servers of the central. Where there are several they stand in front of one store, so that any of them can serve any
 * agency: an agency stays with one for as long as it works, and goes on to the next when it does not, round and round.
 */
export class Addresses {
  readonly #list: readonly Address[];
  #index: number;

  /**
   * @param list at least one
   * @param agency its id: agencies that are started together begin with different servers
   */
  constructor(list: readonly Address[], agency: number) {
    this.#list = list;
    this.#index = (agency - 1) % list.length;
  }

  get count(): number {
    return this.#list.length;
  }

  /** Whether there is another one to go to. */
  get several(): boolean {
    return this.#list.length > 1;
  }

  /** The one that the agency is connected to, or dials next. */
  get current(): Address {
    return this.#list[this.#index]!;
  }

  /** The current one, for a line of the log that need not name it where there is only one. */
  get currentOfSeveral(): string | undefined {
    return this.several ? this.current.text : undefined;
  }

  /** The current one has failed: the next one has its turn. */
  moveOn(): void {
    this.#index = (this.#index + 1) % this.#list.length;
  }
}
