/** Bytes of a piece: some hundred batches. */
const PIECE_BYTES = 1024 * 1024;

/** Free pieces in the pool; more are garbage-collected. */
const PIECES_KEPT = 5;

/** Reuses the memory of groups. */
export class PiecePool {
  readonly #free: Uint8Array[] = [];

  take(bytesMin: number): Uint8Array {
    return bytesMin <= PIECE_BYTES
      ? (this.#free.pop() ?? new Uint8Array(PIECE_BYTES))
      : new Uint8Array(bytesMin);
  }

  release(piece: Uint8Array): void {
    if (piece.length === PIECE_BYTES && this.#free.length < PIECES_KEPT) this.#free.push(piece);
  }
}

/** The rows of one group, in few pieces of memory. */
export class RowBuffer {
  /** Length of the rows. */
  bytes = 0;
  readonly #pool: PiecePool;
  readonly #pieces: Uint8Array[] = [];
  /** How much of each piece is used. */
  readonly #used: number[] = [];

  constructor(pool: PiecePool) {
    this.#pool = pool;
  }

  /** Copies rows. */
  append(rows: Uint8Array): void {
    let last = this.#pieces.length - 1;
    if (last < 0 || this.#used[last]! + rows.length > this.#pieces[last]!.length) {
      this.#pieces.push(this.#pool.take(rows.length));
      this.#used.push(0);
      last += 1;
    }
    this.#pieces[last]!.set(rows, this.#used[last]);
    this.#used[last]! += rows.length;
    this.bytes += rows.length;
  }

  /** The rows in order. */
  get pieces(): Uint8Array[] {
    return this.#pieces.map((piece, index) => piece.subarray(0, this.#used[index]));
  }

  /** Returns the memory to the pool. */
  release(): void {
    for (const piece of this.#pieces.splice(0)) this.#pool.release(piece);
    this.#used.length = 0;
  }
}
