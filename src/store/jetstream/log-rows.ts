import { createHash, type Hash } from 'node:crypto';
import { StoreError } from '../store.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { type LogMark, markAfter, START } from './log-mark.ts';
import type { LogState } from './log-state.ts';

/** The SHA-256 of the rows that count, up to a position of the log. */
interface Digest {
  readonly state: LogState;
  readonly mark: LogMark;
  readonly hash: Hash;
  readonly bytes: number;
}

export interface LogRowsParts {
  readonly engine: Engine;
  /** The log as it was read last: another one when it had to be put together anew. */
  readonly state: () => LogState;
  /** Ends every reading. */
  readonly signal: AbortSignal;
}

/** The rows of a log, as they would stand in `bets.csv`: read from the engine when somebody wants them, for a draw, say. */
export class LogRows {
  readonly #parts: LogRowsParts;
  #digest: Digest | undefined;

  constructor(parts: LogRowsParts) {
    this.#parts = parts;
  }

  /**
   * All that count in the log as far as it was read when they are asked for, a piece at a time.
   *
   * @throws StoreError `unavailable` when the engine does not give them, or the log was put together anew meanwhile
   */
  all(): AsyncGenerator<Uint8Array> {
    return this.#read({ state: this.#parts.state(), mark: START, hash: createHash('sha256'), bytes: 0 });
  }

  /**
   * The digest of all of them, and their length. Goes on where the last reading has ended.
   *
   * @throws StoreError as `all`
   */
  async digest(): Promise<{ readonly sha256: string; readonly bytes: number }> {
    const state = this.#parts.state();
    const known = this.#digest?.state === state ? this.#digest : undefined;
    const rest = known === undefined ? this.all() : this.#read({ ...known, hash: known.hash.copy() });
    while (!(await rest.next()).done);
    const { hash, bytes } = this.#digest!;
    return { sha256: hash.copy().digest('hex'), bytes };
  }

  /** The rows behind a position, digested on the way. */
  async *#read({ state, mark: after, hash, bytes: bytesBefore }: Digest): AsyncGenerator<Uint8Array> {
    const { engine, signal } = this.#parts;
    const { mark: end } = state;
    let mark = after;
    let bytes = bytesBefore;
    try {
      for await (const record of engine.read(after.position + 1, end.position)) {
        mark = markAfter(mark, record.time);
        for (const rows of state.rowsOf(record)) {
          hash.update(rows);
          bytes += rows.length;
          yield rows;
        }
        if (signal.aborted) throw new StoreError('unavailable', 'the store is closed');
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new StoreError('unavailable', error.message, error);
    }
    // Another node may lead the stream by now, and have another copy of it.
    if (state !== this.#parts.state() || mark.digest !== end.digest) {
      throw new StoreError('unavailable', 'the log was put together anew while it was read');
    }
    this.#digest = { state, mark, hash, bytes };
  }
}
