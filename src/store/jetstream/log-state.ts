import type { Follower } from '../store.ts';
import { type LogMark, markAfter, START } from './log-mark.ts';
import type { LogRecord, PlacedRecord } from './log-record.ts';

/** The two ways to ask the engine for a message round its time differently, in milliseconds. */
const SAME_TIME_MS = 2;

/** What became of a record: for each of its facts whether it counts; undefined when the whole record does not. */
export type Verdicts = readonly boolean[] | undefined;

/** Where reading has come to. */
export interface LogEnd {
  /** Place of the last record that was read; 0 before the first. */
  readonly position: number;
  readonly identity: string;
  /** When the engine took it, in milliseconds since 1970; 0 where that is not known. */
  readonly time: number;
}

/**
 * The log, read up to a position. A record may be in the stream more than once: whoever heard nothing of the first try has tried
 * again, or the end of the stream was lost and offered again. Of each server process the records count in the order of their
 * numbers, each once; a second one and one behind a gap do not. Of the facts of a record that does, the lottery judges each.
 * So every server that reads the same log comes to the same result.
 */
export class LogState {
  #follower: Follower;
  /** The last record that was read. */
  end: LogEnd = { position: 0, identity: '', time: 0 };
  /** What tells the log up to there from any other. */
  mark: LogMark = START;
  /** Whether the draw is among the facts that count. */
  drawn = false;
  readonly #next = new Map<string, number>();
  /** What does not count, by position: whole records, or some of their facts. */
  readonly #void = new Map<number, Verdicts>();

  constructor(follower: Follower) {
    this.#follower = follower;
  }

  /** Place of the last record that was read; 0 before the first. */
  get position(): number {
    return this.end.position;
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

  /** What of another reading of the log counts, and is not in this one: records of a server process, in words. */
  lacking(other: LogState): string | undefined {
    for (const [writer, next] of other.#next) {
      const own = this.nextOf(writer);
      if (own < next) return `${own} to ${next - 1} of server ${writer}`;
    }
    return undefined;
  }

  /** Reads the next record. */
  apply(record: PlacedRecord): Verdicts {
    const { position, writer, n, facts } = record;
    this.end = endOf(record);
    this.mark = markAfter(this.mark, record.time);
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
function identityOf({ writer, n }: Pick<LogRecord, 'writer' | 'n'>): string {
  return `${writer}-${n}`;
}

/** A reading that has come to a record. */
export function endOf(record: PlacedRecord): LogEnd {
  const { position, time } = record;
  return { position, identity: identityOf(record), time };
}

/**
 * Whether a message is the one that was read there last. The same record may have come to the same place again behind others than
 * before: then at another time.
 */
export function isSameEnd({ identity, time }: LogEnd, found: PlacedRecord): boolean {
  return identityOf(found) === identity && (time === 0 || Math.abs(found.time - time) < SAME_TIME_MS);
}
