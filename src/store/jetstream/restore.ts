import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Follower, StoreError } from '../store.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { decodeParts, joinBody, type PlacedRecord } from './log-record.ts';
import { LogState, type Verdicts } from './log-state.ts';
import { KEEP_MS, type Outbox } from './outbox.ts';
import type { KeptRecord } from './outbox-record.ts';

/** Wait before a record is offered again that came too late although nothing new can be seen, in milliseconds. */
const BEHIND_MS = 100;

/** Rows that are put into the outbox with one sync while the log is read, in bytes. */
const KEPT_TOGETHER_BYTES = 8 * 1024 * 1024;

export interface RestoreParts {
  readonly engine: Engine;
  readonly outbox: Outbox;
  readonly follower: Pick<Follower, 'fresh'>;
  /** The log as it was read before: of what counted there, all has to be in it again. */
  readonly before?: LogState;
  /** The server process whose own records are told, with what of them counts. */
  readonly writer?: string;
}

/** The log as it is, whole. */
export interface Restored {
  readonly state: LogState;
  /** The node that led the stream when the reading began. */
  readonly leader: string;
  /** What of the own records of the server process counts, by their numbers. */
  readonly own: ReadonlyMap<number, readonly boolean[]>;
  /** Records that the stream had lost, which are in it again. */
  readonly offered: number;
  /** Bets that were acknowledged and do not count any more, because their agency has finished before they came back. */
  readonly lostBets: number;
}

/**
 * Reads the log from its beginning, and adds what the outbox has and the stream has not: a loss of power has taken the end of the
 * stream with it. Several servers may do so at the same time: each record is added only behind the one that was read last, so
 * that whoever is late sees what the other has added and goes on behind it. What was added is read back like everything else:
 * the log is what the leader of the stream says that it is.
 *
 * @throws EngineError when the engine fails meanwhile, or its leader lacks what was read before and nobody here has any more: to be
 *   called again, for another node may lead by then; StoreError `failed` when records are missing that nobody has
 */
export async function restoreLog(parts: RestoreParts): Promise<Restored> {
  const { engine, outbox } = parts;
  outbox.interrupted();
  await engine.openStream();
  let offered = 0;
  let lostBets = 0;
  for (;;) {
    const { leader } = await engine.condition();
    const reading = new Reading(parts);
    await reading.readOn();
    let offeredNow = 0;
    for await (const kept of outbox.records()) {
      const verdicts = await reading.offer(kept);
      if (verdicts === 'there') continue;
      offeredNow += 1;
      lostBets += verdicts.lostBets;
    }
    offered += offeredNow;
    if (offeredNow > 0) continue;
    expectAllOf(parts.before, reading.state);
    return { state: reading.state, leader, own: reading.own, offered, lostBets };
  }
}

/** One reading of the log from its beginning. */
class Reading {
  readonly state: LogState;
  readonly own = new Map<number, readonly boolean[]>();
  readonly #parts: RestoreParts;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
    this.state = new LogState(parts.follower.fresh());
  }

  /** Reads what is in the stream and was not read yet. */
  async readOn(): Promise<void> {
    const { engine, outbox } = this.#parts;
    const { state } = this;
    const { last } = await engine.condition();
    // What the engine has had for longer than the outbox keeps anything has long been synced, as far as clocks agree.
    const unsyncedSince = Date.now() - 2 * KEEP_MS;
    let unkept: PlacedRecord[] = [];
    let bytes = 0;
    const keep = async (): Promise<void> => {
      await outbox.append(unkept.map(toKept));
      unkept = [];
      bytes = 0;
    };
    for await (const record of engine.read(state.position + 1, last, state.end)) {
      const { writer, n, time } = record;
      const newest = outbox.newestOf(writer);
      // What other servers have written since this one read the log last; what does not count is not offered either.
      if (n === state.nextOf(writer) && n > newest && (newest > 0 || time >= unsyncedSince)) {
        unkept.push(record);
        bytes += record.rows.length;
        if (bytes >= KEPT_TOGETHER_BYTES) await keep();
      }
      this.#apply(record);
    }
    await keep();
  }

  /** Adds a record to the stream unless it is there. */
  async offer(kept: KeptRecord): Promise<'there' | { readonly lostBets: number }> {
    const { engine } = this.#parts;
    const { state } = this;
    for (;;) {
      const next = state.nextOf(kept.writer);
      if (kept.n < next) return 'there';
      if (kept.n > next) throw gone(kept, next);
      const body = joinBody(kept.facts, kept.rows);
      try {
        // With an id of its own: whoever else adds it at the same place is the only one who has.
        const position = await engine.publish(randomUUID(), body, state.position);
        const record = decodeParts(position, kept.facts, kept.rows);
        return { lostBets: lostBetsOf(record, this.#apply(record)) };
      } catch (error) {
        if (!(error instanceof EngineError) || !error.isBehind) throw error;
        const { position } = state;
        await this.readOn();
        // A node that has hung may still say what was the last one then.
        if (state.position === position) await pause(BEHIND_MS);
      }
    }
  }

  #apply(record: PlacedRecord): Verdicts {
    const verdicts = this.state.apply(record);
    const { writer, n } = record;
    if (writer === this.#parts.writer && verdicts !== undefined) this.own.set(n, verdicts);
    return verdicts;
  }
}

/** @throws EngineError */
function expectAllOf(before: LogState | undefined, state: LogState): void {
  const lacking = before && state.lacking(before);
  if (lacking === undefined) return;
  throw new EngineError(
    `the node that leads the stream lacks the records ${lacking}, which are not in the outbox of this server any more`,
  );
}

/** Bets without a number in an upload that do not count: those with one are sent again by their agency. */
function lostBetsOf({ facts }: PlacedRecord, verdicts: Verdicts): number {
  let bets = 0;
  for (const [index, { fact }] of facts.entries()) {
    if (fact.kind === 'stored' && fact.place === undefined && verdicts?.[index] !== true) bets += fact.count;
  }
  return bets;
}

function gone({ writer, n }: KeptRecord, next: number): StoreError {
  return new StoreError(
    'failed',
    `the stream has lost the records ${next} to ${n - 1} of server ${writer}, which are not in the outbox of this server any more; ` +
      'start the server that has them first, or put a newer backup of the stream back (docs/OPERATIONS.md)',
  );
}

export function toKept({ position, writer, n, line, rows }: PlacedRecord): KeptRecord {
  return { position, writer, n, facts: line, rows };
}
