import type { Follower } from '../store.ts';
import type { LogRecord, PlacedRecord } from './log-record.ts';

/** What became of a record: for each of its facts whether it counts; undefined when the whole record does not. */
export type Verdicts = readonly boolean[] | undefined;

/**
 * The log, read up to a position. A record may be in the stream more than once: whoever heard nothing of the first try has tried
 * again, or the end of the stream was lost and offered again. Of each server process the records count in the order of their
 * numbers, each once; a second one and one behind a gap do not. Of the facts of a record that does, the lottery judges each.
 * So every server that reads the same log comes to the same result.
 */
export class LogState {
  #follower: Follower;
  /** Place of the last record that was read; 0 before the first. */
  position = 0;
  /** Identity of the message at `position`. */
  identity = '';
  /** Whether the draw is among the facts that count. */
  drawn = false;
  readonly #next = new Map<string, number>();
  /** What does not count, by position: whole records, or some of their facts. */
  readonly #void = new Map<number, Verdicts>();

  constructor(follower: Follower) {
    this.#follower = follower;
  }

  /** Has another follower go on with everything that was read. */
  handOverTo(follower: Follower): void {
    follower.become(this.#follower);
    this.#follower = follower;
  }

  /** Number of the record of a server process that counts next. */
  nextOf(writer: string): number {
    return this.#next.get(writer) ?? 1;
  }

  /** Reads the next record. */
  apply(record: PlacedRecord): Verdicts {
    const { position, writer, n, facts } = record;
    this.position = position;
    this.identity = identityOf(record);
    const next = this.nextOf(writer);
    if (n !== next) {
      this.#void.set(position, undefined);
      return undefined;
    }
    this.#next.set(writer, n + 1);
    const verdicts = facts.map(({ fact }) => {
      const counts = this.#follower.follow(fact);
      if (counts && fact.kind === 'drawn') this.drawn = true;
      return counts;
    });
    if (verdicts.includes(false)) this.#void.set(position, verdicts);
    return verdicts;
  }

  /** The rows of a record that count, in their order. */
  *rowsOf({ position, facts, rows }: PlacedRecord): Generator<Uint8Array> {
    if (!this.#void.has(position)) {
      yield rows;
      return;
    }
    const verdicts = this.#void.get(position);
    let offset = 0;
    for (const [index, { bytes }] of facts.entries()) {
      if (verdicts?.[index]) yield rows.subarray(offset, offset + bytes);
      offset += bytes;
    }
  }
}

/** What tells a record from any other. */
export function identityOf({ writer, n }: Pick<LogRecord, 'writer' | 'n'>): string {
  return `${writer}-${n}`;
}
