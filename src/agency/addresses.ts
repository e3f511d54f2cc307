/** Where one server listens, and the text that named it. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/**
 * The servers of the central, in front of one store: each can serve every agency. An agency stays
 * with one while it works and fails over to the next, round-robin.
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

  /** Whether failover is possible. */
  get several(): boolean {
    return this.#list.length > 1;
  }

  /** The one that the agency is connected to, or dials next. */
  get current(): Address {
    return this.#list[this.#index]!;
  }

  /** The current one for a log line; undefined where there is only one. */
  get currentForLog(): string | undefined {
    return this.several ? this.current.text : undefined;
  }

  /** Fails over to the next one. */
  failOver(): void {
    this.#index = (this.#index + 1) % this.#list.length;
  }
}
