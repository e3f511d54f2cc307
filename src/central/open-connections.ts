/** A connection with its buffers. */
export interface Buffering {
  /** Input that is not decoded, and output that is not read. */
  readonly bufferedBytes: number;
  /** Closes the connection to free its buffers. */
  cutForMemory(): void;
}

/**
 * The connections of all listeners, with a limit on their buffers together: beyond it the
 * connection with the largest buffers is cut.
 */
export class OpenConnections {
  readonly #bufferedBytesMax: number;
  readonly #connections = new Map<Buffering, number>();
  #bufferedBytes = 0;

  constructor(limits: { readonly bufferedBytesMax: number }) {
    this.#bufferedBytesMax = limits.bufferedBytesMax;
  }

  get count(): number {
    return this.#connections.size;
  }

  add(connection: Buffering): void {
    this.#connections.set(connection, 0);
  }

  delete(connection: Buffering): void {
    this.#bufferedBytes -= this.#connections.get(connection) ?? 0;
    this.#connections.delete(connection);
  }

  /** Updates the count after the buffers of a connection have changed. */
  note(connection: Buffering): void {
    const before = this.#connections.get(connection);
    if (before === undefined) return;
    const { bufferedBytes } = connection;
    this.#bufferedBytes += bufferedBytes - before;
    this.#connections.set(connection, bufferedBytes);
    if (this.#bufferedBytes > this.#bufferedBytesMax) this.#makeRoom();
  }

  #makeRoom(): void {
    const byBytes = [...this.#connections].toSorted(([, some], [, others]) => others - some);
    for (const [connection] of byBytes) {
      if (this.#bufferedBytes <= this.#bufferedBytesMax) return;
      this.delete(connection);
      connection.cutForMemory();
    }
  }
}
