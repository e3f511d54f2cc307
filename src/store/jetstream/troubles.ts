/** What may keep a server from storing. */
type Trouble = 'connection' | 'stream' | 'publish' | 'reading' | 'outbox' | 'restoring';

export interface TroublesParts {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** How long trouble may last before nobody is to wait for its end any more, in milliseconds. */
  readonly patienceMs: number;
  readonly onTrouble: (why: string) => void;
  readonly onPatienceLost: (why: string) => void;
  readonly onEnd: (awayMs: number) => void;
}

/** What keeps a server from storing now: as long as there is one trouble, nothing is acknowledged. */
export class Troubles {
  readonly #parts: TroublesParts;
  readonly #current = new Map<Trouble, string>();
  #since = 0;
  #patience: NodeJS.Timeout | undefined;
  #patienceLost = false;

  constructor(parts: TroublesParts) {
    this.#parts = parts;
  }

  /** Why nothing can be stored, in words; undefined when nothing is in the way. */
  get why(): string | undefined {
    return this.#current.values().next().value;
  }

  /** Why nobody should wait; undefined also in trouble that may pass soon. */
  get whyNotWait(): string | undefined {
    return this.#patienceLost ? this.why : undefined;
  }

  begin(trouble: Trouble, why: string): void {
    const { now, patienceMs, onTrouble, onPatienceLost } = this.#parts;
    const isFirst = this.#current.size === 0;
    this.#current.set(trouble, why);
    if (!isFirst) return;
    this.#since = now();
    this.#patience = setTimeout(() => {
      this.#patienceLost = true;
      onPatienceLost(this.why!);
    }, patienceMs).unref();
    onTrouble(why);
  }

  end(trouble: Trouble): void {
    if (!this.#current.delete(trouble) || this.#current.size > 0) return;
    this.#forget();
    this.#parts.onEnd(this.#parts.now() - this.#since);
  }

  close(): void {
    this.#current.clear();
    this.#forget();
  }

  #forget(): void {
    clearTimeout(this.#patience);
    this.#patienceLost = false;
  }
}
