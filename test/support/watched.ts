const WAIT_MS = 10_000;

/** Notifies waiting tests that something may have changed. */
export class Watched {
  readonly #watchers = new Set<() => void>();

  notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Waits until `look` returns a value; after a timeout, `what` describes what is missing. */
  until<Value>(look: () => Value | undefined | false, what: () => string): Promise<Value> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timeout);
        this.#watchers.delete(check);
      };
      const check = (): void => {
        const value = look();
        if (value === undefined || value === false) return;
        stop();
        resolve(value);
      };
      const timeout = setTimeout(() => {
        stop();
        reject(new Error(`${what()} within ${WAIT_MS} ms`));
      }, WAIT_MS);
      this.#watchers.add(check);
      check();
    });
  }
}
