import { type EngineEvent, StoreError } from '../store.ts';

/** Whether the engine stores now, and for how long it has not. */
export class Troubles {
  readonly #patienceMs: number;
  readonly #onEvent: (event: EngineEvent) => void;
  readonly #onPatienceLost: (error: StoreError) => void;
  #why: string | undefined;
  #since = 0;
  #patience: NodeJS.Timeout | undefined;
  #isPatienceLost = false;

  /** @param patienceMs how long batches wait for the engine until `onPatienceLost` is called */
  constructor(
    patienceMs: number,
    onEvent: (event: EngineEvent) => void,
    onPatienceLost: (error: StoreError) => void,
  ) {
    this.#patienceMs = patienceMs;
    this.#onEvent = onEvent;
    this.#onPatienceLost = onPatienceLost;
  }

  get isThere(): boolean {
    return this.#why !== undefined;
  }

  /** Why nothing should wait for the engine; undefined when it stores, or may do so soon. */
  get refusal(): StoreError | undefined {
    return this.#isPatienceLost ? new StoreError('unavailable', this.#why!) : undefined;
  }

  /** Each other reason is reported as well: what the operator has mended may not have been all. */
  begin(why: string, isUnsafe: boolean): void {
    if (this.#why === why) return;
    if (this.#why === undefined) {
      this.#since = performance.now();
      this.#patience = setTimeout(() => {
        this.#isPatienceLost = true;
        this.#onPatienceLost(this.refusal!);
      }, this.#patienceMs).unref();
    }
    this.#why = why;
    this.#onEvent({ kind: 'unavailable', error: why, isUnsafe });
  }

  end(): void {
    if (this.#why === undefined) return;
    this.close();
    this.#onEvent({ kind: 'available', awayMs: performance.now() - this.#since });
  }

  close(): void {
    clearTimeout(this.#patience);
    this.#why = undefined;
    this.#isPatienceLost = false;
  }
}
