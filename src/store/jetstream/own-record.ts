import { type PiecePool, RowBuffer } from '../csv/row-buffer.ts';
import { StoreError } from '../store.ts';
import { encodeLine, joinBody, type LoggedFact } from './log-record.ts';

/** Bytes of a fact in the line of a record, at most nearly. */
const FACT_BYTES = 128;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

/** A record that this server writes: what was handed over while the one before was on its way. */
export class OwnRecord {
  /** Its number among the records of this process; 0 until its turn has come. */
  n = 0;
  /** In which age of the log the engine has acknowledged it; see `Publisher`. */
  acknowledgedIn: number | undefined;
  readonly #facts: LoggedFact[] = [];
  readonly #rows: RowBuffer;
  readonly #waiting: Waiting[] = [];
  readonly #settled = Promise.withResolvers<void>();
  #isSettled = false;
  #body: Uint8Array | undefined;

  /** @param pool memory for the rows while they gather */
  constructor(pool: PiecePool) {
    this.#rows = new RowBuffer(pool);
  }

  /** Bytes of its rows. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Length of its message in bytes, or a little less. */
  get size(): number {
    return this.#rows.bytes + this.#facts.length * FACT_BYTES;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Fulfilled when everybody who waits for it knows. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Adds a fact; the rows are copied. Fulfilled when it is durable. */
  add(fact: LoggedFact['fact'], rows: Uint8Array): Promise<void> {
    this.#facts.push({ fact, bytes: rows.length });
    this.#rows.append(rows);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    this.#waiting.push({ resolve, reject });
    return promise;
  }

  /** The body of its message; the same at each call. */
  body(writer: string): Uint8Array {
    if (this.#body === undefined) {
      const { pieces } = this.#rows;
      const rows = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      this.#body = joinBody(encodeLine({ writer, n: this.n, facts: this.#facts, rows }), rows);
      this.#rows.release();
    }
    return this.#body;
  }

  /** It is in the log: tells everybody whether what he handed over counts there. */
  settle(verdicts: readonly boolean[]): void {
    for (const [index, { resolve, reject }] of this.#waiting.entries()) {
      if (verdicts[index]) resolve();
      else reject(new StoreError('overtaken', 'another server was first'));
    }
    this.#end();
  }

  reject(error: StoreError): void {
    for (const { reject } of this.#waiting) reject(error);
    this.#end();
  }

  #end(): void {
    this.#rows.release();
    this.#isSettled = true;
    this.#settled.resolve();
  }
}
