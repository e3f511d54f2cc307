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
  /** That has been told nothing. */
  readonly follower: Follower;
  /** Told of each record that was read, and what of it counts. */
  readonly onRecord?: (record: PlacedRecord, verdicts: Verdicts) => void;
}

/** The log as it is, whole. */
export interface Restored {
  readonly state: LogState;
  /** Records that the stream had lost, which are in it again. */
  readonly offered: number;
  /** Bets that were acknowledged and do not count any more, because their agency has finished before they came back. */
  readonly lostBets: number;
}

/**
 * Reads the log from its beginning, and adds what the outbox has and the stream has not: a loss of power has taken the end of the
 * stream with it. Several servers may do so at the same time: each record is added only behind the one that was read last, so
 * that whoever is late sees what the other has added and goes on behind it.
 *
 * @throws EngineError when the engine fails meanwhile: to be called again; StoreError `failed` when records are missing that
 *   nobody has
 */
export async function restoreLog(parts: RestoreParts): Promise<Restored> {
  const { engine, outbox, follower } = parts;
  const state = new LogState(follower);
  outbox.interrupted();
  await engine.openStream();
  await readOn(parts, state);
  let offered = 0;
  let lostBets = 0;
  for await (const kept of outbox.records()) {
    const verdicts = await offer(parts, state, kept);
    if (verdicts === 'there') continue;
    offered += 1;
    lostBets += verdicts.lostBets;
  }
  // When the engine took what was added here is not known yet.
  if (offered > 0) state.end = { ...state.end, time: (await engine.at(state.position))?.time ?? 0 };
  return { state, offered, lostBets };
}

/** Reads what is in the stream and was not read yet. */
async function readOn({ engine, outbox, onRecord }: RestoreParts, state: LogState): Promise<void> {
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
    const verdicts = state.apply(record);
    onRecord?.(record, verdicts);
  }
  await keep();
}

/** Adds a record to the stream unless it is there. */
async function offer(
  parts: RestoreParts,
  state: LogState,
  kept: KeptRecord,
): Promise<'there' | { readonly lostBets: number }> {
  const { engine, onRecord } = parts;
  for (;;) {
    const next = state.nextOf(kept.writer);
    if (kept.n < next) return 'there';
    if (kept.n > next) throw gone(kept, next);
    const body = joinBody(kept.facts, kept.rows);
    try {
      // With an id of its own: whoever else adds it at the same place is the only one who has.
      const position = await engine.publish(randomUUID(), body, state.position);
      const record = decodeParts(position, kept.facts, kept.rows);
      const verdicts = state.apply(record);
      onRecord?.(record, verdicts);
      return { lostBets: lostBetsOf(record, verdicts) };
    } catch (error) {
      if (!(error instanceof EngineError) || !error.isBehind) throw error;
      const { position } = state;
      await readOn(parts, state);
      // A node that has hung may still say what was the last one then.
      if (state.position === position) await pause(BEHIND_MS);
    }
  }
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
